"""Slow callers: none holds a thread, each is told in the end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from gateway.soap.versions import SOAP11, VERSIONS, Version
from gateway.xml.limits import HEADERS_S
from tests.attacks.requests import CHUNKED, Sent, envelope
from tests.attacks.serving import SEND_S, Site, read_reply
from tests.attacks.test_attacks import fault_code

THREADS = 4
PATIENCE_S = 10

ACTION = "SubmitObjects"


def declared(version: Version) -> bytes:
    return Sent(b"<s:", "intake", action=ACTION, length="1000").raw(version)


def in_chunks(version: Version) -> bytes:
    return Sent(b"3\r\n<s:\r\n", "intake", action=ACTION, length="", lines=CHUNKED).raw(version)


def nothing_yet(version: Version) -> bytes:
    return Sent(b"", "intake", action=ACTION, length="1000").raw(version)


def unauthenticated(version: Version) -> bytes:
    return Sent(b"<s:", "intake", action=ACTION, length="1000", authorization="").raw(version)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.code)
@pytest.mark.parametrize("begin", [declared, in_chunks, nothing_yet])
def test_a_slow_body_is_refused_when_its_time_is_over(
    site: Site, version: Version, begin: Callable[[Version], bytes]
) -> None:
    with site.connect() as connection:
        connection.sendall(begin(version))
        began = time.monotonic()
        reply = read_reply(connection)
        assert SEND_S - 1 < time.monotonic() - began < SEND_S + PATIENCE_S
        assert (reply.status, reply.headers["connection"]) == (408, "close")
        assert fault_code(reply, version) == "INVALID_REQUEST"
        assert connection.recv(1) == b"", "the connection is closed"


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.code)
def test_a_body_that_drips_is_refused_all_the_same(site: Site, version: Version) -> None:
    with site.connect() as connection:
        connection.sendall(nothing_yet(version))
        began = time.monotonic()
        connection.settimeout(0.2)
        while time.monotonic() - began < SEND_S + PATIENCE_S and not _has_answer(connection):
            connection.sendall(b" ")
        assert time.monotonic() - began < SEND_S + PATIENCE_S
        assert read_reply(connection).status == 408


def _has_answer(connection: socket.socket) -> bool:
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except TimeoutError:
        return False


@pytest.mark.parametrize("begin", [declared, in_chunks, nothing_yet, unauthenticated])
def test_a_hundred_slow_callers_hold_nobody_up(site: Site, begin: Callable[[Version], bytes]) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(site.connect()) for _ in range(25 * THREADS)]
        for connection in slow:
            connection.sendall(begin(SOAP11))
        began = time.monotonic()
        assert site.send(Sent(envelope(SOAP11)).raw(SOAP11)).status == 200
        assert time.monotonic() - began < SEND_S, "not after them but beside them"


def test_slow_headers_are_refused(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(b"POST /soap/journal HTTP/1.1\r\nHost: x\r\nX-A:")
        began = time.monotonic()
        reply = read_reply(connection)
        assert reply.status in {408, -1}
        assert time.monotonic() - began < HEADERS_S + PATIENCE_S


def test_a_caller_who_leaves_is_forgotten(site: Site) -> None:
    for _ in range(2 * THREADS):
        with site.connect() as connection:
            connection.sendall(declared(SOAP11))
    assert site.send(Sent(envelope(SOAP11)).raw(SOAP11)).status == 200
