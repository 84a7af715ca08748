from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine

from gateway.journal.engine import connect
from tests.support.filling import fill
from tests.support.postgres import ThrowawayPostgres


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as opened:
        yield opened


@pytest.fixture(scope="session")
def filled(server: ThrowawayPostgres, template: str) -> Iterator[Engine]:
    """A journal of two months: 60 000 packets, 12 000 launches."""
    url = server.create_database(template)
    engine = connect(url)
    fill(engine)
    yield engine
    engine.dispose()
    server.drop_database(url)
