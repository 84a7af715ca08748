"""The limiter hands out moments that are never closer than the interval, whoever asks."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from workers.ips.limiter import AT_ONCE_S, LocalLimiter, Turns


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


class Dwelling(float):
    """An interval at which a thread stays a while, and others may run, when it has read and not yet written."""

    def __radd__(self, moment: float) -> float:
        time.sleep(0.001)
        return moment + float(self)


def test_threads_never_get_the_same_moment() -> None:
    limiter = LocalLimiter()
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        moments = sorted(pool.map(lambda _: limiter.reserve("ips.example", Dwelling(100)), range(64)))
    spent = time.monotonic() - begun
    assert all(later - earlier >= 100 - spent for earlier, later in pairwise(moments))


class Told:
    """Hands out moments ``wait_s`` away and remembers for how long each was reserved."""

    def __init__(self, wait_s: float = 0.0) -> None:
        self.wait_s = wait_s
        self.reserved: list[float] = []

    def reserve(self, _peer: str, interval_s: float) -> float:
        self.reserved.append(interval_s)
        return self.wait_s


def test_turns_at_an_ordinary_rate_are_reserved_one_by_one() -> None:
    told = Told()
    turns = Turns(told, 0.2)
    assert [turns.next("ips.example") for _ in range(3)] == [0, 0, 0]
    assert told.reserved == [0.2] * 3


def test_turns_at_a_high_rate_are_reserved_several_at_once_and_none_is_free() -> None:
    told = Told()
    turns = Turns(told, AT_ONCE_S / 4)
    for _ in range(8):
        turns.next("ips.example")
    assert sum(told.reserved) == 8 * AT_ONCE_S / 4
    assert len(told.reserved) == 2


def test_a_turn_that_has_not_come_yet_is_not_taken() -> None:
    told = Told(wait_s=100)
    turns = Turns(told, AT_ONCE_S / 4)
    assert [turns.next("ips.example") for _ in range(2)] == [100, 100]


def test_turns_that_were_not_used_in_time_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.ips.limiter.KEPT_S", 0.0)
    told = Told()
    turns = Turns(told, AT_ONCE_S / 4)
    for _ in range(3):
        turns.next("ips.example")
    assert len(told.reserved) == 3
