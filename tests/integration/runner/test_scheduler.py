"""Schedules over a real journal: one start for all workers, none lost, none doubled, and what was missed is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import Engine, text

from gateway.catalog.registry import Catalog, load_catalog
from gateway.domain.launches import LaunchResult
from gateway.domain.roles import Account, Role, Viewer
from gateway.journal import launches, registry, schedules
from gateway.journal.launches import Starter
from gateway.journal.registry import ServiceSettings
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.services import list_services
from tests.support.houses import SERVICE
from tests.support.running import add_organizations
from tests.support.waiting import eventually
from workers.runner import scheduler as scheduler_module
from workers.runner.scheduler import Scheduler

YEARLY = "0 0 1 1 *"
"""No test lasts over the moment of the next start."""

ADMIN = Viewer(Account(1, "admin", Role.DC_ADMIN, None))
YEAR_S = 366 * 24 * 3600


def catalog_with(**changes: object) -> Catalog:
    """The catalog, with the service changed."""
    catalog = load_catalog()
    exchange = catalog.exchanges[SERVICE]
    service = exchange.manifest.service.model_copy(update=changes)
    changed = replace(exchange, manifest=exchange.manifest.model_copy(update={"service": service}))
    return replace(catalog, exchanges={**catalog.exchanges, SERVICE: changed})


@dataclass
class Desk:
    """The journal's side of a schedule."""

    engine: Engine

    def scheduler(self, catalog: Catalog | None = None, catch_up_s: int = YEAR_S) -> Scheduler:
        return Scheduler(self.engine, catalog or load_catalog(), "Asia/Kamchatka", catch_up_s, lot=lambda: 0.0)

    def schedule(self, cron: str | None = YEARLY, zone: str | None = "UTC") -> None:
        with self.engine.begin() as connection:
            schedules.set_schedule(connection, SERVICE, cron, zone, 0)

    def enable(self, *, enabled: bool) -> None:
        with self.engine.begin() as connection:
            schedules.set_enabled(connection, SERVICE, enabled=enabled)

    def settings(self) -> ServiceSettings:
        with self.engine.connect() as connection:
            return registry.load_service_settings(connection).get(SERVICE, ServiceSettings())

    def come(self, years: int = 0) -> None:
        """Let the start of this year, or of one so many years before, be what was planned."""
        query = "UPDATE service_settings SET next_start_at = date_trunc('year', now()) - make_interval(years => :years)"
        with self.engine.begin() as connection:
            connection.execute(text(query), {"years": years})

    def launches(self) -> list[tuple[str, list[int] | None]]:
        """(who started, МО) of every launch, the oldest first."""
        with self.engine.connect() as connection:
            rows = connection.execute(text("SELECT started_by, scope FROM launches ORDER BY id"))
            return [(row.started_by, row.scope) for row in rows]

    def audit(self) -> list[tuple[str, Any]]:
        query = "SELECT action, detail FROM audit_events WHERE action LIKE 'schedule-%' ORDER BY id"
        with self.engine.connect() as connection:
            return [(row.action, row.detail) for row in connection.execute(text(query))]

    def end_launches(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE launches SET result = 'SUCCESS'"))


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


@contextmanager
def running(scheduler: Scheduler) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=scheduler.run_until, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def test_a_start_is_planned_then_made_and_the_next_one_planned(desk: Desk) -> None:
    desk.schedule()
    scheduler = desk.scheduler()
    assert 0 < scheduler.step() <= scheduler_module.POLL_S
    planned = desk.settings().next_start_at
    assert planned is not None
    assert (planned.minute, planned.second) == (0, 0)
    assert desk.launches() == []
    desk.come()
    scheduler.step()
    assert desk.launches() == [("по расписанию", None)]
    assert desk.settings().next_start_at == planned
    assert desk.audit() == [("schedule-start", {"missed": 0, "already_running": 0})]
    scheduler.step()
    assert len(desk.launches()) == 1


def test_of_many_schedulers_one_starts(desk: Desk) -> None:
    desk.schedule()
    many = [desk.scheduler() for _ in range(4)]
    many[0].step()
    for round_number in range(1, 4):
        desk.come()
        barrier = threading.Barrier(len(many))

        def step(one: Scheduler, together: threading.Barrier = barrier) -> None:
            together.wait()
            one.step()

        with ThreadPoolExecutor(len(many)) as pool:
            list(pool.map(step, many))
        assert len(desk.launches()) == round_number
        desk.end_launches()


@pytest.mark.parametrize("place", ["start", "audit"])
def test_a_scheduler_that_dies_in_the_middle_leaves_the_start_to_another(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    desk.schedule()
    desk.scheduler().step()
    desk.come()

    def die(done: Callable[..., object]) -> Callable[..., object]:
        def dying(*given: Any, **named: Any) -> object:
            done(*given, **named)
            raise KeyboardInterrupt

        return dying

    with monkeypatch.context() as dead:
        module = launches if place == "start" else registry
        dead.setattr(module, place, die(getattr(module, place)))
        with pytest.raises(KeyboardInterrupt):
            desk.scheduler().step()
    assert (desk.launches(), desk.audit()) == ([], [])
    desk.scheduler().step()
    assert [who for who, _ in desk.launches()] == ["по расписанию"]


def test_missed_starts_are_made_up_for_once_and_told(desk: Desk) -> None:
    desk.schedule()
    desk.scheduler().step()
    desk.come(years=3)
    desk.scheduler().step()
    desk.scheduler().step()
    assert desk.launches() == [("по расписанию, пропущено запусков: 3", None)]
    assert desk.audit() == [("schedule-start", {"missed": 3, "already_running": 0})]


def test_a_start_that_is_too_late_is_not_made_but_told(desk: Desk) -> None:
    desk.schedule()
    desk.scheduler().step()
    desk.come()
    desk.scheduler(catch_up_s=60).step()
    assert desk.launches() == []
    ((action, detail),) = desk.audit()
    assert (action, detail["missed"]) == ("schedule-skip", 1)
    assert "опоздал" in detail["reason"]
    assert desk.settings().next_start_at is not None


def test_a_service_that_still_runs_is_not_started_again(desk: Desk) -> None:
    desk.schedule()
    desk.scheduler().step()
    with desk.engine.begin() as connection:
        launches.start(connection, SERVICE, [None], Starter(None, "администратор"))
    desk.come()
    desk.scheduler().step()
    assert [who for who, _ in desk.launches()] == ["администратор"]
    assert desk.audit() == [("schedule-skip", {"reason": "Сервис уже выполняется", "missed": 0})]
    desk.end_launches()
    desk.come()
    desk.scheduler().step()
    assert [who for who, _ in desk.launches()] == ["администратор", "по расписанию"]


def test_a_disabled_service_is_silent_and_misses_nothing(desk: Desk) -> None:
    desk.schedule()
    desk.scheduler().step()
    desk.come(years=5)
    desk.enable(enabled=False)
    desk.scheduler().step()
    assert desk.settings().next_start_at is None
    desk.enable(enabled=True)
    desk.scheduler().step()
    assert desk.settings().next_start_at is not None
    assert (desk.launches(), desk.audit()) == ([], [])


def test_a_service_of_launches_per_organization_starts_each_that_is_free(desk: Desk) -> None:
    given = [(f"1.2.643.5.{n}", f"Больница {n}", f"34000{n}") for n in range(1, 4)]
    first, *others = add_organizations(desk.engine, given).values()
    catalog = catalog_with(launch_per_organization=True)
    desk.schedule()
    desk.scheduler(catalog).step()
    with desk.engine.begin() as connection:
        launches.start(connection, SERVICE, [frozenset({first})], Starter(None, "администратор"))
    desk.come()
    desk.scheduler(catalog).step()
    assert desk.launches()[1:] == [("по расписанию", [other]) for other in others]
    assert [detail for _, detail in desk.audit()] == [{"missed": 0, "already_running": 1}] * len(others)


def test_without_any_organization_there_is_nothing_to_start(desk: Desk) -> None:
    desk.schedule()
    scheduler = desk.scheduler(catalog_with(launch_per_organization=True))
    scheduler.step()
    desk.come()
    scheduler.step()
    ((action, detail),) = desk.audit()
    assert (action, detail["reason"]) == ("schedule-skip", "Нет ни одной МО, по которой можно запустить сервис")


def test_the_manifests_schedule_holds_until_a_site_says_otherwise(desk: Desk) -> None:
    catalog = catalog_with(schedule="30 3 * * *")
    desk.scheduler(catalog).step()
    assert desk.settings().next_start_of == "30 3 * * * Asia/Kamchatka 0"
    desk.scheduler(catalog_with(schedule="30 4 * * *")).step()
    assert desk.settings().next_start_of == "30 4 * * * Asia/Kamchatka 0", "a new release brings another"
    desk.schedule("off", None)
    desk.scheduler(catalog).step()
    assert desk.settings()[-2:] == (None, None)
    desk.schedule(None, None)
    desk.scheduler(catalog).step()
    assert desk.settings().next_start_at is not None


def test_a_schedule_that_cannot_be_kept_stops_no_other(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.schedule("not a schedule")
    assert desk.scheduler().step() == scheduler_module.POLL_S
    assert "пять полей cron" in caplog.text
    assert desk.settings().next_start_at is None


def test_a_new_schedule_wakes_the_scheduler_and_the_list_shows_it(desk: Desk) -> None:
    ctx = Context(desk.engine, load_catalog(), Cursors(b"invented"), time_zone="Asia/Kamchatka")

    def shown() -> tuple[str | None, bool]:
        (service,) = (s for s in list_services(ctx, ADMIN, "tfoms") if s.code == SERVICE)
        return service.schedule, service.next_start_at is not None

    with running(desk.scheduler()):
        assert shown() == (None, False)
        desk.schedule("0 3 * * *", None)
        eventually(lambda: shown()[1], 15, what="the start is planned")
        assert shown() == ("0 3 * * * Asia/Kamchatka", True)
        desk.enable(enabled=False)
        assert shown() == ("0 3 * * * Asia/Kamchatka", False)


def test_what_the_schedule_started_is_work_like_any_other(desk: Desk) -> None:
    desk.schedule()
    scheduler = desk.scheduler()
    scheduler.step()
    with running(scheduler):
        desk.come()
        with desk.engine.begin() as connection:
            connection.execute(text(f"NOTIFY {schedules.CHANNEL}"))
        eventually(desk.launches, 15, what="the service starts")
    with desk.engine.connect() as connection:
        query = "SELECT l.result, o.task FROM launches l JOIN outbox o ON o.launch_id = l.id"
        assert connection.execute(text(query)).all() == [(LaunchResult.RUNNING, "launch")]
