"""Чего нет в исходном документе: identifiers that stay the same over repeats, and fields the dialect wants otherwise.

The identifier of a referral (ID_D) follows from its number alone, so that whoever names the referral in an annulment,
a hospitalisation or a discharge names the same one. The others follow from the МО and the МИС's id of the object.
"""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID, uuid5

from workers.exchange import Job, Values, funds

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


def values_of(job: Job) -> Values:
    """What the source object has and what follows from it, whose names begin with ``@``."""
    told = funds.values_of(job.source)
    return {**told, **{name: text for name, text in _derived(job, told).items() if text}}


def _derived(job: Job, told: Values) -> dict[str, str]:
    number = told.get("NOM_NAP", "")
    number = number if _REFERRAL_NUMBER.fullmatch(number) else ""
    referring = told.get("MCOD_NAP") or number[:_ORGANIZATION_DIGITS]
    if not referring and told.get("TYPE_H") == _WITHIN:
        referring = told.get("MCOD_STC", "")
    own = f"{funds.code_of(job.organization)}:{job.object_id}"
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
