"""The stand-in ИПС and a client of it for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.ips import CLIENT
from tests.support.ips_client import Client
from workers.sandbox.ips import IpsSandbox
from workers.sandbox.ips_tokens import KeyFiles, make_test_key


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return make_test_key(tmp_path_factory.mktemp("ips"))


@pytest.fixture
def sandbox(key: KeyFiles) -> Iterator[IpsSandbox]:
    running = IpsSandbox()
    running.start(client_id=CLIENT, certificate=key.certificate)
    yield running
    running.stop()


@pytest.fixture
def client(sandbox: IpsSandbox, key: KeyFiles) -> Client:
    return Client(sandbox, key)
