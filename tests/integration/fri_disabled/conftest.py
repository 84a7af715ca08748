"""A house with a stand-in ФГИС ФРИ for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.support.fri_disabled import FriHouse, fri_house


@pytest.fixture
def house(engine: Engine) -> Iterator[FriHouse]:
    with fri_house(engine) as made:
        yield made
