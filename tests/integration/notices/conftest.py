"""A house that tells patients, empty for every test; one database serves a file, for making one costs most."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from gateway.journal.engine import connect
from tests.support.postgres import ThrowawayPostgres
from tests.support.telling import Telling, telling

EMPTIED = (
    "outbox",
    "launch_counters",
    "launches",
    "source_objects",
    "notifications",
    "notification_keys",
    "notification_parts",
)


@pytest.fixture(scope="module")
def shared_url(server: ThrowawayPostgres, template: str) -> Iterator[str]:
    url = server.create_database(template)
    yield url
    server.drop_database(url)


@pytest.fixture(scope="module")
def shared_engine(shared_url: str) -> Iterator[Engine]:
    made = connect(shared_url)
    yield made
    made.dispose()


@pytest.fixture
def emptied(shared_engine: Engine) -> Engine:
    """The file's database without what an earlier test left."""
    with shared_engine.begin() as connection:
        for table in EMPTIED:
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 # names of ours
    return shared_engine


@pytest.fixture
def house(emptied: Engine, shared_url: str) -> Iterator[Telling]:
    with telling(emptied, shared_url) as made:
        yield made
