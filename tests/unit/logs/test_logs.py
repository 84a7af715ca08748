"""What the log tells of an error: its kind and place, never its text, whoever reports it."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Iterator

import pytest
import requests

from gateway.logs import configure
from workers.transports import soap, wire

PERSON = "Крузенштернова-112-233-445 95"
LIBRARIES = ("zeep.transports", "urllib3.connection", "smpplib.client.Client.1", "asyncssh", "redis", "dramatiq.worker")


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    handlers, levels = list(root.handlers), {name: logging.getLogger(name).level for name in ("", "gateway", "workers")}
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def fail() -> None:
    raise ValueError(f'invalid input syntax for type uuid: "{PERSON}"')


@pytest.mark.parametrize("name", ["dramatiq.worker", "asyncio", "gateway.soap.app"])
def test_an_exception_is_told_by_its_trail_whoever_logs_it(capsys: pytest.CaptureFixture[str], name: str) -> None:
    configure("DEBUG")
    try:
        fail()
    except ValueError:
        logging.getLogger(name).exception("Failed to process message")
    told = capsys.readouterr().err
    assert "ValueError: test_an_exception" in told
    assert PERSON not in told


def test_a_thread_that_dies_tells_its_trail(capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO")
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    sys.excepthook(ValueError, ValueError(PERSON), None)
    told = capsys.readouterr().err
    assert told.count("uncaught: ValueError: ") == 2
    assert "fail (" in told
    assert PERSON not in told
    assert "Traceback" not in told


@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries_stay_silent_below_a_warning_whatever_our_level(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    configure("DEBUG")
    logging.getLogger(name).info(PERSON)
    logging.getLogger(name).debug(PERSON)
    logging.getLogger("workers.runner").debug("ours")
    told = capsys.readouterr().err
    assert PERSON not in told
    assert "ours" in told


def test_a_peer_with_broken_headers_does_not_bring_the_address_into_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    configure("DEBUG")
    assert {soap.__name__, wire.__name__} <= sys.modules.keys(), "loading a transport wakes nobody"
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_answer, args=(server,))
        thread.start()
        answer = requests.get(f"http://127.0.0.1:{server.getsockname()[1]}/person?snils=11223344595", timeout=5)
        thread.join()
    assert answer.status_code == 200
    assert "11223344595" not in capsys.readouterr().err


def _answer(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno header at all\r\nX: 1\r\n\r\nok")
