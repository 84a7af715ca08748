"""Workers die just when a schedule calls: the service starts once every time, and its launch ends."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.journal import schedules
from tests.support.houses import SERVICE, House, house
from tests.support.waiting import eventually

ROUNDS = 3


@pytest.fixture
def home(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, None, tmp_path) as made:
        made.environment["GATEWAY_SCHEDULE_CATCH_UP_S"] = "86400"
        yield made


def call(home: House) -> None:
    """The moment of the next start has come."""
    query = "UPDATE service_settings SET next_start_at = clock_timestamp() WHERE next_start_at IS NOT NULL"
    with home.engine.begin() as connection:
        assert connection.execute(text(query)).rowcount == 1
        connection.execute(text(f"NOTIFY {schedules.CHANNEL}"))


def started(home: House) -> list[str]:
    """Results of the launches that the schedule started."""
    query = "SELECT result FROM launches WHERE started_by = 'по расписанию' AND account_id IS NULL ORDER BY id"
    with home.engine.connect() as connection:
        return list(connection.execute(text(query)).scalars())


def all_ended(home: House, number: int) -> bool:
    return started(home) == ["SUCCESS"] * number


def is_planned(home: House) -> bool:
    with home.engine.connect() as connection:
        return schedules.seconds_to_next(connection, [SERVICE]) is not None


def test_a_start_is_neither_lost_nor_doubled_by_workers_that_die(home: House) -> None:
    lot = random.Random(7)
    with home.engine.begin() as connection:
        schedules.set_schedule(connection, SERVICE, "0 0 1 1 *", "UTC", 0)
    with ExitStack() as stack:
        workers = [stack.enter_context(home.worker()) for _ in range(ROUNDS + 1)]
        eventually(lambda: is_planned(home), 30, what="the start is planned")
        for number in range(1, ROUNDS + 1):
            call(home)
            time.sleep(lot.uniform(0, 0.03))
            workers.pop().kill()
            eventually(partial(all_ended, home, number), 60, what="one more launch ends")
