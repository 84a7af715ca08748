from __future__ import annotations

from wsgiref.types import WSGIApplication

import pytest

from gateway.operations.records import Page
from tests.integration.soap.stubbed import Stub, application

_STUB = Stub()


@pytest.fixture
def stub() -> Stub:
    """The operations behind ``app``, fresh for every test."""
    _STUB.clear()
    _STUB.behaviour["ListServices"] = lambda _: Page((), None, 0, True)
    return _STUB


@pytest.fixture(scope="session")
def app() -> WSGIApplication:
    """All six addresses; a request to hold packets is at most 2000 bytes long."""
    return application(_STUB, {"HoldPackets": {"max_bytes": 2000}})
