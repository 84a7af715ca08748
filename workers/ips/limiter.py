"""Spacing of requests to one peer.

A limiter hands out moments: each reservation is one interval after the one before it, or now. Whoever shares the
limiter shares the rate; one that keeps the last moment in the database spans processes with a single statement.
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
