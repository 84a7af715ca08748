"""Action rules: one table answers both «may I press this button» and «why not».

Lists carry the answer, faults repeat it, buttons read it. The first rule whose condition holds refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.domain.launches import LaunchResult
from gateway.domain.statuses import Direction


class Action(StrEnum):
    """What an operator can do in the journal, by the name on the button."""

    START = "Запуск"
    RESUME = "Возобновить передачу"
    STOP = "Остановить"
    HOLD = "Не отправлять повторно"
    RELEASE = "Снять запрет отправки"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that an action rule may look at. Each action reads its own part; the rest keeps its default.

    ``for_all``: the service runs for every МО at once and the caller does not see them all; ``foreign``: the launch
    also covers МО that the caller does not see.
    """

    allowed: bool = True
    for_all: bool = False
    foreign: bool = False
    is_group: bool = False
    enabled: bool = True
    manual_start: bool = True
    running: bool = False
    resumable: bool = False
    holdable: bool = False
    direction: Direction = Direction.EXPORT
    held: bool = False
    result: LaunchResult = LaunchResult.RUNNING
    stop_requested: bool = False
    last_event_code: str | None = None
    error_count: int = 0


CHECK_EVENT: Final = "60"
"""Code of the session event «60. Проверка данных МО перед отправкой»."""

ATTEMPT_EVENTS: Final = frozenset({CHECK_EVENT, "64"})
"""Codes of the events that begin an attempt: only errors of the latest attempt are counted and listed."""

ALREADY_RUNNING: Final = "Сервис уже выполняется"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition under which an action is refused, and the reason a person reads.

    ``of_rights`` tells a matter of rights (NOT_ALLOWED) from one of the moment (CONFLICT).
    """

    action: Action
    refuses: Callable[[Facts], bool]
    reason: str
    of_rights: bool = False


_FOREIGN: Final = "Запуск относится и к другим МО: им управляет администратор ЦОД"


RULES: Final[tuple[Rule, ...]] = (
    Rule(Action.START, lambda f: f.is_group, "Группа сервисов не запускается: выберите сервис группы"),
    Rule(Action.START, lambda f: not f.allowed, "Запуск сервиса не разрешён вашей роли", of_rights=True),
    Rule(Action.START, lambda f: f.for_all, "Сервис без выбора МО запускает администратор ЦОД", of_rights=True),
    Rule(Action.START, lambda f: not f.enabled, "Сервис отключён администратором"),
    Rule(Action.START, lambda f: not f.manual_start, "Для сервиса не предусмотрен ручной запуск"),
    Rule(Action.START, lambda f: f.running, ALREADY_RUNNING),
    Rule(Action.RESUME, lambda f: not f.allowed, "Возобновление передачи не разрешено вашей роли", of_rights=True),
    Rule(Action.RESUME, lambda f: f.foreign, _FOREIGN, of_rights=True),
    Rule(Action.RESUME, lambda f: not f.resumable, "Сервис не поддерживает возобновление передачи"),
    Rule(Action.RESUME, lambda f: f.result is LaunchResult.RUNNING, "Сессия ещё выполняется"),
    Rule(Action.RESUME, lambda f: f.result is LaunchResult.SUCCESS, "Сессия завершена успешно"),
    Rule(
        Action.RESUME,
        lambda f: f.last_event_code != CHECK_EVENT,
        "Последнее событие сессии не «60. Проверка данных МО перед отправкой»",
    ),
    Rule(Action.RESUME, lambda f: f.error_count == 0, "Во время сессии не зарегистрированы ошибки"),
    Rule(Action.RESUME, lambda f: f.running, ALREADY_RUNNING),
    Rule(Action.STOP, lambda f: not f.allowed, "Остановка запуска не разрешена вашей роли", of_rights=True),
    Rule(Action.STOP, lambda f: f.foreign, _FOREIGN, of_rights=True),
    Rule(Action.STOP, lambda f: f.result is not LaunchResult.RUNNING, "Запуск уже завершён"),
    Rule(Action.STOP, lambda f: f.stop_requested, "Остановка уже запрошена"),
    Rule(Action.HOLD, lambda f: not f.allowed, "Запрет отправки не разрешён вашей роли", of_rights=True),
    Rule(Action.HOLD, lambda f: f.direction is Direction.IMPORT, "Запрет отправки ставится только при экспорте"),
    Rule(Action.HOLD, lambda f: not f.holdable, "Сервис не поддерживает запрет отправки пакетов"),
    Rule(Action.HOLD, lambda f: f.held, "Пакет уже имеет признак «Не отправлять пакет»"),
    Rule(Action.RELEASE, lambda f: not f.allowed, "Снятие запрета отправки не разрешено вашей роли", of_rights=True),
    Rule(
        Action.RELEASE,
        lambda f: f.direction is Direction.IMPORT,
        "Запрет отправки снимается только при экспорте",
    ),
    Rule(Action.RELEASE, lambda f: not f.holdable, "Сервис не поддерживает запрет отправки пакетов"),
    Rule(Action.RELEASE, lambda f: not f.held, "Пакет не имеет признака «Не отправлять пакет»"),
)


def refusing(action: Action, facts: Facts) -> Rule | None:
    """Return the rule by which the action is refused now, or None when it is allowed."""
    return next((rule for rule in RULES if rule.action is action and rule.refuses(facts)), None)
