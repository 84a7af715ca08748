"""ФЛК направления на МСЭ: what the schema of the form cannot say, and what it says of one field at a time.

A rule is silent when a field it compares is absent or unreadable: rule 401 or the schema reports that. Rule 402 stands
in ``form.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from workers.exchange import (
    EASTERNMOST,
    Condition,
    Element,
    Finding,
    Job,
    Operation,
    Values,
    filled_in,
    later,
    line_of,
    ogrn_is_right,
    root_path,
    value,
    wrong_snils,
)
from workers.exchanges.mse.fields import ATTACHMENT, FORM, TARGET, Field
from workers.exchanges.mse.form import child, g_code, is_empty, missing, read, standing_in

BROKEN: Final = "Файл с идентификатором направления {g_code} имеет ошибки"
MKB: Final = "MKB10"
TODAY: Final = "today"
"""Beside the fields, values have the day of forming under this name."""
_MKB_CODE: Final = re.compile(r"[A-Z][0-9]{2}(\.[0-9]{1,2})?")
_CENTIMETRES: Final = 20.0
"""No newborn is shorter: a smaller height was given in metres."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: ``broken`` tells whether the values break it; ``message`` follows the title of the field."""

    code: str
    path: str
    broken: Condition
    message: str


def _in_metres(values: Values) -> bool:
    try:
        return 0 < float(values.get("AnthropometricData/Height", "")) < _CENTIMETRES
    except ValueError:
        return False


def _wrong_ogrn(path: str) -> Condition:
    return lambda values: not ogrn_is_right(values.get(path, ""))


RULES: Final = (
    *(Rule("410", path, wrong_snils(path), "контрольное число не сходится") for path in ("Snils", "Representer/Snils")),
    *(Rule("411", path, _wrong_ogrn(path), "контрольное число не сходится")
      for path in ("MedOrgOgrn", "RepresentativeOrg/Ogrn", "PersonPlace/PlaceOgrn")),
    Rule("420", "BirthDate", later("BirthDate", "IssueDate"), "позже даты выдачи направления"),
    Rule("421", "ProtocolDate", later("ProtocolDate", "IssueDate"), "позже даты выдачи направления"),
    Rule("422", "IssueDate", later("IssueDate", TODAY), "ещё не наступила"),
    Rule("430", "ElnNum", lambda v: v.get("HasEln") in ("true", "1") and "ElnNum" not in v,
         "не заполнен; обязателен, когда листок нетрудоспособности электронный"),
    Rule("431", "PrevExamInfo", lambda v: v.get("RepetitionKind/Id") == "2" and "PrevExamInfo" not in v,
         "не заполнены; обязательны при повторном направлении"),
    Rule("432", "AddressType", lambda v: v.get("HasNoLivingAddress") in ("false", "0") and "AddressType" not in v,
         "не заполнен; обязателен, когда у лица есть место жительства"),
    Rule("440", "AnthropometricData/Height", _in_metres, "указан в метрах, нужны сантиметры"),
)  # fmt: skip
"""One code may stand in several rows: one condition, for each field that it holds for."""


def heading(job: Job) -> str:
    """Name the referral by what ФБ МСЭ knows it by, above whatever rules and schema have against it; pure."""
    return BROKEN.format(g_code=g_code(job))


def check(job: Job) -> tuple[Finding, ...]:
    """Find every broken rule; pure. ``path`` is that of the source object. Of a Delete nothing else is checked."""
    return missing(job) if job.operation is Operation.DELETE else tuple(_broken(job))


def _broken(job: Job) -> Iterator[Finding]:
    source, root = job.source, root_path(job.source)
    yield from _unfilled(job, TARGET, source.find(TARGET.name), root, source)
    for field in FORM:
        yield from _unfilled(job, field, child(source, field), root, source)
    yield from _attachments(job, source.find("Attachments"), root)
    values = _values(job)
    for rule in RULES:
        if rule.broken(values):
            yield _finding(source, rule.path, rule.code, rule.message)
    yield from _temporary_disability(source)
    yield from _diagnoses(job)


def _values(job: Job) -> Values:
    """Fields that are filled in; of groups also their own names, unless they count as nothing; and the day."""
    groups = {field.name: field for field in FORM if field.parts}
    nothing = {name for name, field in groups.items() if is_empty(field, job.source.find(name))}
    values = {name: text for name, text in filled_in(job.source, *groups).items() if name not in nothing}
    return values | {TODAY: (job.formed_at + EASTERNMOST).date().isoformat()}


def _unfilled(job: Job, field: Field, element: Element | None, path: str, owner: Element) -> Iterator[Finding]:
    """Rules 401 and 403: what must be filled in and is not, and codes of lists that are known whole."""
    path = f"{path}/{field.name}"
    line = (owner if element is None else element).sourceline
    if field.derived or (is_empty(field, element) and (field.nil or field.optional)):
        return
    if not field.parts:
        text = read(element, field.kind) or standing_in(field, job)
        if not text and not field.blank:
            yield Finding(path, line, "401", f"«{field.title}»: поле обязательно, но не заполнено.")
    elif is_empty(field, element):
        if not _demands(field):
            return
        yield Finding(path, line, "401", f"«{field.title}»: сведения обязательны, но не заполнены.")
    elif element is not None:
        yield from _parts(job, field, element, path)
        code = value(element.find("Id")) if field.codes else ""
        if code and code not in field.codes and not field.open:
            yield Finding(f"{path}/Id", line, "403", f"«{field.title}»: такого кода в справочнике нет.")


def _demands(field: Field) -> bool:
    """Tell whether a field may not be left to what the form says for nothing."""
    if field.nil or field.optional or field.blank or field.derived or field.default:
        return False
    return not field.parts or any(_demands(part) for part in field.parts)


def _parts(job: Job, field: Field, element: Element, path: str) -> Iterator[Finding]:
    for part in field.parts:
        items: list[Element | None] = [*element.iterfind(part.name)]
        if part.many:
            items = [each for each in items if not is_empty(part, each)]
            several = len(items) > 1
            for number, item in enumerate(items, 1):
                for finding in _unfilled(job, part, item, path, element):
                    yield _numbered(finding, f"{path}/{part.name}", number) if several else finding
        else:
            yield from _unfilled(job, part, items[0] if items else None, path, element)


def _numbered(finding: Finding, path: str, number: int) -> Finding:
    below = finding.path.removeprefix(path)
    return Finding(f"{path}[{number}]{below}", finding.line, finding.code, finding.message)


def _attachments(job: Job, source: Element | None, root: str) -> Iterator[Finding]:
    for number, item in enumerate(() if source is None else source.iterfind("Item"), 1):
        for part in ATTACHMENT:
            if part.name != "Type":
                yield from _unfilled(job, part, item.find(part.name), f"{root}/Attachments/Item[{number}]", item)


def _temporary_disability(source: Element) -> Iterator[Finding]:
    for number, item in enumerate(source.iterfind("TempWorkDisabilityItems/Item"), 1):
        if later("StartDate", "EndDate")(filled_in(item)):
            path = f"{root_path(source)}/TempWorkDisabilityItems/Item[{number}]/EndDate"
            message = "«Окончание временной нетрудоспособности»: раньше её начала."
            yield Finding(path, item.sourceline, "423", message)


def _diagnoses(job: Job) -> Iterator[Finding]:
    """Rules 450 and 451: the form of a code of МКБ-10, and its place in the dictionary when that is loaded."""
    source = job.source
    codes = (
        *source.iterfind("Diagnosis/MainDeseaseCode"),
        *source.iterfind("Diagnosis/AccompanyingDiseasesCodes/Code"),
    )
    for element in codes:
        code = value(element)
        path = element.getroottree().getelementpath(element)
        if code and not _MKB_CODE.fullmatch(code):
            yield _coded(source, path, element, "450", "нужен код вида A00 или A00.0")
        elif code and job.reference.has(MKB, code, job.formed_at.date()) is False:
            yield _coded(source, path, element, "451", "такого кода в МКБ-10 нет")


def _coded(source: Element, path: object, element: Element, code: str, message: str) -> Finding:
    place = str(path).partition("Diagnosis")[2]
    return Finding(f"{root_path(source)}/Diagnosis{place}", element.sourceline, code, f"«Код по МКБ»: {message}.")


def _title(path: str) -> str:
    fields: tuple[Field, ...] = (TARGET, *FORM)
    title = path
    for name in path.split("/"):
        found = next(field for field in fields if field.name == name)
        fields, title = found.parts, found.title
    return title


def _finding(source: Element, path: str, code: str, message: str) -> Finding:
    message = f"«{_title(path)}»: {message}."
    return Finding(f"{root_path(source)}/{path}", line_of(source, path), code, message)
