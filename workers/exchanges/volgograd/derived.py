"""Чего нет в исходном документе: identifiers that stay the same over repeats, and fields the dialect wants otherwise.

The identifier of a referral (ID_D) follows from its number alone, so that whoever names the referral in an annulment,
a hospitalisation or a discharge names the same one. The others follow from the МО and the МИС's id of the object.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

from workers.exchange import Element, Job, Organization

CODE_SYSTEM: Final = "tfoms"
"""Name of the МО's code in ``Organization.codes``: its number in the register of МО (F003)."""

Values = Mapping[str, str]
"""Fields that are filled in, by path below the root of the source object; derived ones begin with ``@``."""

_NAMESPACE: Final = UUID("5b0f5a9c-2b1e-5d0e-9a63-263000000034")
_REFERRAL_NUMBER: Final = re.compile(r"[0-9]{16}")
_ORGANIZATION_DIGITS: Final = 6
"""The number of a referral is the code of its МО, the year, and six digits."""
_HOME_REGION: Final = "34"
_HOME_OKATO: Final = "18000"
"""Insured by a СМО of the region itself (F002) is insured on its territory (ОКАТО Волгоградской области)."""
_MOBILE: Final = re.compile(r"(\+?7|8)?9[0-9]{9}")
_NOT_IN_A_NUMBER: Final = re.compile(r"[\s()\-.]+")
_WITHIN: Final = "3"
"""TYPE_H: a transfer within the МО."""
_POLYCLINIC: Final = "3"
_OTHER_REASON: Final = "9"


def value(element: Element | None) -> str:
    """Read a field as file and rules see it: blanks folded, empty when there is nothing."""
    if element is None:
        return ""
    return " ".join((element.text or "").split()) if len(element) == 0 else ""


def values_of(job: Job) -> Values:
    """What the source object has and what follows from it; a group is not told, only what is in PERS."""
    told: dict[str, str] = {}
    for child in job.source:
        if child.tag == "PERS":
            told["PERS"] = ""
            told.update({f"PERS/{item.tag!s}": text for item in child if (text := value(item))})
        elif text := value(child):
            told[str(child.tag)] = text
    return {**told, **{name: text for name, text in _derived(job, told).items() if text}}


def code_of(organization: Organization) -> str:
    """The МО's code of ТФОМС; empty when the register of the gateway has none."""
    return organization.codes.get(CODE_SYSTEM, "")


def _derived(job: Job, told: Values) -> dict[str, str]:
    number = told.get("NOM_NAP", "")
    number = number if _REFERRAL_NUMBER.fullmatch(number) else ""
    referring = told.get("MCOD_NAP") or number[:_ORGANIZATION_DIGITS]
    if not referring and told.get("TYPE_H") == _WITHIN:
        referring = told.get("MCOD_STC", "")
    own = f"{code_of(job.organization)}:{job.object_id}"
    return {
        "@ID_D": _guid("referral", number) if number else "",
        "@NUM_D": number[_ORGANIZATION_DIGITS:],
        "@MO_D": referring,
        "@LPU_D": told.get("MPODR_NAP") or _annulling_department(told) or referring,
        "@LPU_STC": told.get("MPODR_STC") or told.get("MCOD_STC", ""),
        "@CODE": told.get("MCOD_STC", "") if told.get("IST_OTK") == "2" else referring,
        "@ID_H": _guid("hospitalisation", own),
        "@ID_DISCH": _guid("discharge", own),
        "@ID_PL": _guid("beds", own),
        "@TIME_H": told.get("TIM_FKT", "").replace(":", "-"),
        "@DISP": "0",
        "@TYPE_S": _POLYCLINIC,
        "@REASON": _OTHER_REASON,
        "@TODAY": job.formed_at.date().isoformat(),
        **_insured(told),
    }


def _annulling_department(told: Values) -> str:
    """The department that annuls is the one that referred when the referring МО itself annuls."""
    return told.get("MPODR_ANL", "") if told.get("IST_ANL") == _POLYCLINIC else ""


def _insured(told: Values) -> dict[str, str]:
    home = told.get("PERS/SMO", "").startswith(_HOME_REGION)
    phone = _NOT_IN_A_NUMBER.sub("", told.get("PERS/TLF", ""))
    kind = "@TEL_M" if _MOBILE.fullmatch(phone) else "@TEL_F"
    return {"@REG_OMS": told.get("PERS/SMO_OK") or (_HOME_OKATO if home else ""), kind: phone}


def _guid(kind: str, key: str) -> str:
    return str(uuid5(_NAMESPACE, f"{kind}:{key}"))
