"""The ring that needs programs of Debian: collected only when ``GATEWAY_TEST_SYSTEM`` says that they are there."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.postgres import ThrowawayPostgres
from tests.system.proxied import Proxied, proxied

collect_ignore_glob = [] if os.environ.get("GATEWAY_TEST_SYSTEM") else ["test_*.py"]


@pytest.fixture(scope="session")
def front(server: ThrowawayPostgres, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """The gateway behind nginx with the configuration of ``deploy``."""
    with proxied(server, template, tmp_path_factory.mktemp("nginx")) as running:
        yield running
