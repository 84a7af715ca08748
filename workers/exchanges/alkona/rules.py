"""ФЛК Альконы: what the schema of the file cannot say, one table of rules.

Codes 401 and up are ours; 401 stands in ``form.py``: while it is broken no file can be built. A rule is silent when a
field it compares is absent or unreadable: rule 402 or the schema reports that. SD_Z and N_ZAP are counted by the frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from workers.exchange import (
    UNFILLED,
    Condition,
    Element,
    Finding,
    Job,
    Lookup,
    Operation,
    Rule,
    Values,
    about,
    date_of,
    filled_in,
    funds,
    later,
    root_path,
    unknown_codes,
    value,
    wrong_snils,
)
from workers.exchanges.alkona.fields import GROUPS, RECORDS, REQUIRED_OF_GROUP, REQUIRED_OF_RECORD, TITLES
from workers.exchanges.alkona.form import missing

_finding: Final = partial(about, TITLES)
_EVENT: Final = "SV_PL_MER"
_DATED: Final = ("BRANCH", "DIVISION", "BED", "AREA")


def absent_beside(field: str, other: str) -> Condition:
    """The other field is filled in and this one is not."""
    return lambda values: other in values and field not in values


def _more_for_insured(values: Values) -> bool:
    every, insured = values.get("K_ALL", ""), values.get("K_OMS", "")
    return every.isdecimal() and insured.isdecimal() and int(insured) > int(every)


RULES: Final = (
    Rule("410", ("PERS",), "FAM", lambda v: "FAM" not in v and "IM" not in v,
         "не заполнены ни фамилия, ни имя; нужно хотя бы одно"),
    Rule("411", ("PERS",), "VPOLIS", lambda v: "VPOLIS" not in v, "не заполнен"),
    Rule("412", ("PERS",), "NPOLIS", lambda v: "NPOLIS" not in v, "не заполнен"),
    Rule("413", ("PERS",), "SNILS", wrong_snils("SNILS"), "контрольное число не сходится"),
    Rule("414", ("DN", "ATTACH", "AREA"), "IDDOKT", wrong_snils("IDDOKT"), "контрольное число не сходится"),
    Rule("420", _DATED, "D_END", later("D_BEG", "D_END"), "раньше даты начала действия"),
    Rule("421", ("BED",), "K_OMS", _more_for_insured, "больше, чем коек всего"),
    Rule("430", ("DN",), "DATE_DN_IN", later("DIAG_DATE", "DATE_DN_IN"), "раньше даты установления диагноза"),
    Rule("431", ("DN",), "DIAG_DATE", later("PERS/DR", "DIAG_DATE"), "раньше даты рождения"),
    Rule("432", ("DN",), "DATE_DN_OUT", later("DATE_DN_IN", "DATE_DN_OUT"),
         "раньше даты постановки на диспансерное наблюдение"),
    Rule("433", ("DN",), "REASON_DN_OUT", absent_beside("REASON_DN_OUT", "DATE_DN_OUT"),
         "не заполнена; обязательна, когда указана дата снятия"),
    Rule("434", ("DN",), "DATE_DN_OUT", absent_beside("DATE_DN_OUT", "REASON_DN_OUT"),
         "не заполнена; обязательна, когда указана причина снятия"),
    Rule("435", ("PLAN",), "PLAN_DATE_END", later("PLAN_DATE_START", "PLAN_DATE_END"), "раньше начала периода"),
    Rule("440", ("ATTACH",), "DT_PRIK", later("PERS/DR", "DT_PRIK"), "раньше даты рождения"),
)  # fmt: skip


_RECORD: Final = ""
"""Name of the record itself among the groups of ``LOOKUPS``."""

LOOKUPS: Final = (
    Lookup("450", ("DIVISION",), "PROFIL", "V002", funds.NUMBER),
    Lookup("451", ("BED",), "PROFIL_K", "V020", funds.NUMBER),
    Lookup("452", ("DN",), "DIAG_CODE", "MKB10", funds.DIAGNOSIS),
    Lookup("453", ("DN",), "DN_PRVS", "V021", funds.NUMBER),
    Lookup("454", ("DIVISION",), "USL_OK", "V006", funds.NUMBER),
    Lookup("455", (_RECORD,), "MO_P", "F003", funds.ORGANIZATION),
    Lookup("455", ("ATTACH",), "MO_P", "F003", funds.ORGANIZATION),
    Lookup("456", ("PERS",), "SMO", "F002", funds.INSURER),
)
"""A list tells the state of things, so codes are looked up as of the day of forming, or of the end where that came
before; a dictionary that is not loaded keeps its rules silent.
"""

_NAMES: Final = {"MKB10": "МКБ-10"}
_LOOKUPS_OF: Final = {group: tuple(each for each in LOOKUPS if group in each.scope) for group in (_RECORD, *GROUPS)}
_RULES_OF: Final = {group: tuple(rule for rule in RULES if group in rule.scope) for group in GROUPS}


def check(job: Job) -> tuple[Finding, ...]:
    """Find every broken rule; pure. ``path`` is that of the source object.

    What goes is not judged: the МО can no longer mend it.
    """
    found = list(missing(job))
    if job.operation is not Operation.DELETE:
        top = root_path(job.source)
        found.extend(_absent(job.source, top, REQUIRED_OF_RECORD[job.packet_type]))
        found.extend(_unknown(job, job.source, top, _RECORD))
        born = value(job.source.find("PERS/DR"))
        for name in RECORDS[job.packet_type]:
            if name in GROUPS:
                found.extend(_of_groups(job, job.source, top, name, born))
        found.extend(_twice_planned(job.source, top))
    return tuple(found)


def _of_groups(job: Job, parent: Element, above: str, name: str, born: str) -> Iterator[Finding]:
    """What the groups of this name below ``parent`` break, and those inside them.

    The values of a group have the person's birth date as ``PERS/DR`` where there is one.
    """
    groups = parent.findall(name)
    for number, group in enumerate(groups, start=1):
        path = f"{above}/{name}[{number}]" if len(groups) > 1 else f"{above}/{name}"
        yield from _absent(group, path, REQUIRED_OF_GROUP[name])
        values = filled_in(group)
        if born:
            values["PERS/DR"] = born
        for rule in _RULES_OF[name]:
            if rule.broken(values):
                yield _finding(group, path, rule.path, rule.code, rule.message)
        yield from _unknown(job, group, path, name)
        for inner in GROUPS[name]:
            if inner in GROUPS:
                yield from _of_groups(job, group, path, inner, born)


def _unknown(job: Job, group: Element, path: str, name: str) -> Iterator[Finding]:
    """Codes of one group that their dictionaries do not hold."""
    if not _LOOKUPS_OF[name]:
        return
    ends = (date_of(value(group.find(field))) for field in ("D_END", "DATE_DN_OUT"))
    on = min(filter(None, (job.formed_at.date(), *ends)))
    given = {lookup.path: value(group.find(lookup.path)) for lookup in _LOOKUPS_OF[name]}
    for lookup in unknown_codes(_LOOKUPS_OF[name], given, job.reference, on):
        message = f"кода нет в справочнике {_NAMES.get(lookup.dictionary, lookup.dictionary)}"
        yield _finding(group, path, lookup.path, lookup.code, message)


def _absent(element: Element, path: str, required: tuple[str, ...]) -> Iterator[Finding]:
    """Rule 402. The schema names only the first absent field of a group; the МО must hear of all at once."""
    for name in required:
        children = element.findall(name)
        if not any(len(child) if name in GROUPS else value(child) for child in children):
            yield _finding(element, path, name, "402", UNFILLED)


def _twice_planned(source: Element, path: str) -> Iterator[Finding]:
    """Rule 441: one event of one month stands in the plan once."""
    seen = set()
    for number, event in enumerate(source.findall(_EVENT), start=1):
        planned = value(event.find("DISP")), value(event.find("MONTH"))
        if all(planned) and planned in seen:
            yield _finding(
                event, f"{path}/{_EVENT}[{number}]", "MONTH", "441", "мероприятие указано на этот месяц дважды"
            )
        seen.add(planned)
