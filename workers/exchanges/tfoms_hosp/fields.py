"""Поля пакетов ТФОМС: titles, order and obligation, once for forming and for ФЛК.

Field names: приказ ФОМС от 07.04.2011 № 79 (conventions); dialect ``urn:service-journal:tfoms:1`` 1.0, whose
schemas say the same; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TITLES: Final[Mapping[str, str]] = {
    "ACOD": "Код отменившей организации",
    "COMMENT": "Примечание",
    "DOCNUM": "Номер документа",
    "DOCSER": "Серия документа",
    "DOCTYPE": "Тип документа",
    "DR": "Дата рождения",
    "DS1": "Диагноз основной",
    "DTA_ANL": "Дата отмены",
    "DTA_FKT": "Дата поступления в МО",
    "DTA_IN": "Дата поступления в отделение",
    "DTA_NAP": "Дата направления",
    "DTA_OBR": "Дата обращения",
    "DTA_OTK": "Дата отказа",
    "DTA_OUT": "Дата выбытия",
    "DTA_PLN": "Плановая дата госпитализации",
    "ENP": "Единый номер полиса",
    "FAM": "Фамилия",
    "FRM_MP": "Форма оказания медицинской помощи",
    "HOSP_ID": "Идентификатор госпитализации",
    "IDDOKT": "СНИЛС врача",
    "ID_PAC": "Идентификатор пациента в МИС",
    "IM": "Имя",
    "IST_ANL": "Источник отмены",
    "IST_OTK": "Источник отказа",
    "MCOD_NAP": "Код направившей МО",
    "MCOD_STC": "Код МО стационара",
    "MPODR_ANL": "Подразделение отменившей организации",
    "MPODR_NAP": "Подразделение направившей МО",
    "MPODR_STC": "Подразделение стационара",
    "NHISTORY": "Номер истории болезни",
    "NOM_NAP": "Номер направления",
    "NPOLIS": "Номер полиса",
    "OT": "Отчество",
    "PERS": "Пациент",
    "PROFIL": "Профиль медицинской помощи",
    "PROFIL_K": "Профиль койки",
    "PR_ANL": "Причина отмены",
    "PR_OTK": "Причина отказа",
    "RES_OUT": "Исход",
    "SMO": "Код СМО",
    "SMO_OK": "ОКАТО территории страхования",
    "SNILS": "СНИЛС",
    "SPOLIS": "Серия полиса",
    "TIM_FKT": "Время поступления в МО",
    "TIM_OBR": "Время обращения",
    "TLF": "Телефон",
    "TYPE_H": "Вид поступления",
    "USL_OK": "Условия оказания медицинской помощи",
    "VPOLIS": "Тип полиса",
    "W": "Пол",
}

_PERS: Final = "ID_PAC FAM? IM? OT? W DR SNILS? VPOLIS? SPOLIS? NPOLIS? ENP? SMO? SMO_OK? DOCTYPE? DOCSER? DOCNUM? TLF?"

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


def _names(fields: str) -> tuple[str, ...]:
    return tuple(name.removesuffix("?") for name in fields.split())


def _required(packet_fields: str) -> tuple[str, ...]:
    """Paths below the root of the source object of what must be filled in."""
    own = [name for name in packet_fields.split() if not name.endswith("?")]
    person = [f"PERS/{name}" for name in _PERS.split() if not name.endswith("?")]
    return (*own, *(person if "PERS" in own else ()))


PERS: Final = _names(_PERS)
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {kind: _names(fields) for kind, fields in _ZAP.items()}
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {kind: _required(fields) for kind, fields in _ZAP.items()}

ADDRESSEE: Final[Mapping[str, str]] = {"HOSPITALISATION_REFERRAL": "MCOD_STC"}
"""Packet types whose header names the МО addressed (CODE_MO_TO), and the source field that does."""
