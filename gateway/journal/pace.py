"""Spacing of requests to a peer, shared by every worker of the installation."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine, text

_RESERVE: Final = text(
    """
    INSERT INTO request_pace AS p (peer, next_at)
    VALUES (:peer, clock_timestamp() + make_interval(secs => :interval))
    ON CONFLICT (peer) DO UPDATE
      SET next_at = greatest(p.next_at, clock_timestamp()) + make_interval(secs => :interval)
    RETURNING greatest(0, extract(epoch FROM next_at - clock_timestamp()) - :interval)
    """
)


class DatabaseLimiter:
    """Hands out the moments at which requests may leave; whoever shares the database shares the rate.

    Any thread may reserve. Moments go by the database's clock.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def reserve(self, peer: str, interval_s: float) -> float:
        """Reserve the next free moment of ``peer`` and return how many seconds from now it is, at least 0. Commits.

        Reservations of one peer are at least ``interval_s`` (seconds, more than 0) apart, whoever made them.
        """
        with self._engine.begin() as connection:
            return float(connection.execute(_RESERVE, {"peer": peer, "interval": interval_s}).scalar_one())
