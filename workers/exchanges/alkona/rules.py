"""ФЛК Альконы: what the schema of the file cannot say, one table of rules.

Codes 401 and up are ours; 401 stands in ``form.py``: while it is broken no file can be built. A rule is silent when a
field it compares is absent or unreadable: rule 402 or the schema reports that. SD_Z and N_ZAP are counted by the frame.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from workers.exchange import Element, Finding, Job, Operation, snils_is_right
from workers.exchanges.alkona.fields import GROUPS, RECORDS, REQUIRED_OF_GROUP, REQUIRED_OF_RECORD, TITLES
from workers.exchanges.alkona.form import missing, root_path, value

Values = Mapping[str, str]
"""Fields of one group that are filled in, by name, with the person's birth date as ``PERS/DR`` where there is one."""

_EVENT: Final = "SV_PL_MER"
_DATED: Final = ("BRANCH", "DIVISION", "BED", "AREA")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule about a field of certain groups; ``message`` follows the title of the field."""

    code: str
    groups: tuple[str, ...]
    field: str
    broken: Callable[[Values], bool]
    message: str


def later(first: str, second: str) -> Callable[[Values], bool]:
    """Both dates are known and the first comes after the second."""

    def broken(values: Values) -> bool:
        one, other = _date(values.get(first)), _date(values.get(second))
        return one is not None and other is not None and one > other

    return broken


def wrong_snils(field: str) -> Callable[[Values], bool]:
    """СНИЛС has the right form and wrong check digits."""
    return lambda values: not snils_is_right(values.get(field, ""))


def absent_beside(field: str, other: str) -> Callable[[Values], bool]:
    """The other field is filled in and this one is not."""
    return lambda values: other in values and field not in values


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


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


@dataclass(frozen=True, slots=True)
class Lookup:
    """One field of a group whose value, when it has the form of a code, must stand in a dictionary."""

    code: str
    group: str
    field: str
    dictionary: str
    form: re.Pattern[str]


_RECORD: Final = ""
"""Name of the record itself among the groups of ``LOOKUPS``."""
_NUMBER: Final = re.compile(r"[0-9]{1,4}")
_INSURER: Final = re.compile(r"[0-9]{5}")
_ORGANIZATION: Final = re.compile(r"[0-9]{6}")
_DIAGNOSIS: Final = re.compile(r"[A-Z][0-9]{2}(\.[0-9]{1,2})?")

LOOKUPS: Final = (
    Lookup("450", "DIVISION", "PROFIL", "V002", _NUMBER),
    Lookup("451", "BED", "PROFIL_K", "V020", _NUMBER),
    Lookup("452", "DN", "DIAG_CODE", "MKB10", _DIAGNOSIS),
    Lookup("453", "DN", "DN_PRVS", "V021", _NUMBER),
    Lookup("454", "DIVISION", "USL_OK", "V006", _NUMBER),
    Lookup("455", _RECORD, "MO_P", "F003", _ORGANIZATION),
    Lookup("455", "ATTACH", "MO_P", "F003", _ORGANIZATION),
    Lookup("456", "PERS", "SMO", "F002", _INSURER),
)
"""A list tells the state of things, so codes are looked up as of the day of forming, or of the end where that came
before; a dictionary that is not loaded keeps its rules silent.
"""

_NAMES: Final = {"MKB10": "МКБ-10"}
_LOOKUPS_OF: Final = {group: tuple(each for each in LOOKUPS if each.group == group) for group in (_RECORD, *GROUPS)}
_RULES_OF: Final = {group: tuple(rule for rule in RULES if group in rule.groups) for group in GROUPS}


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
    """What the groups of this name below ``parent`` break, and those inside them."""
    groups = parent.findall(name)
    for number, group in enumerate(groups, start=1):
        path = f"{above}/{name}[{number}]" if len(groups) > 1 else f"{above}/{name}"
        yield from _absent(group, path, REQUIRED_OF_GROUP[name])
        values = {str(child.tag): text for child in group if (text := value(child))}
        if born:
            values["PERS/DR"] = born
        for rule in _RULES_OF[name]:
            if rule.broken(values):
                yield _finding(group, path, rule.field, rule.code, rule.message)
        yield from _unknown(job, group, path, name)
        for inner in GROUPS[name]:
            if inner in GROUPS:
                yield from _of_groups(job, group, path, inner, born)


def _unknown(job: Job, group: Element, path: str, name: str) -> Iterator[Finding]:
    """Codes of one group that their dictionaries do not hold."""
    if not _LOOKUPS_OF[name]:
        return
    ends = (_date(value(group.find(field))) for field in ("D_END", "DATE_DN_OUT"))
    on = min(filter(None, (job.formed_at.date(), *ends)))
    for lookup in _LOOKUPS_OF[name]:
        code = value(group.find(lookup.field))
        if lookup.form.fullmatch(code) and job.reference.has(lookup.dictionary, code, on) is False:
            message = f"кода нет в справочнике {_NAMES.get(lookup.dictionary, lookup.dictionary)}"
            yield _finding(group, path, lookup.field, lookup.code, message)


def _absent(element: Element, path: str, required: tuple[str, ...]) -> Iterator[Finding]:
    """Rule 402. The schema names only the first absent field of a group; the МО must hear of all at once."""
    for name in required:
        children = element.findall(name)
        if not any(len(child) if name in GROUPS else value(child) for child in children):
            yield _finding(element, path, name, "402", "поле обязательно, но не заполнено")


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


def _finding(parent: Element, path: str, field: str, code: str, message: str) -> Finding:
    child = parent.find(field)
    line = (parent if child is None else child).sourceline
    return Finding(f"{path}/{field}", line, code, f"«{TITLES[field]}»: {message}.")
