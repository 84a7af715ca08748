"""ФЛК формата «263»: what the schema of the file cannot say, one table of rules.

Codes 501 and up are ours; 501 stands in ``form.py``: while it is broken no file can be built. A rule is silent when a
field it compares is absent or unreadable: rule 502 or the schema reports that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    value,
    wrong_snils,
)
from workers.exchanges.volgograd.derived import values_of
from workers.exchanges.volgograd.fields import (
    BED_GROUPS,
    BEDS,
    CANCELLATION,
    DISCHARGE,
    EMERGENCY,
    HOSPITALISATION,
    REFERRAL,
    REFUSAL,
    SHAPES,
    TAKEN_FROM,
    TITLES,
    Field,
)
from workers.exchanges.volgograd.form import missing, shape_of

STAYS: Final = frozenset({HOSPITALISATION, EMERGENCY})
CARE: Final = STAYS | {REFERRAL, DISCHARGE}
ANNULMENTS: Final = frozenset({CANCELLATION, REFUSAL})


_BEFORE_BIRTH: Final = "позже даты события"

RULES: Final = (
    Rule("513", CARE, "PERS/SNILS", wrong_snils("PERS/SNILS"), "контрольное число не сходится"),
    Rule("514", frozenset({REFERRAL}), "IDDOKT", wrong_snils("IDDOKT"), "контрольное число не сходится"),
    Rule("515", frozenset({REFERRAL}), "PERS/DR", later("PERS/DR", "DTA_NAP"), _BEFORE_BIRTH),
    Rule("515", STAYS | {DISCHARGE}, "PERS/DR", later("PERS/DR", "DTA_FKT"), _BEFORE_BIRTH),
    Rule("520", frozenset({REFERRAL}), "DTA_PLN", later("DTA_NAP", "DTA_PLN"), "раньше даты направления"),
    Rule("521", STAYS | {DISCHARGE}, "DTA_FKT", later("DTA_NAP", "DTA_FKT"), "раньше даты направления"),
    Rule("522", frozenset({DISCHARGE}), "DTA_OUT", later("DTA_FKT", "DTA_OUT"), "раньше даты поступления в МО"),
    Rule("523", frozenset({DISCHARGE}), "DTA_OUT", later("DTA_IN", "DTA_OUT"),
         "раньше даты поступления в отделение"),
    Rule("524", frozenset({CANCELLATION}), "DTA_ANL", later("DTA_NAP", "DTA_ANL"), "раньше даты направления"),
    Rule("525", frozenset({REFUSAL}), "DTA_OTK", later("DTA_OBR", "DTA_OTK"), "раньше даты обращения"),
    Rule("530", frozenset({HOSPITALISATION}), "NOM_NAP", lambda v: v.get("TYPE_H") == "1" and "NOM_NAP" not in v,
         "не заполнен; обязателен при поступлении по направлению"),
    Rule("531", frozenset({EMERGENCY}), "FRM_MP", lambda v: v.get("FRM_MP") == "3",
         "плановая форма помощи несовместима с экстренным поступлением"),
    Rule("532", frozenset({REFERRAL, CANCELLATION}), "NOM_NAP",
         funds.foreign_number,
         "должен начинаться с кода направившей МО"),
    Rule("550", frozenset({CANCELLATION}), "ACOD", funds.wrong_canceller,
         "не подходит к источнику отмены: у СМО код из 5 цифр, у МО из 6"),
)  # fmt: skip


LOOKUPS: Final = (
    Lookup("560", CARE | {BEDS}, "PROFIL", "V002", funds.NUMBER),
    Lookup("561", CARE | {BEDS}, "PROFIL_K", "V020", funds.NUMBER),
    Lookup("562", CARE - {DISCHARGE}, "DS1", "MKB10", funds.DIAGNOSIS),
    Lookup("563", CARE, "FRM_MP", "V014", funds.NUMBER),
    Lookup("564", CARE - {EMERGENCY} | {BEDS}, "USL_OK", "V006", funds.NUMBER),
    Lookup("565", CARE | ANNULMENTS, "MCOD_NAP", "F003", funds.ORGANIZATION),
    Lookup("565", CARE | {REFUSAL, BEDS}, "MCOD_STC", "F003", funds.ORGANIZATION),
    Lookup(
        "565", frozenset({CANCELLATION}), "ACOD", "F003", funds.ORGANIZATION, lambda v: v.get("IST_ANL") in ("2", "3")
    ),
    Lookup("566", frozenset({CANCELLATION}), "ACOD", "F002", funds.INSURER, lambda v: v.get("IST_ANL") == "1"),
    Lookup("566", CARE - {DISCHARGE}, "PERS/SMO", "F002", funds.INSURER),
)
"""Codes are looked up as of the day of the event; a dictionary that is not loaded keeps its rules silent."""

_DAY_OF: Final[Mapping[str, str]] = {
    REFERRAL: "DTA_NAP",
    CANCELLATION: "DTA_ANL",
    REFUSAL: "DTA_OTK",
    HOSPITALISATION: "DTA_FKT",
    EMERGENCY: "DTA_FKT",
    DISCHARGE: "DTA_OUT",
}
_SENDER: Final[Mapping[str, str]] = {
    REFERRAL: "MCOD_NAP",
    HOSPITALISATION: "MCOD_STC",
    EMERGENCY: "MCOD_STC",
    DISCHARGE: "MCOD_STC",
    BEDS: "MCOD_STC",
}
"""The field that names the МО whose fact it is; who annuls is told by the source of the annulment."""
_ANNULLED_BY: Final = {
    CANCELLATION: ("IST_ANL", {"2": "ACOD", "3": "ACOD"}),
    REFUSAL: ("IST_OTK", {"2": "MCOD_STC"}),
}
_INSTEAD: Final[Mapping[str, str]] = {"@LPU_D": "@MO_D", "@LPU_STC": "MCOD_STC"}
"""A department that is absent was derived from its МО: that is what the МО must fill in."""

_CANNOT_GO: Final = (
    "Удаление этого документа формат 263 не передаёт: сообщите фонду об ошибочной записи или исправьте документ."
)
_CANNOT_RETURN: Final = (
    "«Дата выбытия»: выбытие уже передано, формат 263 его не отменяет; сообщите фонду об ошибочной записи."
)


def check(job: Job) -> tuple[Finding, ...]:
    """Find every broken rule; pure. ``path`` is that of the source object.

    A removed referral is annulled; for what else goes the dialect has no words, and the МО is told so (503), as it is
    of a discharge that is withdrawn (504).
    """
    found = list(missing(job))
    root = root_path(job.source)
    if job.operation is Operation.DELETE:
        if shape_of(job) is SHAPES[job.packet_type]:
            found.append(Finding(root, None, "503", _CANNOT_GO))
        return tuple(found)
    values = values_of(job)
    if job.packet_type == DISCHARGE and job.operation is Operation.UPDATE and "DTA_OUT" not in values:
        return (*found, Finding(f"{root}/DTA_OUT", job.source.sourceline, "504", _CANNOT_RETURN))
    return (*found, *_absent(job, values), *_broken(job, values), *_foreign(job, values), *_not_found(job, values))


def _absent(job: Job, values: Values) -> Iterator[Finding]:
    """Rule 502. The schema names only the first absent field of a group; the МО must hear of all at once."""
    told = set()
    for field in shape_of(job).every():
        if field.required and field.source not in values:
            path = _to_fill_in(job, field)
            path = "PERS" if path.startswith("PERS/") and "PERS" not in values else path
            if path not in told:
                told.add(path)
                yield _finding(job.source, path, "502", UNFILLED)
    if job.packet_type == BEDS:
        yield from _absent_in_beds(job.source, root_path(job.source), ("FREE_PLACES", "SMO_V"))


def _to_fill_in(job: Job, field: Field) -> str:
    source = _INSTEAD.get(field.source, field.source)
    if source == "@MO_D" and job.packet_type == REFUSAL:
        return "NOM_NAP"  # a refusal names the МО that referred by the number of the referral alone
    return TAKEN_FROM.get(source, source)


def _absent_in_beds(parent: Element, above: str, names: tuple[str, ...]) -> Iterator[Finding]:
    for name in names:
        groups = parent.findall(name)
        if name not in BED_GROUPS:
            if not any(value(each) for each in groups):
                yield Finding(f"{above}/{name}", parent.sourceline, "502", f"«{TITLES[name]}»: {UNFILLED}.")
            continue
        for number, group in enumerate(groups, start=1):
            path = f"{above}/{name}[{number}]" if len(groups) > 1 else f"{above}/{name}"
            yield from _absent_in_beds(group, path, BED_GROUPS[name])


def _broken(job: Job, values: Values) -> Iterator[Finding]:
    for rule in RULES:
        if job.packet_type in rule.scope and rule.broken(values):
            yield _finding(job.source, rule.path, rule.code, rule.message)


def _foreign(job: Job, values: Values) -> Iterator[Finding]:
    """Rule 505: a МО tells of its own facts; the fund takes no file of another's."""
    path = _SENDER.get(job.packet_type)
    if job.packet_type in _ANNULLED_BY:
        source, senders = _ANNULLED_BY[job.packet_type]
        path = senders.get(values.get(source, ""))
    own = funds.code_of(job.organization)
    if path and own and values.get(path, own) != own:
        yield _finding(job.source, path, "505", "не тот, что у МО, от которой передаётся файл")


def _not_found(job: Job, values: Values) -> Iterator[Finding]:
    on = date_of(values.get(_DAY_OF.get(job.packet_type, ""))) or job.formed_at.date()
    asked = (each for each in LOOKUPS if job.packet_type in each.scope)
    for lookup in unknown_codes(asked, values, job.reference, on):
        name = {"MKB10": "МКБ-10"}.get(lookup.dictionary, lookup.dictionary)
        yield _finding(job.source, lookup.path, lookup.code, f"кода нет в справочнике {name} на дату события")


def _finding(source: Element, path: str, code: str, message: str) -> Finding:
    return about(TITLES, source, root_path(source), path, code, message)
