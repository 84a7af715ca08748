"""Words of exchanges with ТФОМС: codes of МО, fields of the conventions and of the hospitalisation, their conditions.

Names of fields: приказ ФОМС от 07.04.2011 № 79 (conventions) and the source objects of xsd/tfoms/1.0/source. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gateway.domain.errors import Finding
from workers.exchange.common import Element, Organization
from workers.exchange.packets import Job
from workers.exchange.rules import Values, filled_in, root_path

CODE_SYSTEM: Final = "tfoms"
"""Name of the МО's code in ``Organization.codes``: its number in the register of МО (F003)."""

NUMBER: Final = re.compile(r"[0-9]{1,4}")
INSURER: Final = re.compile(r"[0-9]{5}")
ORGANIZATION: Final = re.compile(r"[0-9]{6}")
DIAGNOSIS: Final = re.compile(r"[A-Z][0-9]{2}(\.[0-9]{1,2})?")
"""What codes of dictionaries look like."""

PERSON: Final = (
    "ID_PAC FAM? IM? OT? W DR SNILS? VPOLIS? SPOLIS? NPOLIS? ENP? SMO? SMO_OK? DOCTYPE? DOCSER? DOCNUM? TLF?"
)
"""Content of PERS, in the order of the schemas, as ``names`` and ``required`` read it."""

TITLES: Final[Mapping[str, str]] = {
    "COMMENT": "Примечание",
    "DOCNUM": "Номер документа",
    "DOCSER": "Серия документа",
    "DOCTYPE": "Тип документа",
    "DR": "Дата рождения",
    "ENP": "Единый номер полиса",
    "FAM": "Фамилия",
    "IDDOKT": "СНИЛС врача",
    "IM": "Имя",
    "NPOLIS": "Номер полиса",
    "OT": "Отчество",
    "PROFIL": "Профиль медицинской помощи",
    "PROFIL_K": "Профиль койки",
    "SMO": "Код СМО",
    "SMO_OK": "ОКАТО территории страхования",
    "SNILS": "СНИЛС",
    "SPOLIS": "Серия полиса",
    "TLF": "Телефон",
    "USL_OK": "Условия оказания медицинской помощи",
    "VPOLIS": "Тип полиса",
    "W": "Пол",
}
"""Fields that a person and care have in every format."""

HOSPITALISATION_TITLES: Final[Mapping[str, str]] = {
    **TITLES,
    "ACOD": "Код отменившей организации",
    "DS1": "Диагноз основной",
    "DTA_ANL": "Дата отмены",
    "DTA_FKT": "Дата поступления в МО",
    "DTA_IN": "Дата поступления в отделение",
    "DTA_NAP": "Дата направления",
    "DTA_OBR": "Дата обращения",
    "DTA_OTK": "Дата отказа",
    "DTA_OUT": "Дата выбытия",
    "DTA_PLN": "Плановая дата госпитализации",
    "FRM_MP": "Форма оказания медицинской помощи",
    "IST_ANL": "Источник отмены",
    "IST_OTK": "Источник отказа",
    "MCOD_NAP": "Код направившей МО",
    "MCOD_STC": "Код МО стационара",
    "MPODR_NAP": "Подразделение направившей МО",
    "MPODR_STC": "Подразделение стационара",
    "NHISTORY": "Номер истории болезни",
    "NOM_NAP": "Номер направления",
    "PERS": "Пациент",
    "PR_ANL": "Причина отмены",
    "PR_OTK": "Причина отказа",
    "TIM_FKT": "Время поступления в МО",
    "TYPE_H": "Вид поступления",
}
"""Fields of the source objects of a hospitalisation, whatever the format they leave in."""


def names(content: str) -> tuple[str, ...]:
    """Names of a content such as ``PERS ADRES? INF*``, in which ``?`` and ``*`` mark what may be absent."""
    return tuple(name.rstrip("?*") for name in content.split())


def required(content: str) -> tuple[str, ...]:
    """Names of a content that bear no mark."""
    return tuple(name for name in content.split() if name[-1] not in "?*")


def code_of(organization: Organization) -> str:
    """The МО's code of ТФОМС; empty when the register of the gateway has none."""
    return organization.codes.get(CODE_SYSTEM, "")


def no_code(job: Job, code: str) -> tuple[Finding, ...]:
    """Tell under the rule ``code`` that the МО has no code of ТФОМС, without which nothing can be built."""
    if code_of(job.organization):
        return ()
    message = "У медицинской организации не указан код ТФОМС: внесите его в справочник МО."
    return (Finding(root_path(job.source), None, code, message),)


def values_of(source: Element) -> dict[str, str]:
    """The fields of a source object that are filled in; of its groups only PERS is told, with what is in it."""
    return filled_in(source, "PERS")


def wrong_canceller(values: Values) -> bool:
    """The code of who annuls is not one of the kind that the source of the annulment names."""
    code, source = values.get("ACOD", ""), values.get("IST_ANL")
    return bool(code) and source is not None and len(code) != (5 if source == "1" else 6)


def foreign_number(values: Values) -> bool:
    """The number of a referral does not begin with the code of the МО that refers."""
    number, organization = values.get("NOM_NAP"), values.get("MCOD_NAP")
    return bool(number and organization) and str(number)[:6] != organization
