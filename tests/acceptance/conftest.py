"""One region for all stories: the gateway's processes, a stand-in ТФОМС, and a МО of its own for every story."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.over_the_wire import Region, furnished_region
from tests.support.postgres import ThrowawayPostgres


@pytest.fixture(scope="package")
def region(server: ThrowawayPostgres, template: str) -> Iterator[Region]:
    with furnished_region(server, template) as running:
        yield running
