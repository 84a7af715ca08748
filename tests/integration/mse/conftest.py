"""A house with a stand-in ФБ МСЭ for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.support.mse import MseHouse, mse_house


@pytest.fixture
def house(engine: Engine) -> Iterator[MseHouse]:
    with mse_house(engine) as made:
        yield made
