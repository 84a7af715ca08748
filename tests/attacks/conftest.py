from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.serving import Site, furnished
from tests.support.postgres import ThrowawayPostgres


@pytest.fixture(scope="session")
def site(server: ThrowawayPostgres, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One web process with the journal of one МО; a caller has 2 s to send objects."""
    with furnished(server, template, tmp_path_factory.mktemp("attacked") / "log") as running:
        yield running
