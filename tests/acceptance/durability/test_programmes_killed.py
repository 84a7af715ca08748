"""kill -9 of a real worker process between packets of programmes; another one, already running, goes on."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.journal.engine import connect
from tests.support.fri_ipra import SERVICE, check_books, fri_house, sound, told
from tests.support.houses import Worker
from tests.support.postgres import ThrowawayPostgres
from tests.support.waiting import eventually
from workers.demo.region import ORGANIZATIONS
from workers.runs.surroundings import Point

DEADLINE_S = 240.0
PARTLY = 3
STORIES = {
    "while-forming": (Point.FORMING, 2),
    "before-a-packet-leaves": (Point.SENDING, 1),
    "after-a-packet-is-taken": (Point.SENT, 2),
    "after-its-word-is-journaled": (Point.SETTLED, 1),
}


def tell(database_url: str, logs: Path, point: Point, nth: int) -> None:
    """A worker dies at a point; the one that stands by ends the launch, and the next one sends what was not taken."""
    logs.mkdir()
    engine = connect(database_url)
    with fri_house(engine) as home:
        services = {home.SLUG: home.settings}
        given = {"GATEWAY_DATABASE_URL": database_url, "GATEWAY_SERVICES": json.dumps(services)}
        doom = {"DOOM_POINT": point, "DOOM_NTH": str(nth)}
        with Worker(given, logs / "heir.log") as heir, Worker(given | doom, logs / "doomed.log") as doomed:
            heir.wait_ready()
            doomed.wait_ready()
            heir.send(signal.SIGSTOP)  # the work must fall to the doomed one
            for organization in ORGANIZATIONS:
                made = [*sound(organization, 4), told(PARTLY, organization)]
                home.submit(SERVICE, organization.oid, made)
            launch = home.start()
            doomed.wait_dead(DEADLINE_S)
            heir.send(signal.SIGCONT)
            eventually(lambda: home.result(launch) != "RUNNING", DEADLINE_S, what="the launch ends")
            assert home.result(launch) == "SUCCESS"
            for organization in ORGANIZATIONS:
                home.submit(SERVICE, organization.oid, [told(PARTLY, organization, right=True)])
            again = home.start()
            eventually(lambda: home.result(again) != "RUNNING", DEADLINE_S, what="the repeat ends")
        assert [p.items_total for p in home.packets_of(again)] == [1, 1, 1]
        check_books(home)
    engine.dispose()


@pytest.fixture(scope="module")
def stories(
    server: ThrowawayPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """All stories told at once: they mostly wait for a lease to lapse."""
    logs = tmp_path_factory.mktemp("programmes")
    databases = {name: server.create_database(template) for name in STORIES}
    with ThreadPoolExecutor(len(STORIES)) as pool:
        yield {
            name: pool.submit(tell, databases[name], logs / name, point, nth) for name, (point, nth) in STORIES.items()
        }
    for url in databases.values():
        server.drop_database(url)


@pytest.mark.parametrize("name", STORIES)
def test_a_killed_worker_leaves_nothing_lost_and_nothing_doubled(stories: dict[str, Future[None]], name: str) -> None:
    stories[name].result(DEADLINE_S)
