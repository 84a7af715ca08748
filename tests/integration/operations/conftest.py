"""A region after its first launches: built once, copied for every test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from gateway import cli, cli_common
from gateway.journal.engine import connect
from tests.support.postgres import ThrowawayPostgres
from tests.support.region import World, build_world, open_world
from workers import checks


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


@pytest.fixture
def closed_engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command leaves its connections to the end of its process; this process goes on."""
    made: list[Engine] = []

    def recorded(url: str, **given: Any) -> Engine:
        made.append(connect(url, **given))
        return made[-1]

    for module in (cli, cli_common, checks):
        monkeypatch.setattr(module, "connect", recorded)
    yield
    for engine in made:
        engine.dispose()
