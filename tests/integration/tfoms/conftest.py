"""The stand-in ТФОМС and a client of it for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.tfoms_client import PASSWORD, USER, Client
from workers.sandbox.tfoms import TfomsSandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[TfomsSandbox]:
    running = TfomsSandbox()
    running.start(username=USER, password=PASSWORD, state=tmp_path / "state.sqlite")
    yield running
    running.stop()


@pytest.fixture
def client(sandbox: TfomsSandbox) -> Iterator[Client]:
    opened = Client(sandbox.url)
    yield opened
    opened.session.close()
