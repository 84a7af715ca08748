"""Bodies are received under their limits before anything takes a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from gateway.domain.errors import GatewayError, Unavailable
from gateway.soap import front
from gateway.soap.front import Front
from gateway.soap.refusals import ProtocolFault
from gateway.xml.limits import RequestLimits

LIMITS = RequestLimits(max_bytes=100, max_depth=5, max_elements=5, send_s=1)


@dataclass
class Line:
    """Line and headers of a request."""

    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    http_version: str = "1.1"
    client: str = "[2001:db8::1]:4000"
    scheme: str = "http"
    path: str = "/soap/journal"
    query_string: str = ""


class Wire:
    """A body in pieces, and what was answered."""

    def __init__(self, *chunks: bytes, ends: bool = True) -> None:
        self.taken = 0
        self.answer: tuple[int, list[tuple[str, str]], bytes] | None = None
        self.pieces: list[bytes] = []
        self._chunks = chunks
        self._ends = ends

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            self.taken += len(chunk)
            yield chunk
        if not self._ends:
            await asyncio.sleep(60)

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.answer = (status, headers, body)

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Wire:
        self.answer = (status, headers, b"")
        return self

    async def send_bytes(self, piece: bytes) -> None:
        self.pieces.append(piece)


class House:
    """An application that reads its body and remembers what it was given."""

    def __init__(self, wanted: RequestLimits | None = LIMITS, act: Callable[[], object] | None = None) -> None:
        self.environ: WSGIEnvironment = {}
        self.body = b""
        self.refusal: GatewayError | None = None
        self.threads: set[str] = set()
        self._wanted = wanted
        self._act = act

    def limits(self, environ: WSGIEnvironment) -> RequestLimits | None:
        del environ
        return self._wanted

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.environ = environ
        self.threads.add(threading.current_thread().name)
        try:
            self.body = environ["wsgi.input"].read()
        except GatewayError as refusal:
            self.refusal = refusal
        if self._act:
            self._act()
        start_response("200 OK", [("X-A", "1")])
        return [b"do", b"ne"]


class Long(House):
    """Answers piece by piece."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        super().__call__(environ, start_response)
        return iter([b"piece ", b"by ", b"piece"])


def run(house: House, *wires: Wire, line: Line | None = None, **options: Any) -> None:
    async def together() -> None:
        served = Front(house, 1, **options)
        await asyncio.gather(*(served.__rsgi__(line or Line(), wire) for wire in wires))
        served.__rsgi_del__(asyncio.get_running_loop())

    asyncio.run(together())


def test_a_whole_request_is_answered() -> None:
    house, wire = House(), Wire(b"<a>", b"</a>")
    run(house, wire, line=Line(headers={"content-type": "text/xml", "x-a": "1", "x_b": "2"}))
    assert house.body == b"<a></a>"
    assert wire.answer == (200, [("X-A", "1")], b"done")
    told = {name: house.environ.get(name) for name in ("CONTENT_TYPE", "HTTP_X_A", "HTTP_X_B", "REMOTE_ADDR")}
    assert told == {"CONTENT_TYPE": "text/xml", "HTTP_X_A": "1", "HTTP_X_B": None, "REMOTE_ADDR": "2001:db8::1"}


def test_a_long_answer_leaves_piece_by_piece() -> None:
    wire = Wire(b"<a/>")
    run(Long(), wire)
    assert wire.answer == (200, [("X-A", "1")], b"")
    assert wire.pieces == [b"piece ", b"by ", b"piece"]


def test_a_body_nobody_wants_is_not_read() -> None:
    house, wire = House(None), Wire(b"x" * 50)
    run(house, wire)
    assert (house.body, wire.taken) == (b"", 0)


def test_a_body_above_the_limit_is_read_on_and_thrown_away_within_reason() -> None:
    house, wire = House(), Wire(*[b"x" * 60] * 50)
    run(house, wire)
    assert len(house.body) == 120, "one piece over the limit, so that the application sees it is over"
    assert wire.taken <= 120 + 4 * LIMITS.max_bytes + 60


def test_a_slow_body_is_a_refusal_of_its_stream() -> None:
    house = House()
    run(house, Wire(b"x", ends=False))
    assert isinstance(house.refusal, ProtocolFault)
    assert house.refusal.status is HTTPStatus.REQUEST_TIMEOUT


def test_more_bodies_than_the_process_holds_are_refused() -> None:
    house = House()
    run(house, Wire(b"x" * 60), max_pending_bytes=50)
    assert isinstance(house.refusal, Unavailable)


class Late(Wire):
    """A body whose end lets wait for itself."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in super().__aiter__():
            yield chunk
        await asyncio.sleep(0.2)


class Keeping(House):
    """Keeps every body that came whole."""

    def __init__(self) -> None:
        super().__init__(act=lambda: self.bodies.add(self.body))
        self.bodies: set[bytes] = set()


@pytest.mark.parametrize(
    ("patience_s", "taken"), [(0.0, {b"a" * 40, b"c" * 50}), (5.0, {b"a" * 40, b"b" * 20})], ids=["long", "short"]
)
def test_the_slowest_of_the_bodies_that_come_for_long_gives_way(
    monkeypatch: pytest.MonkeyPatch, patience_s: float, taken: set[bytes]
) -> None:
    monkeypatch.setattr(front, "PATIENCE_S", patience_s)
    house = Keeping()
    run(house, Late(b"b" * 20), Late(b"a" * 40), Wire(b"c" * 50), max_pending_bytes=100)
    assert house.bodies - {b""} == taken
    assert isinstance(house.refusal, Unavailable)


def test_what_was_held_is_given_back() -> None:
    house = House()
    run(house, *(Wire(b"x" * 30) for _ in range(3)), max_pending_bytes=95)
    assert house.refusal is None


def test_leave_to_send_too_much_is_not_given() -> None:
    house, wire = House(), Wire(b"x" * 50)
    run(house, wire, line=Line(headers={"expect": "100-continue", "content-length": "101"}))
    assert wire.taken == 0


def test_threads_are_replaced_after_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "THREAD_BYTES", 100)
    seen: list[int] = []
    house = House(act=lambda: seen.append(threading.get_native_id()))
    run(house, *(Wire(b"x" * 60) for _ in range(3)))
    assert len(set(seen)) == 3


def test_a_failure_of_the_application_is_an_empty_answer(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("Выдумкина")

    wire = Wire(b"")
    run(House(act=fail), wire)
    assert wire.answer == (500, [("Content-Type", "text/plain")], b"")
    assert "RuntimeError" in caplog.text
    assert "Выдумкина" not in caplog.text
