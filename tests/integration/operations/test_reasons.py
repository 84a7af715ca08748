"""Action rules as callers meet them: what a list gives for a reason, the fault repeats letter for letter."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select, update

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.domain.launches import LaunchResult
from gateway.journal import launches, tables
from gateway.journal.counters import CounterDeltas
from gateway.journal.launches import Starter
from gateway.journal.registry_tables import organizations, service_settings
from tests.support.marked import Marked, add_marked
from tests.support.region import OPERATIONS, SEES, SERVICE, A, B, World

every_caller = pytest.mark.parametrize("caller", SEES)
DEEDS = (("ResumeTransfer", "can_resume", "resume_refusal"), ("StopLaunch", "can_stop", "stop_refusal"))
REFUSED = {ErrorCode.CONFLICT, ErrorCode.NOT_ALLOWED}


@pytest.fixture
def marked(world: World) -> Marked:
    return add_marked(world)


def told(answer: object) -> str | None:
    """The reason of a refusal, None where the deed was done."""
    if not isinstance(answer, GatewayError):
        return None
    assert answer.code in REFUSED, answer
    return answer.message


def launch_of(world: World, service: str, *oids: str, **values: object) -> UUID:
    """A launch in a state of its own; one that has ended has nothing left to do."""
    with world.engine.begin() as connection:
        ids = list(connection.execute(select(organizations.c.id).where(organizations.c.oid.in_(oids))).scalars())
        (made,) = launches.start(connection, service, [frozenset(ids) or None], Starter(None, "по расписанию"))
        for one in ids:
            deltas = CounterDeltas(service)
            deltas.add(made, one, errors=1)
            deltas.write(connection)
        if values:
            connection.execute(update(tables.launches).where(tables.launches.c.id == made).values(**values))
        if "result" in values:
            connection.execute(delete(tables.outbox).where(tables.outbox.c.launch_id == made))
    return made


def states(world: World) -> list[UUID]:
    """A launch for every rule that looks at launches."""
    stopped = {"result": LaunchResult.FAILED, "last_event_code": "60"}
    return [
        launch_of(world, "frmo", A, **stopped),
        launch_of(world, "frmo", A, result=LaunchResult.FAILED, last_event_code="61"),
        launch_of(world, "frmo", A, result=LaunchResult.SUCCESS),
        launch_of(world, "frmo", A, B, **stopped),
        launch_of(world, "frmo", B, **stopped),
        launch_of(world, "frmo", B),  # bars the two before it
        launch_of(world, "sms", A, stop_requested_at=datetime(2026, 1, 1, tzinfo=UTC)),
        launch_of(world, SERVICE, A, B),
    ]


@every_caller
def test_launches_carry_the_reasons_that_faults_repeat(world: World, caller: str) -> None:
    reasons: set[str | None] = set()
    for launch_id in [*states(world), *world.launches()]:
        for name, allowed, refusal in DEEDS:
            shown: Any = world.call(caller, OPERATIONS["GetLaunch"], launch_id=launch_id)
            if isinstance(shown, GatewayError):
                break
            done = world.call(caller, OPERATIONS[name], launch_id=launch_id)
            expected = getattr(shown, refusal)
            assert (shown.service_code, name, told(done)) == (shown.service_code, name, expected)
            assert getattr(shown, allowed) == (expected is None)
            reasons.add(expected)
    assert reasons - {None}


def test_every_rule_of_launches_is_met(world: World) -> None:
    of: dict[str, list[str | None]] = {"dc_admin": [], "mo_admin": [], "mis_of_c": []}
    made = states(world)
    for caller, launch_id in product(of, made):
        shown: Any = world.call(caller, OPERATIONS["GetLaunch"], launch_id=launch_id)
        if not isinstance(shown, GatewayError):
            of[caller] += [shown.resume_refusal, shown.stop_refusal]
    ended, free = "Запуск уже завершён", None
    other = "Запуск относится и к другим МО: им управляет администратор ЦОД"
    never = "Сервис не поддерживает возобновление передачи"
    event = "Последнее событие сессии не «60. Проверка данных МО перед отправкой»"
    of_a = [free, ended, event, ended, "Сессия завершена успешно", ended]
    busy, stopping = "Сервис уже выполняется", [never, "Остановка уже запрошена"]
    assert of["dc_admin"] == [*of_a, busy, ended, busy, ended, "Сессия ещё выполняется", free, *stopping, never, free]
    assert of["mo_admin"] == [*of_a, other, other, *stopping, other, other]
    assert of["mis_of_c"] == []


@every_caller
def test_packets_carry_the_reasons_that_outcomes_repeat(marked: Marked, caller: str) -> None:
    call = marked.world.call
    for launch_id in [*marked.launches.values(), *marked.world.launches()]:
        page: Any = call(caller, OPERATIONS["ListPackets"], launch_id=launch_id)
        for packet in [] if isinstance(page, GatewayError) else page.items:
            hold: Any = call(caller, OPERATIONS["HoldPackets"], packet_ids=(packet.id,))
            reason = told(hold) if isinstance(hold, GatewayError) else hold.outcomes[0].refusal
            assert packet.can_hold == (reason is None)
            assert packet.held or reason == packet.refusal


@every_caller
def test_services_carry_the_reasons_that_faults_repeat(world: World, caller: str) -> None:
    launch_of(world, "alkona-dn", A)
    with world.engine.begin() as connection:
        connection.execute(insert(service_settings).values(service_code="email", enabled=False))
    listed: Any = world.call(caller, OPERATIONS["ListServices"])
    shown = list(listed.items)
    for group in (service for service in listed.items if service.is_group):
        members: Any = world.call(caller, OPERATIONS["ListServices"], group_code=group.code)
        shown += members.items
    own = sorted(SEES[caller])
    for service in shown:
        needed = service.organization_choice == "ONE" or service.code in {"frmo", "frmr"}
        oids = tuple(own[:1]) if needed else ()
        started = world.call(caller, OPERATIONS["StartService"], service_code=service.code, organization_oids=oids)
        assert (service.code, told(started)) == (service.code, service.start_refusal)
        assert service.start_allowed == (service.start_refusal is None)


def test_a_service_that_must_be_told_its_organizations_may_be_started_while_one_of_them_is_free(world: World) -> None:
    def frmo(caller: str) -> tuple[bool, str | None]:
        listed: Any = world.call(caller, OPERATIONS["ListServices"])
        (service,) = (each for each in listed.items if each.code == "frmo")
        return service.start_allowed, service.start_refusal

    launch_of(world, "frmo", A)
    assert frmo("dc_admin") == (True, None)
    assert frmo("mo_admin") == (False, "Сервис уже выполняется")
    launch_of(world, "frmo")
    assert frmo("dc_admin") == (False, "Сервис уже выполняется")
