"""Every combination of what an action rule may look at, held against a table of (fact, bad value, reason)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from gateway.domain.actions import RULES, Action, Facts, refusing
from gateway.domain.launches import LaunchResult
from gateway.domain.statuses import Direction

RUNNING = "Сервис уже выполняется"
FOREIGN = "Запуск относится и к другим МО: им управляет администратор ЦОД"
NO_HOLDS = "Сервис не поддерживает запрет отправки пакетов"

START = (
    ("is_group", True, "Группа сервисов не запускается: выберите сервис группы"),
    ("allowed", False, "Запуск сервиса не разрешён вашей роли"),
    ("for_all", True, "Сервис без выбора МО запускает администратор ЦОД"),
    ("enabled", False, "Сервис отключён администратором"),
    ("manual_start", False, "Для сервиса не предусмотрен ручной запуск"),
    ("running", True, RUNNING),
)
RESUME = (
    ("allowed", False, "Возобновление передачи не разрешено вашей роли"),
    ("foreign", True, FOREIGN),
    ("resumable", False, "Сервис не поддерживает возобновление передачи"),
    ("result", LaunchResult.RUNNING, "Сессия ещё выполняется"),
    ("result", LaunchResult.SUCCESS, "Сессия завершена успешно"),
    ("last_event_code", None, "Последнее событие сессии не «60. Проверка данных МО перед отправкой»"),
    ("last_event_code", "61", "Последнее событие сессии не «60. Проверка данных МО перед отправкой»"),
    ("error_count", 0, "Во время сессии не зарегистрированы ошибки"),
    ("running", True, RUNNING),
)
STOP = (
    ("allowed", False, "Остановка запуска не разрешена вашей роли"),
    ("foreign", True, FOREIGN),
    ("result", LaunchResult.SUCCESS, "Запуск уже завершён"),
    ("result", LaunchResult.FAILED, "Запуск уже завершён"),
    ("stop_requested", True, "Остановка уже запрошена"),
)
HOLD = (
    ("allowed", False, "Запрет отправки не разрешён вашей роли"),
    ("direction", Direction.IMPORT, "Запрет отправки ставится только при экспорте"),
    ("holdable", False, NO_HOLDS),
    ("held", True, "Пакет уже имеет признак «Не отправлять пакет»"),
)
RELEASE = (
    ("allowed", False, "Снятие запрета отправки не разрешено вашей роли"),
    ("direction", Direction.IMPORT, "Запрет отправки снимается только при экспорте"),
    ("holdable", False, NO_HOLDS),
    ("held", False, "Пакет не имеет признака «Не отправлять пакет»"),
)
ORACLES = {
    Action.START: START,
    Action.RESUME: RESUME,
    Action.STOP: STOP,
    Action.HOLD: HOLD,
    Action.RELEASE: RELEASE,
}
VALUES: dict[str, tuple[Any, ...]] = {
    "result": tuple(LaunchResult),
    "direction": tuple(Direction),
    "last_event_code": (None, "60", "61"),
    "error_count": (0, 1, 7),
}


def refusal(action: Action, facts: Facts) -> str | None:
    rule = refusing(action, facts)
    return rule.reason if rule else None


def combinations(action: Action) -> Iterator[dict[str, Any]]:
    names = list(dict.fromkeys(name for name, _, _ in ORACLES[action]))
    for values in product(*(VALUES.get(name, (False, True)) for name in names)):
        yield dict(zip(names, values, strict=True))


@pytest.mark.parametrize("action", Action)
def test_the_first_rule_that_holds_gives_the_reason(action: Action) -> None:
    allowed = 0
    for chosen in combinations(action):
        expected = next((why for name, bad, why in ORACLES[action] if chosen[name] == bad), None)
        assert refusal(action, Facts(**chosen)) == expected, chosen
        allowed += expected is None
    assert allowed


@pytest.mark.parametrize("action", Action)
def test_facts_of_other_actions_change_nothing(action: Action) -> None:
    own = {name for name, _, _ in ORACLES[action]}
    foreign: dict[str, Any] = {
        "is_group": True,
        "enabled": False,
        "held": True,
        "stop_requested": True,
        "error_count": 3,
    }
    others = {name: value for name, value in foreign.items() if name not in own}
    for chosen in combinations(action):
        assert refusal(action, Facts(**chosen, **others)) == refusal(action, Facts(**chosen))


def test_the_reasons_that_tell_of_rights_are_those_of_roles_and_of_foreign_organizations() -> None:
    of_rights = {(rule.action, rule.reason) for rule in RULES if rule.of_rights}
    oracle = {
        (a, why) for a, rows in ORACLES.items() for name, _, why in rows if name in {"allowed", "for_all", "foreign"}
    }
    assert of_rights == oracle
