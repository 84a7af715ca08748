"""Bodies are received here, in an event loop: only a whole request, or one already lost, takes a thread.

Granian's own WSGI mode reads a body in the thread that answers it, so as many slow callers as there are threads
would stop the service.
"""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final, Protocol
from wsgiref.types import StartResponse, WSGIEnvironment

from gateway.domain.errors import GatewayError, Unavailable
from gateway.logs import trail
from gateway.soap.refusals import ProtocolFault
from gateway.xml.limits import MAX_PENDING_BYTES, THREAD_BYTES, RequestLimits

_log = logging.getLogger(__name__)

_DRAIN_FACTOR: Final = 4
"""A body over its limit is read on, and thrown away, up to so many times the limit: an answer sent while the caller
still writes would be lost to it with the connection."""
PATIENCE_S: Final = 5.0
"""A body that comes for longer gives way to others when the process can hold no more: whoever would fill it has to send
as fast as that, and cannot just stop halfway."""

Answer = tuple[int, list[tuple[str, str]], bytes | Iterator[bytes]]
"""Status, headers and body, whole or piece by piece."""


class Scope(Protocol):
    """Line and headers of a request (RSGI 1.6)."""

    http_version: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: Any


class Wire(Protocol):
    """Body and answer of a request (RSGI 1.6)."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the body as it comes."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Answer."""

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Any:
        """Begin an answer that is sent piece by piece."""


class Application(Protocol):
    """What is served: a WSGI application that tells beforehand what it takes."""

    def limits(self, environ: WSGIEnvironment) -> RequestLimits | None:
        """Return the limits of the request's body; None when no body is wanted."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request as WSGI says."""


class Front:
    """The application as RSGI: bodies are received under their limits, whole requests are answered by ``threads``."""

    def __init__(self, application: Application, threads: int, *, max_pending_bytes: int = MAX_PENDING_BYTES) -> None:
        self._application = application
        self._threads = threads
        self._pool = self._new_pool()
        self._pool_bytes = 0
        self._max_pending_bytes = max_pending_bytes
        self._pending_bytes = 0
        self._coming: set[_Body] = set()

    async def __rsgi__(self, scope: Scope, wire: Wire) -> None:
        """Answer one request."""
        try:
            answer = await self._answer(scope, wire)
        except Exception as error:  # noqa: BLE001 # the server would answer with nothing, or with a traceback
            _log.error("%s", trail(error))
            answer = (HTTPStatus.INTERNAL_SERVER_ERROR, [("Content-Type", "text/plain")], b"")
        status, headers, body = answer
        if isinstance(body, bytes):
            wire.response_bytes(status, headers, body)
        else:
            await self._stream(wire, status, headers, body)

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Finish what was begun."""
        self._pool.shutdown()

    async def _answer(self, scope: Scope, wire: Wire) -> Answer:
        environ = _environ(scope)
        body = _Body()
        try:
            limits = self._application.limits(environ)
            if limits is not None and not _waits_in_vain(environ, limits):
                await self._receive(wire, limits, body)
            environ["wsgi.input"] = body.stream()
            return await asyncio.get_running_loop().run_in_executor(self._pool_for(body), self._call, environ)
        finally:
            self._pending_bytes -= body.size

    def _new_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads, thread_name_prefix="request")

    def _pool_for(self, body: _Body) -> ThreadPoolExecutor:
        """Return the threads; fresh ones when those before have read their share, which still finish what they do."""
        self._pool_bytes += body.size
        if self._pool_bytes > THREAD_BYTES:
            self._pool.shutdown(wait=False)
            self._pool, self._pool_bytes = self._new_pool(), body.size
        return self._pool

    async def _receive(self, wire: Wire, limits: RequestLimits, body: _Body) -> None:
        """Read the body; one that is too slow or too much for this process is known by its stream."""
        drained = 0
        self._coming.add(body)
        try:
            async with asyncio.timeout(limits.send_s):
                async for chunk in wire:
                    if self._takes(body, len(chunk), limits.max_bytes):
                        self._pending_bytes += len(chunk)
                        body.add(chunk)
                    elif (drained := drained + len(chunk)) > _DRAIN_FACTOR * limits.max_bytes:
                        return
        except TimeoutError:
            if body.size <= limits.max_bytes:
                body.refusal = _too_slow(limits.send_s)
        finally:
            self._coming.discard(body)

    def _takes(self, body: _Body, size: int, max_bytes: int) -> bool:
        """Tell whether so many more bytes of a body are held; no other gives way to what will not be."""
        if body.refusal is None and body.size <= max_bytes and not self._has_room(size):
            body.refusal = _busy()
        return body.refusal is None and body.size <= max_bytes

    def _has_room(self, size: int) -> bool:
        """Tell whether so many more bytes can be held, be it that the slowest bodies give way."""
        missing = self._pending_bytes + size - self._max_pending_bytes
        if missing <= 0:
            return True
        long_awaited = [body for body in self._coming if body.size and body.age_s() >= PATIENCE_S]
        if sum(body.size for body in long_awaited) < missing:
            return False
        for body in sorted(long_awaited, key=lambda body: body.size / body.age_s()):
            if missing <= 0:
                break
            given = body.give_way()
            self._pending_bytes -= given
            missing -= given
        return True

    async def _stream(self, wire: Wire, status: int, headers: list[tuple[str, str]], body: Iterator[bytes]) -> None:
        """Send a long answer as it is made; a slow reader holds a thread only while the next piece is fetched."""
        stream = wire.response_stream(status, headers)
        while chunk := await self._piece(body):
            await stream.send_bytes(chunk)

    async def _piece(self, body: Iterator[bytes]) -> bytes:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, next, body, b"")
        except Exception as error:  # noqa: BLE001 # the answer has begun: that it ends too soon its length tells
            _log.error("%s", trail(error))
            return b""

    def _call(self, environ: WSGIEnvironment) -> Answer:
        started: list[tuple[int, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
            started.append((int(status[:3]), headers))
            return lambda _: None

        chunks = self._application(environ, start_response)
        ((status, headers),) = started
        return status, headers, b"".join(chunks) if isinstance(chunks, list) else iter(chunks)


class _Body:
    """What has come of one body, or why no more of it is taken."""

    def __init__(self) -> None:
        self.size = 0
        self.refusal: GatewayError | None = None
        self._began = time.monotonic()
        self._chunks: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        """Keep a chunk."""
        self.size += len(chunk)
        self._chunks.append(chunk)

    def age_s(self) -> float:
        """Seconds since it began to come."""
        return time.monotonic() - self._began

    def give_way(self) -> int:
        """Refuse what is still coming and forget what has come; how many bytes that was."""
        self.refusal = _busy()
        self._chunks.clear()
        size, self.size = self.size, 0
        return size

    def stream(self) -> io.BytesIO:
        """Hand the body over."""
        whole = b"".join(self._chunks)
        self._chunks.clear()
        return io.BytesIO(whole) if self.refusal is None else _Refused(self.refusal)


class _Refused(io.BytesIO):
    """A body that cannot be read; whoever tries learns why."""

    def __init__(self, refusal: GatewayError) -> None:
        super().__init__()
        self._refusal = refusal

    def read(self, _size: int | None = -1, /) -> bytes:
        """Raise the refusal."""
        raise self._refusal


def _waits_in_vain(environ: WSGIEnvironment, limits: RequestLimits) -> bool:
    """Tell whether the caller asks for leave to send a body that is too long (``Expect: 100-continue``)."""
    declared = environ.get("CONTENT_LENGTH", "")
    return "HTTP_EXPECT" in environ and declared.isdecimal() and int(declared) > limits.max_bytes


def _busy() -> Unavailable:
    return Unavailable("Шлюз занят другими запросами: повторите позже.")


def _too_slow(send_s: int) -> ProtocolFault:
    return ProtocolFault(
        f"Тело запроса не передано за {send_s} с.",
        status=HTTPStatus.REQUEST_TIMEOUT,
        headers=(("Connection", "close"),),
    )


def _environ(scope: Scope) -> WSGIEnvironment:
    """Make the WSGI environment of a request (PEP 3333); a header given twice becomes a list that nobody accepts."""
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path,
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for name, value in scope.headers.items():
        if "_" in name:  # would pass for the header with hyphens, which a proxy has stripped
            continue
        key = name.upper().replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
