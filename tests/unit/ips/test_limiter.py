"""The limiter hands out moments that are never closer than the interval, whoever asks."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from workers.ips.limiter import LocalLimiter


def test_moments_of_one_peer_are_an_interval_apart() -> None:
    limiter = LocalLimiter()
    waits = [limiter.reserve("ips.example", 10) for _ in range(4)]
    assert waits[0] == 0
    for number, wait_s in enumerate(waits):
        assert 10 * number - 1 < wait_s <= 10 * number


def test_peers_do_not_wait_for_each_other() -> None:
    limiter = LocalLimiter()
    limiter.reserve("ips.example", 10)
    assert limiter.reserve("other.example", 10) == 0


def test_an_idle_peer_saves_nothing_up() -> None:
    limiter = LocalLimiter()
    limiter.reserve("ips.example", 0.01)
    time.sleep(0.05)
    assert limiter.reserve("ips.example", 10) == 0
    assert limiter.reserve("ips.example", 10) > 9


def test_threads_never_get_the_same_moment() -> None:
    limiter = LocalLimiter()
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        moments = sorted(pool.map(lambda _: limiter.reserve("ips.example", 100), range(64)))
    spent = time.monotonic() - begun
    assert all(later - earlier >= 100 - spent for earlier, later in pairwise(moments))
