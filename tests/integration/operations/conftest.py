"""A region after its first launches: built once, copied for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.journal.engine import connect
from tests.support.postgres import ThrowawayPostgres
from tests.support.region import World, build_world, open_world


@pytest.fixture(scope="session")
def world_url(server: ThrowawayPostgres, template: str) -> str:
    url = server.create_database(template)
    engine = connect(url, pool_size=4)
    build_world(engine)
    engine.dispose()
    return url


@pytest.fixture
def world(server: ThrowawayPostgres, world_url: str) -> Iterator[World]:
    url = server.create_database(world_url)
    engine = connect(url, pool_size=4)
    yield open_world(engine)
    engine.dispose()
    server.drop_database(url)
