"""Правила исполнения ИПРА: what the schema of the packet cannot say, one table for programmes, one for measures.

701 stands in ``form.py``: while it is broken no packet can be built. A rule is silent when a field it compares is
absent or unreadable: rule 702 or the schema reports that. Measures that ФРИ has taken are not judged again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from workers.exchange import (
    EASTERNMOST,
    UNFILLED,
    Condition,
    Element,
    Finding,
    Job,
    Operation,
    Values,
    about,
    date_of,
    filled_in,
    inn_is_right,
    later,
    ogrn_is_right,
    root_path,
    snils_is_right,
    value,
)
from workers.exchanges.fri_ipra.fields import REQUIRED_OF_EXECUT, REQUIRED_OF_PRG, REQUIRED_OF_RHB, TITLES
from workers.exchanges.fri_ipra.form import executor, key, measure_path, measures, missing

_finding: Final = partial(about, TITLES)

TODAY: Final = "today"
"""Beside the fields, values have the day of forming under this name; those of a measure also the programme's PrgDt."""
REHABILITATION: Final = "2"
TYPES: Final = (REHABILITATION, "3", "4")
"""RHB_TYPE of health care; only the first has subtypes."""
OTHER_REASONS: Final = "5"
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule about a field; ``message`` follows the title of the field."""

    code: str
    field: str
    broken: Condition
    message: str


def both(first: str, second: str) -> Condition:
    """Both fields are filled in."""
    return lambda values: first in values and second in values


def neither(first: str, second: str) -> Condition:
    """None of the two is filled in."""
    return lambda values: first not in values and second not in values


OF_PRG: Final = (
    Rule("710", "Snils", lambda v: not snils_is_right(v.get("Snils", "")), "контрольное число не сходится"),
    Rule("711", "BDate", later("BDate", "PrgDt"), "позже даты выдачи ИПРА"),
    Rule("712", "Dt", later("Dt", "PrgDt"), "позже даты выдачи ИПРА"),
    Rule("713", "DocDt", later("DocDt", "PrgDt"), "позже даты выдачи ИПРА"),
    Rule("714", "PrgDt", later("PrgDt", TODAY), "ещё не наступила"),
)

OF_RHB: Final = (
    Rule("720", "TypeId", lambda v: v.get("TypeId", REHABILITATION) not in TYPES,
         "допустимы 2 (медицинская реабилитация), 3 (реконструктивная хирургия), 4 (протезирование, ортезирование)"),
    Rule("721", "EvntId", lambda v: v.get("TypeId") == REHABILITATION and "EvntId" not in v,
         "обязателен у медицинской реабилитации (тип 2), но не указан"),
    Rule("722", "EvntId", lambda v: v.get("TypeId") in TYPES[1:] and "EvntId" in v,
         "указывается только у медицинской реабилитации (тип 2): уберите его"),
    Rule("724", "DtExc", later("DtExc", TODAY), "ещё не наступила"),
    Rule("725", "DtExc", later("PrgDt", "DtExc"), "раньше даты выдачи ИПРА"),
    Rule("726", "Result", lambda v: v.get("ResId") == OTHER_REASONS and "Result" not in v,
         "обязателен, когда мероприятие не исполнено по иным причинам (5), но не заполнен"),
    Rule("727", "DicId", both("DicId", "Name"), "указано вместе с наименованием: оставьте что-нибудь одно"),
    Rule("727", "DicId", neither("DicId", "Name"), "не указано: нужен код справочника или наименование"),
    Rule("728", "ExcId", both("ExcId", "Execut"), "указан и кодом, и словами: оставьте что-нибудь одно"),
    Rule("728", "ExcId", neither("ExcId", "Execut"), "не указан: нужен код справочника или наименование, ОГРН и ИНН"),
)  # fmt: skip

OF_EXECUT: Final = (
    Rule("729", "Ogrn", lambda v: not ogrn_is_right(v.get("Ogrn", "")), "контрольное число не сходится"),
    Rule("730", "Inn", lambda v: not inn_is_right(v.get("Inn", "")), "контрольное число не сходится"),
)

LOOKUPS: Final = {
    "TypeId": ("740", "RHB_TYPE"),
    "EvntId": ("741", "RHB_EVNT"),
    "ResId": ("742", "RHB_RES"),
    "TsrId": ("743", "RHB_TSR"),
    "DicId": ("744", "RHB_DIC"),
    "ExcId": ("745", "RHB_EXC"),
}
"""Fields of a measure that must stand in a dictionary on the day of its execution."""


def check(job: Job) -> tuple[Finding, ...]:
    """Find every broken rule; pure. ``path`` is that of the source object."""
    top = root_path(job.source)
    if job.operation is Operation.DELETE:
        message = "Отозвать переданные сведения нельзя: такой операции у ФГИС ФРИ нет."
        return (Finding(top, job.source.sourceline, "704", message),)
    found = list(missing(job))
    today = {TODAY: (job.formed_at + EASTERNMOST).date().isoformat()}
    programme = filled_in(job.source) | today
    found.extend(_absent(job.source, top, REQUIRED_OF_PRG))
    found.extend(_broken(job.source, top, OF_PRG, programme))
    if not (due := measures(job)):
        message = f"«{TITLES['Rhb']}»: не указано ни одного."
        found.append(Finding(f"{top}/Rhb", job.source.sourceline, "703", message))
    known = today | {name: programme[name] for name in ("PrgDt",) if name in programme}
    for place, measure in due:
        found.extend(_of_measure(job, measure, f"{top}{measure_path(job, place)}", known))
    found.extend(_twice(job, top))
    return tuple(found)


def _of_measure(job: Job, measure: Element, path: str, known: Values) -> Iterator[Finding]:
    told = executor(measure)
    values = {**filled_in(measure), **known, **({} if told is None else {"Execut": "+"})}
    yield from _absent(measure, path, REQUIRED_OF_RHB)
    yield from _broken(measure, path, OF_RHB, values)
    yield from _unknown(job, measure, path, values)
    if told is not None:
        yield from _absent(told, f"{path}/Execut", REQUIRED_OF_EXECUT)
        yield from _broken(told, f"{path}/Execut", OF_EXECUT, filled_in(told))


def _unknown(job: Job, measure: Element, path: str, values: Values) -> Iterator[Finding]:
    """Codes that their dictionaries do not hold, and a subtype of another type (723)."""
    on = min(date_of(values.get("DtExc")) or job.formed_at.date(), date_of(values[TODAY]) or date.max)
    for field, (code, dictionary) in LOOKUPS.items():
        given = values.get(field, "")
        if _NUMBER.fullmatch(given) and job.reference.has(dictionary, given, on) is False:
            yield _finding(measure, path, field, code, f"кода нет в справочнике {dictionary}")
    event, kind = values.get("EvntId", ""), values.get("TypeId", "")
    if kind == REHABILITATION and _NUMBER.fullmatch(event):
        owner = job.reference.detail("RHB_EVNT", event, on, "typeid")
        if owner and owner != kind:
            yield _finding(measure, path, "EvntId", "723", "относится к другому типу мероприятия (RHB_EVNT)")


def _twice(job: Job, top: str) -> Iterator[Finding]:
    """Rule 731: a measure's identifier stands in its programme once."""
    seen: set[str] = set()
    for place, measure in enumerate(job.source.findall("Rhb"), start=1):
        identifier = key(measure)
        if identifier in seen:
            yield _finding(measure, f"{top}{measure_path(job, place)}", "Id", "731", "уже стоит у другого мероприятия")
        if identifier:
            seen.add(identifier)


def _broken(element: Element, path: str, rules: tuple[Rule, ...], values: Values) -> Iterator[Finding]:
    return (_finding(element, path, r.field, r.code, r.message) for r in rules if r.broken(values))


def _absent(element: Element, path: str, required: tuple[str, ...]) -> Iterator[Finding]:
    """Rule 702. The schema names only the first absent field of a group; the МО must hear of all at once."""
    for name in required:
        if not value(element.find(name)):
            yield _finding(element, path, name, "702", UNFILLED)
