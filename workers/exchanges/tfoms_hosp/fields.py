"""Поля пакетов ТФОМС: titles, order and obligation, once for forming and for ФЛК.

Field names: приказ ФОМС от 07.04.2011 № 79 (conventions); dialect ``urn:service-journal:tfoms:1`` 1.0, whose
schemas say the same; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from workers.exchange import funds

TITLES: Final[Mapping[str, str]] = {
    **funds.HOSPITALISATION_TITLES,
    "HOSP_ID": "Идентификатор госпитализации",
    "ID_PAC": "Идентификатор пациента в МИС",
    "MPODR_ANL": "Подразделение отменившей организации",
    "RES_OUT": "Исход",
    "TIM_OBR": "Время обращения",
}

_ZAP: Final = {
    "HOSPITALISATION_REFERRAL": (
        "NOM_NAP DTA_NAP FRM_MP MCOD_NAP MPODR_NAP? MCOD_STC MPODR_STC USL_OK PROFIL PROFIL_K DS1 IDDOKT "
        "DTA_PLN PERS COMMENT?"
    ),
    "CANCEL_HOSPITALISATION_REFERRAL": (
        "NOM_NAP DTA_NAP MCOD_NAP IST_ANL ACOD MPODR_ANL? DTA_ANL PR_ANL COMMENT? ID_PAC?"
    ),
    "HOSPITALISATION": (
        "NOM_NAP? DTA_NAP? MCOD_NAP? MPODR_NAP? FRM_MP TYPE_H MCOD_STC MPODR_STC DTA_FKT TIM_FKT USL_OK "
        "PROFIL PROFIL_K NHISTORY DS1 PERS COMMENT?"
    ),
    "MOTION_IN_HOSPITAL": (
        "HOSP_ID NOM_NAP? DTA_NAP? FRM_MP MCOD_STC MPODR_STC USL_OK PROFIL PROFIL_K DTA_FKT DTA_IN DTA_OUT? "
        "RES_OUT? NHISTORY DS1 PERS COMMENT?"
    ),
    "CANCEL_HOSPITALISATION": (
        "HOSP_ID NOM_NAP? DTA_NAP? MCOD_STC MPODR_STC? DTA_OBR TIM_OBR? DTA_OTK IST_OTK PR_OTK NHISTORY? "
        "DS1? PERS COMMENT?"
    ),
}
"""Content of ZAP by packet type, in the order of the schema; ``?`` marks what may be absent."""


def _required(packet_fields: str) -> tuple[str, ...]:
    """Paths below the root of the source object of what must be filled in."""
    own = funds.required(packet_fields)
    person = [f"PERS/{name}" for name in funds.required(funds.PERSON)]
    return (*own, *(person if "PERS" in own else ()))


PERS: Final = funds.names(funds.PERSON)
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {kind: funds.names(fields) for kind, fields in _ZAP.items()}
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {kind: _required(fields) for kind, fields in _ZAP.items()}

ADDRESSEE: Final[Mapping[str, str]] = {"HOSPITALISATION_REFERRAL": "MCOD_STC"}
"""Packet types whose header names the МО addressed (CODE_MO_TO), and the source field that does."""
