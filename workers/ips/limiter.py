"""Spacing of requests to one peer.

A limiter hands out moments: each reservation is one interval after the one before it, or now. Whoever shares the
limiter shares the rate; one that keeps the last moment in the database spans processes with a single statement.
Where a peer takes more than fifty requests a second, a caller reserves the turns of a fiftieth of a second at once.
"""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol, runtime_checkable


class Limiter(Protocol):
    """The moments at which requests to peers may leave."""

    def reserve(self, peer: str, interval_s: float) -> float:
        """Reserve the next free moment of ``peer`` and return how many seconds from now it is, at least 0.

        Reservations of one peer are at least ``interval_s`` (seconds, more than 0) apart, whoever made them.
        """
        ...


@runtime_checkable
class Paced(Protocol):
    """A transport that spaces its requests out."""

    def pace_by(self, limiter: Limiter) -> None:
        """Share this limiter from now on."""
        ...


AT_ONCE_S: Final = 0.02
"""So much of a peer's time one caller may reserve at once."""
KEPT_S: Final = 1.0
"""Reserved turns that are not used by then are given up."""


class Turns:
    """The turns of one caller at one peer; for one thread at a time."""

    def __init__(self, limiter: Limiter, interval_s: float) -> None:
        self._limiter = limiter
        self._interval_s = interval_s
        self._left = 0
        self._open_at = 0.0

    def shared_by(self, limiter: Limiter) -> Turns:
        """Turns of the same rate that another limiter hands out."""
        return Turns(limiter, self._interval_s)

    def next(self, peer: str) -> float:
        """Take the next turn and return how many seconds from now it is, at least 0."""
        now = time.monotonic()
        if self._left and self._open_at <= now < self._open_at + KEPT_S:
            self._left -= 1
            return 0.0
        many = max(1, int(AT_ONCE_S / self._interval_s))
        wait_s = self._limiter.reserve(peer, many * self._interval_s)
        self._left, self._open_at = many - 1, now + wait_s
        return wait_s


class LocalLimiter:
    """Shares the rate within this process; any thread may reserve."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def reserve(self, peer: str, interval_s: float) -> float:
        """See ``Limiter``."""
        with self._lock:
            now = time.monotonic()
            moment = max(now, self._next.get(peer, now))
            self._next[peer] = moment + interval_s
        return moment - now


THIS_PROCESS: Final = LocalLimiter()
"""What transports share when nobody gives them another."""
