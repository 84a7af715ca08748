"""The database's clock is set back right after a start: what the launch makes still comes after it."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from gateway.domain.identifiers import milliseconds, uuid7_run
from gateway.journal import launches, trails
from gateway.journal.archives import documents_of_launch
from gateway.journal.engine import database_now
from tests.integration.runner.conftest import Driver
from tests.support.houses import House

HOUR_MS = 3_600_000


def an_hour_ahead(connection: Connection) -> Iterator[UUID]:
    return uuid7_run(milliseconds(database_now(connection)) + HOUR_MS)


def test_whoever_looks_for_what_a_launch_made_finds_all_of_it(
    home: House, drive: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.submit(3)
    monkeypatch.setattr(launches, "new_ids", an_hour_ahead)
    launch_id = home.launch()
    drive().until_over(launch_id)
    with home.engine.connect() as connection:
        counted = connection.execute(text("SELECT sum(packets_total) FROM launch_counters")).scalar_one()
        made = list(connection.execute(text("SELECT id FROM packets ORDER BY id")).scalars())
        assert len(made) == counted > 0
        assert trails.packets_of_launches(connection, [launch_id], None, 1000) == made
        assert [row.id for row in documents_of_launch(connection, launch_id, None)] == made
