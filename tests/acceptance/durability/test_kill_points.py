"""kill -9 of a real worker process at every named point of a run; another one, already running, goes on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.brokers import broker_urls
from tests.support.killing import RESUME_S, Kill, at_point, at_random
from tests.support.postgres import ThrowawayPostgres
from workers.runs.surroundings import Point

AT_ONCE = 8
RANDOM_KILLS = 4
Stories = dict[str, Future[list[Kill]]]


@pytest.fixture(scope="module", params=["embedded", "redis"])
def stories(
    request: pytest.FixtureRequest, server: ThrowawayPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stories]:
    """All stories of one broker told at once, each in its own house: they mostly wait for a lease to lapse."""
    shared = None if request.param == "embedded" else request.getfixturevalue("redis_url")
    brokers = broker_urls(shared)
    logs: Path = tmp_path_factory.mktemp(request.param)
    databases = {name: server.create_database(template) for name in (*Point, "random")}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = {"random": pool.submit(at_random, databases["random"], next(brokers), logs, RANDOM_KILLS, seed=1)}
        for point in Point:
            told[point] = pool.submit(at_point, databases[point], next(brokers), logs, point)
        yield told
    for url in databases.values():
        server.drop_database(url)


@pytest.mark.parametrize("point", list(Point))
def test_killed_at_a_point_nothing_is_lost_or_doubled(stories: Stories, point: Point) -> None:
    (kill,) = stories[point].result()
    assert kill.resumed_s <= RESUME_S


def test_killed_at_random_moments_nothing_is_lost_or_doubled(stories: Stories) -> None:
    kills = stories["random"].result()
    assert len(kills) == RANDOM_KILLS
    assert max(kill.resumed_s for kill in kills) <= RESUME_S
