"""Several worker processes on one Redis: a launch belongs to one of them, and who lost its lease writes nothing."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from tests.support.brokers import broker_urls
from tests.support.houses import House, house
from tests.support.killing import finish
from tests.support.postgres import ThrowawayPostgres
from tests.support.waiting import eventually
from workers.runs.surroundings import Point

LOSS = ("goes on elsewhere", "its lease will lapse")
"""What a worker says that wakes outside a transaction, or in one that the server has ended meanwhile."""
FROZEN_AT = (Point.SENDING, Point.SENT, Point.SETTLED, Point.ANSWERS_TAKEN)


def journal(home: House) -> object:
    """All that workers write of packets and launches, and what the peer made of it."""
    with home.engine.connect() as connection:
        rows = [
            connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2")).all()  # noqa: S608 # names of ours
            for table in ("packets", "attempts", "launches", "launch_counters")
        ]
    return rows, [(e.id, e.sha256, e.verdict) for e in home.sandbox.ledger()]


def freeze_and_wake(database_url: str, redis_url: str | None, logs: Path, point: Point) -> None:
    """A worker freezes with a lease for longer than the lease lasts, another finishes, the first wakes."""
    folder = logs / point
    folder.mkdir()
    with house(database_url, redis_url, folder) as home, home.worker(DOOM_POINT=point, DOOM_SIGNAL="STOP") as sleeper:
        home.submit()
        launch_id = home.launch()
        eventually(sleeper.is_stopped, 60, what="the worker freezes")
        with home.worker():
            finish(home, launch_id)
        before = journal(home)
        sleeper.send(signal.SIGCONT)
        log = folder / "worker-1.log"
        eventually(lambda: any(word in log.read_text(encoding="utf-8") for word in LOSS), 30, what="it sees its loss")
        assert journal(home) == before


def test_a_worker_that_lost_its_lease_writes_nothing_more(
    server: ThrowawayPostgres, template: str, redis_url: str, tmp_path: Path
) -> None:
    brokers = broker_urls(redis_url)
    databases = {point: server.create_database(template) for point in FROZEN_AT}
    with ThreadPoolExecutor(len(FROZEN_AT)) as pool:
        told = [pool.submit(freeze_and_wake, databases[p], next(brokers), tmp_path, p) for p in FROZEN_AT]
    for url in databases.values():
        server.drop_database(url)
    assert [story.exception() for story in told] == [None] * len(FROZEN_AT)


def test_each_of_many_launches_is_worked_on_by_one_process(database_url: str, redis_url: str, tmp_path: Path) -> None:
    with house(database_url, redis_url, tmp_path) as home, home.worker(), home.worker(), home.worker():
        home.submit(30)
        launches = [home.launch(frozenset({one})) for one in home.organizations.values()]
        for launch_id in launches:
            finish_one(home, launch_id)
        finish(home, launches[0])
        assert {entry.receptions for entry in home.sandbox.ledger()} == {1}
        with home.engine.connect() as connection:
            assert set(connection.execute(text("SELECT attempts FROM packets")).scalars()) == {1}


def finish_one(home: House, launch_id: UUID) -> None:
    eventually(lambda: home.is_over(launch_id), 60, what="the launch ends")
