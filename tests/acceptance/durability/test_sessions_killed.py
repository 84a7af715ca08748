"""kill -9 of a real worker process in the middle of a session; another one, already running, goes on."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.journal.engine import connect
from tests.support.frm import OID, House, facts, house, services
from tests.support.houses import Worker
from tests.support.postgres import ThrowawayPostgres
from tests.support.waiting import eventually
from workers.demo.parts import frm_data
from workers.runs.surroundings import Point

DEADLINE_S = 240.0
EXPECTED = {
    "frmo": {"mo.update": 1, "mo_building.create": 2, "mo_depart.create": 3, "mo_staff.create": 1},
    "frmr": {"mr_person.create": 2, "mr_card.create": 2, "mr_education_prof.create": 2},
}
STORIES = {
    "frmo-before-a-building-leaves": ("frmo", Point.SENDING, 6),
    "frmo-after-a-unit-is-taken": ("frmo", Point.SENT, 9),
    "frmr-after-a-person-is-taken": ("frmr", Point.SENT, 3),
}
Told = dict[str, Future[None]]


def tell(database_url: str, logs: Path, service: str, point: Point, nth: int) -> None:
    """A worker dies at a point of a session; the one that stands by brings it to its end."""
    logs.mkdir()
    with journal(database_url) as engine, house(engine) as home:
        given = {"GATEWAY_DATABASE_URL": database_url, "GATEWAY_SERVICES": json.dumps(services(home.sandbox))}
        doom = {"DOOM_POINT": point, "DOOM_NTH": str(nth)}
        with Worker(given, logs / "heir.log") as heir, Worker(given | doom, logs / "doomed.log") as doomed:
            heir.wait_ready()
            doomed.wait_ready()
            heir.send(signal.SIGSTOP)  # the work must fall to the doomed one
            home.submit(frm_data.hospital(OID) if service == "frmo" else frm_data.persons(OID, 2), service)
            launch = home.launch(service)
            doomed.wait_dead(DEADLINE_S)
            heir.send(signal.SIGCONT)
            eventually(lambda: home.result(launch)[0] != "RUNNING", DEADLINE_S, what="the session ends")
        assert home.result(launch)[0] == "SUCCESS"
        check_books(home, EXPECTED[service])


@contextmanager
def journal(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url)
    try:
        yield engine
    finally:
        engine.dispose()


def check_books(home: House, expected: dict[str, int]) -> None:
    assert facts(home.sandbox) == expected
    assert home.sandbox.created_twice() == ()
    assert home.rows("SELECT 1 FROM packets WHERE status NOT IN ('ACCEPTED', 'SEND_ERROR')") == []


@pytest.fixture(scope="module")
def told(server: ThrowawayPostgres, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """All stories told at once: they mostly wait for a lease to lapse."""
    logs = tmp_path_factory.mktemp("sessions")
    databases = {name: server.create_database(template) for name in STORIES}
    with ThreadPoolExecutor(len(STORIES)) as pool:
        yield {name: pool.submit(tell, databases[name], logs / name, *story) for name, story in STORIES.items()}
    for url in databases.values():
        server.drop_database(url)


@pytest.mark.parametrize("name", STORIES)
def test_a_killed_session_loses_nothing_and_creates_nothing_twice(told: Told, name: str) -> None:
    told[name].result()
