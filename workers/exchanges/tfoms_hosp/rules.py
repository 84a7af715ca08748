"""ФЛК: what the packet schema cannot say, one table of rules.

Codes 301 and up are ours; 301 and 302 stand in ``form.py``: while they are broken no packet can be built.
A rule is silent when a field it compares is absent or unreadable: rule 304 or the schema reports that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from workers.exchange import (
    UNFILLED,
    Element,
    Finding,
    Job,
    Lookup,
    Operation,
    Rule,
    Values,
    about,
    date_of,
    funds,
    later,
    root_path,
    unknown_codes,
    wrong_snils,
)
from workers.exchanges.tfoms_hosp.fields import ADDRESSEE, FIELDS, REQUIRED, TITLES
from workers.exchanges.tfoms_hosp.form import missing

REFERRAL: Final = frozenset({"HOSPITALISATION_REFERRAL"})
CANCELLATION: Final = frozenset({"CANCEL_HOSPITALISATION_REFERRAL"})
HOSPITALISATION: Final = frozenset({"HOSPITALISATION"})
MOTION: Final = frozenset({"MOTION_IN_HOSPITAL"})
REFUSAL: Final = frozenset({"CANCEL_HOSPITALISATION"})
ALL: Final = frozenset(FIELDS)
WITH_PERSON: Final = ALL - CANCELLATION

_MAX_LONG: Final = 2**63 - 1
_CODE: Final = re.compile(r"[0-9]+")


def without_policy(path: str) -> Callable[[Values], bool]:
    """A field of the policy is absent though the person is known."""
    return lambda values: "PERS" in values and path not in values


RULES: Final = (
    Rule("310", WITH_PERSON, "PERS/FAM",
         lambda v: "PERS" in v and "PERS/FAM" not in v and "PERS/IM" not in v,
         "не заполнены ни фамилия, ни имя; нужно хотя бы одно"),
    Rule("311", WITH_PERSON - HOSPITALISATION, "PERS/VPOLIS", without_policy("PERS/VPOLIS"),
         "не заполнен"),
    Rule("312", WITH_PERSON - HOSPITALISATION, "PERS/NPOLIS", without_policy("PERS/NPOLIS"),
         "не заполнен"),
    Rule("311", HOSPITALISATION, "PERS/VPOLIS",
         lambda v: v.get("FRM_MP") != "1" and without_policy("PERS/VPOLIS")(v),
         "не заполнен; без полиса принимается только экстренная госпитализация"),
    Rule("312", HOSPITALISATION, "PERS/NPOLIS",
         lambda v: v.get("FRM_MP") != "1" and without_policy("PERS/NPOLIS")(v),
         "не заполнен; без полиса принимается только экстренная госпитализация"),
    Rule("313", WITH_PERSON, "PERS/SNILS", wrong_snils("PERS/SNILS"),
         "контрольное число не сходится"),
    Rule("314", REFERRAL, "IDDOKT", wrong_snils("IDDOKT"),
         "контрольное число не сходится"),
    Rule("315", REFERRAL, "PERS/DR", later("PERS/DR", "DTA_NAP"),
         "позже даты направления"),
    Rule("315", HOSPITALISATION | MOTION, "PERS/DR", later("PERS/DR", "DTA_FKT"),
         "позже даты поступления"),
    Rule("315", REFUSAL, "PERS/DR", later("PERS/DR", "DTA_OBR"),
         "позже даты обращения"),
    Rule("320", REFERRAL, "DTA_PLN", later("DTA_NAP", "DTA_PLN"),
         "раньше даты направления"),
    Rule("321", HOSPITALISATION | MOTION, "DTA_FKT", later("DTA_NAP", "DTA_FKT"),
         "раньше даты направления"),
    Rule("322", MOTION, "DTA_IN", later("DTA_FKT", "DTA_IN"),
         "раньше даты поступления в МО"),
    Rule("323", MOTION, "DTA_OUT", later("DTA_IN", "DTA_OUT"),
         "раньше даты поступления в отделение"),
    Rule("324", CANCELLATION, "DTA_ANL", later("DTA_NAP", "DTA_ANL"),
         "раньше даты направления"),
    Rule("325", REFUSAL, "DTA_OTK", later("DTA_OBR", "DTA_OTK"), "раньше даты обращения"),
    Rule("330", HOSPITALISATION, "NOM_NAP",
         lambda v: v.get("FRM_MP") == "3" and "NOM_NAP" not in v,
         "не заполнен; обязателен при плановой форме помощи"),
    Rule("331", HOSPITALISATION, "NOM_NAP",
         lambda v: v.get("TYPE_H") == "1" and v.get("FRM_MP") != "3" and "NOM_NAP" not in v,
         "не заполнен; обязателен при поступлении по направлению"),
    Rule("332", HOSPITALISATION, "TYPE_H",
         lambda v: v.get("TYPE_H") == "4" and v.get("FRM_MP") == "3",
         "экстренное поступление несовместимо с плановой формой помощи"),
    Rule("333", HOSPITALISATION, "NOM_NAP",
         lambda v: v.get("TYPE_H") == "4" and v.get("FRM_MP") != "3" and "NOM_NAP" in v,
         "заполнен, хотя поступление экстренное"),
    Rule("334", REFERRAL | CANCELLATION, "NOM_NAP", funds.foreign_number,
         "должен начинаться с кода направившей МО"),
    Rule("340", MOTION, "RES_OUT", lambda v: "DTA_OUT" in v and "RES_OUT" not in v,
         "не заполнен; обязателен, когда указана дата выбытия"),
    Rule("341", MOTION, "DTA_OUT",
         lambda v: "RES_OUT" in v and "DTA_OUT" not in v,
         "не заполнена; обязательна, когда указан исход"),
    Rule("350", CANCELLATION, "ACOD", funds.wrong_canceller,
         "не подходит к источнику отмены: у СМО код из 5 цифр, у МО из 6"),
)  # fmt: skip
"""One code may stand in several rows: one condition, worded as each packet type needs it."""


STAY: Final = REFERRAL | HOSPITALISATION | MOTION

LOOKUPS: Final = (
    Lookup("360", STAY, "PROFIL", "V002", funds.NUMBER),
    Lookup("361", STAY, "PROFIL_K", "V020", funds.NUMBER),
    Lookup("362", STAY | REFUSAL, "DS1", "MKB10", funds.DIAGNOSIS),
    Lookup("363", STAY, "FRM_MP", "V014", funds.NUMBER),
    Lookup("364", STAY, "USL_OK", "V006", funds.NUMBER),
    Lookup("365", REFERRAL | CANCELLATION | HOSPITALISATION, "MCOD_NAP", "F003", funds.ORGANIZATION),
    Lookup("365", STAY | REFUSAL, "MCOD_STC", "F003", funds.ORGANIZATION),
    Lookup("365", CANCELLATION, "ACOD", "F003", funds.ORGANIZATION, lambda v: v.get("IST_ANL") in ("2", "3")),
    Lookup("366", CANCELLATION, "ACOD", "F002", funds.INSURER, lambda v: v.get("IST_ANL") == "1"),
    Lookup("366", WITH_PERSON, "PERS/SMO", "F002", funds.INSURER),
)
"""Codes are looked up as of the day of the event; a dictionary that is not loaded keeps its rules silent."""

_DAY_OF: Final[Mapping[str, str]] = {
    "HOSPITALISATION_REFERRAL": "DTA_NAP",
    "CANCEL_HOSPITALISATION_REFERRAL": "DTA_ANL",
    "HOSPITALISATION": "DTA_FKT",
    "MOTION_IN_HOSPITAL": "DTA_FKT",
    "CANCEL_HOSPITALISATION": "DTA_OBR",
}
_NOT_FOUND: Final[Mapping[str, str]] = {
    "F002": "кода нет в реестре страховых организаций F002 на дату события",
    "F003": "кода нет в реестре медицинских организаций F003 на дату события",
    "MKB10": "кода нет в МКБ-10 на дату события",
}

_LOOKUPS_OF: Final = {kind: tuple(r for r in LOOKUPS if kind in r.scope) for kind in sorted(ALL)}
_RULES_OF: Final = {kind: tuple(r for r in RULES if kind in r.scope) for kind in sorted(ALL)}

# Rule 304. A packet schema names only the first absent field of a sequence; the МО must hear of all at once.
_MUST_HAVE: Final = {
    kind: tuple(path for path in paths if path != ADDRESSEE.get(kind)) for kind, paths in REQUIRED.items()
}


def check(job: Job) -> tuple[Finding, ...]:
    """Find every broken rule; pure. ``path`` is that of the source object.

    For a Delete, whose packet is a header only, nothing is checked but what stands in the header.
    """
    found = list(missing(job))
    if not _is_object_id(job.object_id):
        message = "«Идентификатор объекта в МИС»: допустимо только целое число до 9223372036854775807."
        found.append(Finding(root_path(job.source), None, "303", message))
    if job.operation is not Operation.DELETE:
        found.extend(_broken(job))
    return tuple(found)


def _broken(job: Job) -> Iterator[Finding]:
    values = funds.values_of(job.source)
    for path in _MUST_HAVE[job.packet_type]:
        if path not in values and (not path.startswith("PERS/") or "PERS" in values):
            yield _finding(job.source, path, "304", UNFILLED)
    for rule in _RULES_OF[job.packet_type]:
        if rule.broken(values):
            yield _finding(job.source, rule.path, rule.code, rule.message)
    yield from _not_found(job, values)


def _not_found(job: Job, values: Values) -> Iterator[Finding]:
    on = date_of(values.get(_DAY_OF[job.packet_type])) or job.formed_at.date()
    for lookup in unknown_codes(_LOOKUPS_OF[job.packet_type], values, job.reference, on):
        message = _NOT_FOUND.get(lookup.dictionary, f"кода нет в справочнике {lookup.dictionary} на дату события")
        yield _finding(job.source, lookup.path, lookup.code, message)


def _finding(source: Element, path: str, code: str, message: str) -> Finding:
    return about(TITLES, source, root_path(source), path, code, message)


def _is_object_id(text: str) -> bool:
    return _CODE.fullmatch(text) is not None and len(text) <= 19 and int(text) <= _MAX_LONG
