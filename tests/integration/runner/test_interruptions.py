"""A run that an operator stops, a ban in the middle of it, a process that stops, and runs that crash."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import text

from gateway.domain.errors import GatewayError
from gateway.domain.launches import STOPPED_TEXT
from gateway.journal import holds, launches
from tests.integration.runner.conftest import Driver
from tests.support.audit import check_books
from tests.support.houses import House
from tests.support.waiting import eventually
from workers.runner.process import MAX_CRASHES
from workers.runs.surroundings import Point

SECRET = "Небывалов Выдумщик"


def once(at: Point, deed: Callable[[], None]) -> Callable[[Point], None]:
    """Do a deed at the first arrival at a point."""
    done: list[Point] = []

    def reached(point: Point) -> None:
        if point is at and not done:
            done.append(point)
            deed()

    return reached


def test_an_operators_stop_ends_the_run_before_its_next_batch(home: House, drive: Driver) -> None:
    home.submit()
    launch_id = home.launch()

    def stop() -> None:
        with home.engine.begin() as connection:
            launches.request_stop(connection, launch_id)

    assert drive(reached=once(Point.SETTLED, stop)).until_over(launch_id) == ("FAILED", STOPPED_TEXT)
    assert len(home.sandbox.ledger()) == home.statuses()["SENT"] == 5
    assert drive().launch()[0] == "SUCCESS"
    check_books(home)


def test_a_ban_between_forming_and_sending_is_respected(home: House, drive: Driver) -> None:
    home.submit()
    banned: list[UUID] = []

    def ban() -> None:
        with home.engine.begin() as connection:
            banned.extend(connection.execute(text("SELECT id FROM packets ORDER BY id LIMIT 3")).scalars())
            holds.set_held(connection, banned, held=True)

    assert drive(reached=once(Point.FORMED, ban)).launch() == ("SUCCESS", None)
    assert home.statuses()["FORMED"] == len(banned)
    assert not {str(one) for one in banned} & {entry.id for entry in home.sandbox.ledger()}
    with home.engine.begin() as connection:
        holds.set_held(connection, banned, held=False)
    assert drive().launch()[0] == "SUCCESS"
    assert {str(one) for one in banned} <= {entry.id for entry in home.sandbox.ledger()}


def crash() -> None:
    raise GatewayError(SECRET)


def statement_that_fails(home: House) -> None:
    with home.engine.connect() as connection:
        connection.execute(text("SELECT 1 / 0"))


@pytest.mark.parametrize("kind", ["exception", "database"])
def test_a_run_that_always_crashes_is_closed_with_words_to_look_for(
    home: House, drive: Driver, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    home.submit(3)
    crashes: list[Point] = []

    def reached(point: Point) -> None:
        if point is Point.SENDING:
            crashes.append(point)
            crash() if kind == "exception" else statement_that_fails(home)

    with caplog.at_level(logging.DEBUG, "workers"):
        result, told = drive(reached=reached).launch()
    name = "GatewayError" if kind == "exception" else "DataError"
    assert (result, told) == ("FAILED", f"Внутренняя ошибка {name}, подробности в журнале программы")
    assert len(crashes) == MAX_CRASHES
    assert SECRET not in caplog.text
    assert drive().launch()[0] == "SUCCESS"
    check_books(home)


def test_a_run_that_crashes_once_goes_on(home: House, drive: Driver) -> None:
    home.submit(3)
    assert drive(reached=once(Point.SENT, crash)).launch() == ("SUCCESS", None)
    check_books(home)


def test_a_lost_connection_to_the_database_is_no_crash(home: House, drive: Driver) -> None:
    home.submit(3)

    def cut() -> None:
        with home.engine.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    launch_id, driven = home.launch(), drive(reached=once(Point.SENT, cut))
    driven.step()
    with home.engine.connect() as connection:
        assert connection.execute(text("SELECT crashes FROM outbox")).scalar_one() == 0
    assert driven.until_over(launch_id) == ("SUCCESS", None)
    check_books(home)


@contextmanager
def at_work(drive: Driver, reached: Callable[[Point], None]) -> Iterator[Callable[[], None]]:
    """A process with its threads and its broker; gives what stops it."""
    process = drive(reached=reached).process
    process.start()
    stopped: list[bool] = []

    def stop() -> None:
        if not stopped:
            stopped.append(True)
            process.stop()

    try:
        yield stop
    finally:
        stop()


def test_a_process_that_stops_gives_its_work_to_another_at_once(home: House, drive: Driver) -> None:
    home.submit()
    arrived: list[Point] = []
    with at_work(drive, arrived.append) as stop:
        home.sandbox.switches.update({"answer_delay_s": 3600})
        launch_id = home.launch()
        eventually(lambda: Point.SETTLED in arrived, 30, what="it is in the middle of sending")
        stop()
    assert home.lease(launch_id) is not None
    with home.engine.connect() as connection:
        assert connection.execute(text("SELECT lease_until FROM outbox")).scalar_one() is None
    assert not home.statuses().get("SENDING")
    home.sandbox.switches.reset()
    assert drive().until_over(launch_id)[0] == "SUCCESS"
    check_books(home)
