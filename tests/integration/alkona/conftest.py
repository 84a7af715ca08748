"""A house with a stand-in Алькона for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.alkona import AlkonaHouse, alkona_house


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[AlkonaHouse]:
    with alkona_house(engine, tmp_path) as made:
        yield made
