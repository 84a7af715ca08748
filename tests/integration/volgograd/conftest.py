"""A house with the stand-in fund of Волгоград for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.volgograd import VolgogradHouse, volgograd_house


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[VolgogradHouse]:
    with volgograd_house(engine, tmp_path) as made:
        yield made
