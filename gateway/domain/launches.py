"""Results of a launch («Запуск») and how a service lets its МО be chosen."""

from __future__ import annotations

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


def told(
    text: str | None, counts: str | None, scope: frozenset[int] | None, visible: frozenset[int] | None
) -> str | None:
    """Text of a launch's result, with its numbers for those who see every МО they count.

    ``scope`` None: the launch covers every МО; ``visible`` None: the reader sees every МО.
    """
    whole = visible is None or (scope is not None and scope <= visible)
    return ", ".join(part for part in (text, counts if whole else None) if part) or None
