"""Waiting for news of the outbox: PostgreSQL's LISTEN on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine

from gateway.journal.outbox import CHANNEL

ConnectionLost = psycopg.Error


@contextmanager
def listening(engine: Engine) -> Iterator[Callable[[float], None]]:
    """Give a function that returns at the next notification or after so many seconds.

    Raises:
        ConnectionLost: the database went away.
    """
    raw: Any = engine.raw_connection()
    try:
        driver: psycopg.Connection[Any] = raw.driver_connection
        driver.autocommit = True
        driver.execute(f"LISTEN {CHANNEL}")

        def wait(seconds: float) -> None:
            for _ in driver.notifies(timeout=seconds, stop_after=1):
                return

        yield wait
    finally:
        raw.invalidate()
