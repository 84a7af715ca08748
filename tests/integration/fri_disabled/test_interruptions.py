"""Reading ФГИС ФРИ is broken off at any point, and at any statement: nothing is lost and nothing comes twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event

from gateway.domain.launches import STOPPED_TEXT
from gateway.journal import launches
from tests.support.fri_disabled import FIRST, SECOND, SLUG, FriHouse
from tests.support.houses import Worker
from tests.support.waiting import eventually
from workers.demo.parts.fri_disabled_data import asked_for, extract
from workers.exchanges.fri_disabled.receive import DONE, REPLACED
from workers.runner import process
from workers.runs.surroundings import Point

LATER = "2026-03-05T10:00:00+03:00"
PEOPLE = 4


def begun(house: FriHouse) -> None:
    """Two МО have their people; then one changes and a third МО's person is asked for."""
    for number in range(PEOPLE + 1):
        house.sandbox.put(extract(number))
    for oid in (FIRST, SECOND):
        house.submit(oid, [asked_for(number) for number in range(PEOPLE)])
    assert house.launch() == ("SUCCESS", None)
    for number in range(PEOPLE):
        house.sandbox.put(extract(number, group=1, made=LATER))
    house.submit(FIRST, [asked_for(PEOPLE)])


def check(house: FriHouse) -> None:
    """Every extract came to each of its МО once, and the newest are offered."""
    wanted = [DONE] * PEOPLE + [REPLACED] * PEOPLE
    assert sorted(told for *_, told in house.packets(SECOND)) == sorted(wanted)
    assert sorted(told for *_, told in house.packets(FIRST)) == sorted([*wanted, DONE])
    assert (len(house.take(FIRST)), len(house.take(SECOND))) == (PEOPLE + 1, PEOPLE)
    assert house.packets(None) == []


@pytest.mark.parametrize(
    "point",
    [Point.ANSWERS_JOURNALED, Point.ASKED],
)
def test_a_worker_killed_with_what_it_took_is_followed_by_one_that_finishes(
    house: FriHouse, database_url: str, tmp_path: Path, point: Point
) -> None:
    begun(house)
    launch_id = house.start()
    environment = {"GATEWAY_DATABASE_URL": database_url, "GATEWAY_SERVICES": json.dumps({SLUG: house.settings})}
    log = tmp_path / "worker.log"
    with Worker({**environment, "DOOM_POINT": point}, log) as doomed:
        doomed.wait_dead(60)
    with Worker(environment, log) as heir:
        heir.wait_ready()
        eventually(lambda: house.told(launch_id)[0] == "SUCCESS", 60, what="the heir finishes")
    check(house)


@contextmanager
def failing(engine: Engine, number: int) -> Iterator[list[int]]:
    """Let the statement of this number fail; yields the numbers that did."""
    statements, failed = count(1), list[int]()

    def fail(*_: Any) -> None:
        if next(statements) == number:
            failed.append(number)
            raise RuntimeError("придуманный сбой")

    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield failed
    finally:
        event.remove(engine, "before_cursor_execute", fail)


def test_a_failure_of_any_statement_loses_and_doubles_nothing(house: FriHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "CRASH_PAUSE_S", 0.0)
    house.sandbox.put(extract(0))
    house.submit(FIRST, [asked_for(0)])
    house.launch()
    for number in count(1):
        house.sandbox.put(extract(0, group=1 + number % 2, made=f"2026-04-01T10:{number // 60:02}:{number % 60:02}Z"))
        house.sandbox.put(extract(1000 + number))
        house.submit(SECOND, [asked_for(1000 + number)])
        worker, launch_id = house.worker(), house.start()
        # The row of the outbox itself may be what cannot be read.
        with failing(house.engine, number) as failed, suppress(RuntimeError):
            worker.perform(waiting_work(house))
        house.release()
        house.finish(launch_id)
        assert house.launch() == ("SUCCESS", None)
        assert len(house.packets(FIRST)) == 1 + number
        assert len(house.packets(SECOND)) == len(house.take(SECOND)) == number
        assert len(house.take(FIRST)) == 1
        if not failed:
            break
    assert number > 30


def waiting_work(house: FriHouse) -> UUID:
    """The work that waits."""
    ((work_id,),) = house.rows("SELECT id FROM outbox")
    return UUID(str(work_id))


def test_an_operators_stop_ends_the_reading_and_the_next_launch_goes_on(house: FriHouse) -> None:
    begun(house)
    launch_id = house.start()

    def stop(point: Point) -> None:
        if point is Point.ANSWERS_JOURNALED:
            with house.engine.begin() as connection:
                launches.request_stop(connection, launch_id)

    assert house.finish(launch_id, house.worker(stop)) == ("FAILED", STOPPED_TEXT)
    assert len(house.packets(SECOND)) < 2 * PEOPLE
    assert house.launch() == ("SUCCESS", None)
    check(house)
