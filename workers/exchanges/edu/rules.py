"""Правила уведомления: what its schema cannot say, one table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from workers.exchange import Element, Finding, Job, Operation, WrongAddress, line_of, mail_address, snils_is_right

_DIAGNOSIS: Final = re.compile(r"[A-ZАВЕКМНОРСТХ][0-9]{2}")
"""A code of МКБ-10, also with its letter typed in Cyrillic; the schema refuses the same."""
_TEXTS: Final = ("Comment", "Document/Type", "Document/Number", "Document/IssuerFio")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: ``broken`` tells whether the event breaks it; ``message`` is a whole sentence."""

    code: str
    path: str
    broken: Callable[[Element], bool]
    message: str


def _text(event: Element, path: str) -> str:
    return " ".join((event.findtext(path) or "").split())


def _date(event: Element, path: str) -> date | None:
    try:
        return date.fromisoformat(_text(event, path))
    except ValueError:
        return None


def _later(first: str, second: str) -> Callable[[Element], bool]:
    def broken(event: Element) -> bool:
        one, other = _date(event, first), _date(event, second)
        return one is not None and other is not None and one > other

    return broken


def _names_diagnosis(path: str) -> Callable[[Element], bool]:
    return lambda event: _DIAGNOSIS.search(_text(event, path)) is not None


def _no_address(event: Element) -> bool:
    try:
        mail_address(_text(event, "EduOrg/Email"))
    except WrongAddress:
        return True
    return False


RULES: Final = (
    Rule("501", "Consent/Given", lambda e: _text(e, "Consent/Given") not in ("true", "1"),
         "Нет согласия законного представителя: без него сведения о ребёнке школе не передаются."),
    Rule("502", "Period/To", _later("Period/From", "Period/To"), "Период заканчивается раньше, чем начался."),
    Rule("503", "Period/To", lambda e: _text(e, "Kind") == "ILLNESS_CLOSED" and not _text(e, "Period/To"),
         "У оконченной болезни не указано, по какой день ребёнок отсутствовал."),
    Rule("504", "Child/Snils", lambda e: not snils_is_right(_text(e, "Child/Snils")),
         "Контрольное число СНИЛС не сходится."),
    Rule("505", "Child/BirthDate", _later("Child/BirthDate", "Period/From"),
         "Дата рождения позже начала периода."),
    *(Rule("506", path, _names_diagnosis(path),
           "Похоже на код диагноза: он составляет врачебную тайну (323-ФЗ, статья 13), уберите его.")
      for path in _TEXTS),
)  # fmt: skip

BY_MAIL: Final = (
    Rule("508", "EduOrg/Email", _no_address,
         "Уведомления уходят по электронной почте, а у образовательной организации нет правильного адреса."),
)  # fmt: skip
"""Rules of those sites that write letters."""


def check(job: Job) -> tuple[Finding, ...]:
    """Find every broken rule; pure. An event that the МИС removed cannot be withdrawn: no such notification exists."""
    root = f"/{job.source.tag!s}"
    if job.operation is Operation.DELETE:
        message = "Отозвать уведомление нельзя: передайте новое, указав в Replaces идентификатор прежнего."
        return (Finding(root, job.source.sourceline, "507", message),)
    rules = (*RULES, *BY_MAIL) if job.way == "smtp" else RULES
    broken = (rule for rule in rules if rule.broken(job.source))
    return tuple(Finding(f"{root}/{r.path}", line_of(job.source, r.path), r.code, r.message) for r in broken)
