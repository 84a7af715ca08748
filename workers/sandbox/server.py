"""The HTTP server under every stand-in peer: a service port, and an admin port on the loopback.

Two ports, because a peer that refuses connections must still hear that it should come back. Connections have
a thread each; requests are handled one after another in a single thread, so that a peer needs no locks and
its compiled schemas stay warm.
"""

from __future__ import annotations

import json
import logging
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Lock, Thread
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

from gateway.domain.errors import InvalidRequest
from workers.sandbox.switches import Outage, Switches, SwitchValues

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
IDLE_CONNECTION_S: Final = 60.0
CLOSING_S: Final = 10.0
LOOPBACK: Final = "127.0.0.1"
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)

AdminRoutes = Mapping[tuple[str, str], Callable[[dict[str, Any]], object]]
"""(method, path) → what it does with the JSON object of the request; the result goes back as JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, read whole. ``address`` is this server's URL as the caller wrote it, without a path."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    address: str


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response. ``stream`` is a body made while it is sent; one that fails with an OSError is cut there."""

    status: int
    body: bytes
    content_type: str = "text/xml; charset=utf-8"
    allow: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterable[bytes] | None = None


class Application(Protocol):
    """What a peer does with a request."""

    def handle(self, request: Request) -> Response:
        """Answer one request; whatever it changes is committed when this returns."""
        ...

    def submits(self, headers: Mapping[str, str]) -> bool:
        """Tell from the HTTP headers whether the request hands over documents: only those are dropped."""
        ...

    def failure(self, *, outage: bool) -> Response:
        """Return what is answered during an outage, or after a defect of the sandbox itself."""
        ...


class AdminPort:
    """The switches of one peer on the loopback. ``start`` once, ``stop`` once."""

    def __init__(self, switches: Switches, admin: AdminRoutes) -> None:
        self.admin: AdminRoutes = {
            ("GET", "/switches"): lambda _: switches.values.model_dump(mode="json"),
            ("POST", "/switches"): lambda changes: switches.update(changes).model_dump(mode="json"),
            ("DELETE", "/switches"): lambda _: switches.reset().model_dump(mode="json"),
            **admin,
        }

    def start(self, port: int) -> None:
        """Listen; port 0 takes a free one.

        Raises:
            OSError: the port is taken.
        """
        self._listener = _Listener((LOOPBACK, port), _AdminHandler, self)

    @property
    def address(self) -> str:
        """URL of the port, without a path."""
        return f"http://{LOOPBACK}:{self._listener.server_port}"

    def stop(self) -> None:
        """Close the port and its connections."""
        self._listener.close()


class SandboxServer:
    """One peer on its ports. ``start`` once, ``stop`` once."""

    def __init__(self, application: Application, switches: Switches, admin: AdminRoutes) -> None:
        self.application = application
        self.switches = switches
        self._admin = AdminPort(switches, admin)
        self.worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox")
        self._door = Lock()
        self._service: _Listener | None = None
        self._placeholder: socket.socket | None = None
        self._address = (LOOPBACK, 0)

    def start(self, host: str, port: int, admin_port: int) -> None:
        """Listen; port 0 takes a free one, the admin port is always on the loopback.

        Raises:
            OSError: a port is taken.
        """
        self._admin.start(admin_port)
        try:
            self._service = _Listener((host, port), _ServiceHandler, self)
        except OSError:
            self._admin.stop()
            raise
        self._address = (host, self._service.server_port)
        self.switches.on_change(self._apply)

    @property
    def address(self) -> str:
        """URL of the service port, without a path."""
        return f"http://{self._address[0]}:{self._address[1]}"

    @property
    def admin_address(self) -> str:
        """URL of the admin port, without a path."""
        return self._admin.address

    def stop(self) -> None:
        """Close both ports and every connection; requests already taken are finished first."""
        self._admin.stop()
        self._close_service()
        self._release_placeholder()
        self.worker.shutdown()

    def _apply(self, values: SwitchValues) -> None:
        with self._door:
            if values.outage is Outage.REFUSE and self._service is not None:
                self._close_service()
                self._placeholder = _hold_port(self._address)
            elif values.outage is not Outage.REFUSE and self._service is None:
                self._service = _Listener(self._address, _ServiceHandler, self)
                self._release_placeholder()

    def _close_service(self) -> None:
        if self._service is not None:
            self._service.close()
            self._service = None

    def _release_placeholder(self) -> None:
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None


def _hold_port(address: tuple[str, int]) -> socket.socket:
    """Bind without listening: connections are refused, and nobody else can take the port meanwhile."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(address)
    return holder


class _Listener(ThreadingHTTPServer):
    """A port with its accept thread and the connections that came through it."""

    daemon_threads = True  # close() waits for them; a sandbox that nobody closed must not keep the process
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], sandbox: SandboxServer | AdminPort
    ) -> None:
        super().__init__(address, handler)
        self.sandbox = sandbox
        self._gone = Condition()
        self._connections: set[socket.socket] = set()
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        with self._gone:
            self._connections.add(connection)
        return connection, client

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        super().shutdown_request(request)
        if isinstance(request, socket.socket):
            with self._gone:
                self._connections.discard(request)
                self._gone.notify_all()

    def handle_error(self, *_: object) -> None:
        """Pass over a broken connection: clients that vanish are part of the play."""
        error = sys.exception()
        if not isinstance(error, OSError):
            log.error("a connection failed", exc_info=error)

    def close(self) -> None:
        """Stop accepting, end every connection, wait for their threads."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._gone:
            for connection in self._connections:
                _end_reading(connection)
            self._gone.wait_for(lambda: not self._connections, CLOSING_S)


def _end_reading(connection: socket.socket) -> None:
    """Let an idle connection see its end; one that is being answered still gets its answer."""
    try:
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        log.debug("connection was already closed")


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    timeout = IDLE_CONNECTION_S
    wbufsize = -1  # headers and body leave together
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Stay silent: the ledger tells what happened."""

    def read_body(self) -> bytes | None:
        """Read the body, or answer why not and return None."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
            return None
        if int(length) > MAX_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self.reply(Response(status, b"", "text/plain"))

    def reply(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        if response.stream is None:
            self.send_header("Content-Length", str(len(response.body)))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        if response.allow:
            self.send_header("Allow", response.allow)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)
        if response.stream is not None:
            for piece in response.stream:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

    def drop(self) -> None:
        """End the connection with a reset and without an answer."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


class _ServiceHandler(_Handler):
    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        sandbox = cast("SandboxServer", self.server.sandbox)
        application, switches = sandbox.application, sandbox.switches
        headers = {name.lower(): value for name, value in self.headers.items()}
        submits = self.command != "GET" and application.submits(headers)
        if submits and switches.take("drop_before_next"):
            return self.drop()
        body = self.read_body()
        if body is None:
            return None
        if switches.values.outage is Outage.FAULT and self.command != "GET":
            return self.reply(application.failure(outage=True))
        url = urlsplit(self.path)
        address = f"http://{headers['host']}" if "host" in headers else sandbox.address
        request = Request(self.command, url.path, url.query, headers, body, address)
        work = sandbox.worker.submit(application.handle, request)
        if (defect := work.exception()) is not None:
            log.error("the sandbox failed", exc_info=defect)
            return self.reply(application.failure(outage=False))
        if submits and switches.take("take_and_drop_next"):
            return self.drop()
        return self.reply(work.result())


class _AdminHandler(_Handler):
    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.read_body()
        if body is None:
            return
        action = cast("AdminPort", self.server.sandbox).admin.get((self.command, urlsplit(self.path).path))
        if action is None:
            self._answer(HTTPStatus.NOT_FOUND, {"message": "Такого адреса нет."})
            return
        try:
            self._answer(HTTPStatus.OK, action(_json_object(body)))
        except InvalidRequest as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"message": error.message})

    def _answer(self, status: HTTPStatus, content: object) -> None:
        body = json.dumps(content, ensure_ascii=False).encode()
        self.reply(Response(status, body, "application/json; charset=utf-8"))


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        raise InvalidRequest("Тело запроса не является JSON.") from None
    if not isinstance(content, dict):
        raise InvalidRequest("Тело запроса должно быть объектом JSON.")
    return content
