"""The pace of requests kept in the database: whoever shares it shares the rate."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from sqlalchemy import Engine

from gateway.journal.pace import DatabaseLimiter


def test_moments_of_one_peer_are_an_interval_apart_whoever_reserves(engine: Engine) -> None:
    limiters = [DatabaseLimiter(engine), DatabaseLimiter(engine)]
    with ThreadPoolExecutor(4) as pool:
        waits = sorted(pool.map(lambda n: limiters[n % 2].reserve("ips.example", 100), range(12)))
    assert waits[0] == 0
    assert all(90 < later - earlier < 110 for earlier, later in pairwise(waits))


def test_peers_do_not_wait_for_each_other_and_an_idle_one_saves_nothing_up(engine: Engine) -> None:
    limiter = DatabaseLimiter(engine)
    limiter.reserve("ips.example", 100)
    assert limiter.reserve("other.example", 0.001) == 0
    assert limiter.reserve("other.example", 100) < 1
    assert 90 < limiter.reserve("other.example", 100) < 101
