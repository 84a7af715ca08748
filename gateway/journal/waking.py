"""Waiting for news of the outbox or of the schedules: PostgreSQL's LISTEN on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine

from gateway.journal.outbox import CHANNEL

ConnectionLost = psycopg.Error


@contextmanager
def listening(engine: Engine, channel: str = CHANNEL) -> Iterator[Callable[[float], bool]]:
    """Give a function that returns at the next notification or after so many seconds, and tells whether there was one.

    Raises:
        ConnectionLost: the database went away.
    """
    raw: Any = engine.raw_connection()
    try:
        driver: psycopg.Connection[Any] = raw.driver_connection
        driver.autocommit = True
        driver.execute(f"LISTEN {channel}")

        def wait(seconds: float) -> bool:
            return any(True for _ in driver.notifies(timeout=seconds, stop_after=1))

        yield wait
    finally:
        raw.invalidate()
