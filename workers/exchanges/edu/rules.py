"""Правила уведомления: what its schema cannot say, one table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from workers.exchange import (
    Condition,
    Finding,
    Job,
    Operation,
    Values,
    WrongAddress,
    filled_in,
    later,
    line_of,
    mail_address,
    root_path,
    wrong_snils,
)

_DIAGNOSIS: Final = re.compile(r"[A-ZАВЕКМНОРСТХ][0-9]{2}")
"""A code of МКБ-10, also with its letter typed in Cyrillic; the schema refuses the same."""
_GROUPS: Final = ("Child", "Consent", "Document", "EduOrg", "Period")
_TEXTS: Final = ("Comment", "Document/Type", "Document/Number", "Document/IssuerFio")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: ``broken`` tells whether the event breaks it; ``message`` is a whole sentence."""

    code: str
    path: str
    broken: Condition
    message: str


def _names_diagnosis(path: str) -> Condition:
    return lambda values: _DIAGNOSIS.search(values.get(path, "")) is not None


def _no_address(values: Values) -> bool:
    try:
        mail_address(values.get("EduOrg/Email", ""))
    except WrongAddress:
        return True
    return False


RULES: Final = (
    Rule("501", "Consent/Given", lambda v: v.get("Consent/Given") not in ("true", "1"),
         "Нет согласия законного представителя: без него сведения о ребёнке школе не передаются."),
    Rule("502", "Period/To", later("Period/From", "Period/To"), "Период заканчивается раньше, чем начался."),
    Rule("503", "Period/To", lambda v: v.get("Kind") == "ILLNESS_CLOSED" and "Period/To" not in v,
         "У оконченной болезни не указано, по какой день ребёнок отсутствовал."),
    Rule("504", "Child/Snils", wrong_snils("Child/Snils"), "Контрольное число СНИЛС не сходится."),
    Rule("505", "Child/BirthDate", later("Child/BirthDate", "Period/From"),
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
    root = root_path(job.source)
    if job.operation is Operation.DELETE:
        message = "Отозвать уведомление нельзя: передайте новое, указав в Replaces идентификатор прежнего."
        return (Finding(root, job.source.sourceline, "507", message),)
    rules = (*RULES, *BY_MAIL) if job.way == "smtp" else RULES
    values = filled_in(job.source, *_GROUPS)
    broken = (rule for rule in rules if rule.broken(values))
    return tuple(Finding(f"{root}/{r.path}", line_of(job.source, r.path), r.code, r.message) for r in broken)
