"""A worker that dies in the middle of an issue leaves the former one in force; the next begins again and finishes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.support.authorities import Register, register
from tests.support.houses import Worker
from tests.support.waiting import eventually
from workers.runs.surroundings import Point

STATE = "SELECT number, status, listed FROM ca_authorities ORDER BY inn"


@pytest.fixture
def home(engine: Engine) -> Iterator[Register]:
    """A register of which one issue is in force and a longer one, of several batches, is published."""
    with register(engine, count=10) as made:
        made.launch()
        made.sandbox.publish(count=900, statuses={1: "Прекращена"}, withdraw=[2])
        yield made


def is_whole(home: Register) -> bool:
    rows = home.rows(STATE)
    return len(rows) == 900 and rows[0][1:] == ("Прекращена", True) and rows[1][1:] == ("Действует", False)


def test_a_worker_killed_between_batches_leaves_the_former_issue(
    home: Register, database_url: str, tmp_path: Path
) -> None:
    before = home.rows(STATE)
    services = json.dumps({"ca": {"address": home.sandbox.url}})
    environment = {"GATEWAY_DATABASE_URL": database_url, "GATEWAY_SERVICES": services}
    launch_id = home.start()
    log = tmp_path / "worker.log"
    with Worker({**environment, "DOOM_POINT": Point.SETTLED, "DOOM_NTH": "3"}, log) as doomed:
        doomed.wait_dead(60)
    assert home.rows(STATE) == before
    assert home.rows("SELECT count(*) BETWEEN 3 AND 899 FROM ca_arrivals") == [(True,)]
    with Worker(environment, log) as heir:
        heir.wait_ready()
        eventually(lambda: home.told(launch_id).result == "SUCCESS", 60, what="the heir finishes")
    assert is_whole(home)
    assert home.rows("SELECT count(*) FROM ca_arrivals") == [(0,)]
    assert home.rows("SELECT version, current FROM ca_issues ORDER BY id") == [(1, False), (2, True)]


def test_an_operator_stops_it_between_batches(home: Register) -> None:
    before = home.rows(STATE)
    asked = threading.Event()

    def stop(point: Point) -> None:
        if point is Point.SETTLED and not asked.is_set():
            asked.set()
            with home.engine.begin() as connection:
                connection.execute(text("UPDATE launches SET stop_requested_at = now() WHERE result = 'RUNNING'"))

    launch = home.launch(reached=stop)
    assert (launch.result, launch.text) == ("FAILED", "Остановлен оператором")
    assert home.rows(STATE) == before
    assert home.launch().result == "SUCCESS"
    assert is_whole(home)
