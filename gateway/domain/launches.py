"""Results of a launch («Запуск») and how a service lets its МО be chosen."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class LaunchResult(StrEnum):
    """Result of a launch."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


RESULT_TITLES: Final[dict[LaunchResult, str]] = {
    LaunchResult.RUNNING: "Выполняется",
    LaunchResult.SUCCESS: "Успешно",
    LaunchResult.FAILED: "Завершено с ошибкой",
}

STOPPED_TEXT: Final = "Остановлен оператором"

SCHEDULED: Final = "по расписанию"
"""Who started a launch that nobody started."""


class OrganizationChoice(StrEnum):
    """How many МО an operator names when launching a service."""

    NONE = "NONE"
    ONE = "ONE"
    MANY = "MANY"


class LogKind(StrEnum):
    """What the detailed log of a service lists."""

    PACKETS = "packets"
    SESSION = "session"
    NOTIFICATIONS = "notifications"


def scopes_intersect(one: frozenset[int] | None, other: frozenset[int] | None) -> bool:
    """Tell whether two launches of one service touch a common МО; None means every МО."""
    return one is None or other is None or bool(one & other)


def one_by_one(organization_ids: Iterable[int]) -> list[frozenset[int] | None]:
    """Scopes of launches over one МО each."""
    return [frozenset({one}) for one in sorted(organization_ids)]


def told(
    text: str | None,
    counts: str | None,
    scope: frozenset[int] | None,
    visible: frozenset[int] | None,
    remark: str | None = None,
) -> str | None:
    """Text of a launch's result, with its numbers for those who see every МО they count, and the run's remark.

    ``scope`` None: the launch covers every МО; ``visible`` None: the reader sees every МО.
    """
    whole = visible is None or (scope is not None and scope <= visible)
    result = ", ".join(part for part in (text, counts if whole else None) if part)
    return ". ".join(part for part in (result, remark) if part) or None
