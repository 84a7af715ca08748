"""The SOAP front door as one WSGI application: six service addresses, their WSDLs, a health check."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from gateway.domain.errors import GatewayError, NotAuthenticated
from gateway.domain.roles import Account
from gateway.operations import accounts as our_accounts
from gateway.operations.context import Context
from gateway.soap import auth
from gateway.soap.contract import SERVICES, Operation, ServiceContract
from gateway.soap.faults import fault
from gateway.soap.gate import open_envelope
from gateway.soap.publication import Publication
from gateway.soap.refusals import ProtocolFault
from gateway.soap.transport import Response, content_of, read_body
from gateway.soap.versions import VERSIONS, Version

_log = logging.getLogger(__name__)

_TEXT: Final = "text/plain; charset=utf-8"
_WSDL_QUERIES: Final = frozenset({"wsdl", "singlewsdl"})
_SERVICE_METHODS: Final = "GET, HEAD, POST"


def build_wsgi(
    ctx: Context,
    *,
    public_url: str,
    services: Sequence[ServiceContract] = SERVICES,
    accounts: auth.Accounts = our_accounts,
    limits: Mapping[str, int] | None = None,
    clock: Callable[[], datetime] = auth.now_utc,
) -> WSGIApplication:
    """Build the WSGI application; the WSDLs are made here, once, for ``public_url``.

    ``limits`` gives the largest request in bytes by service code, where it is not the contract's.
    """
    house = _House(ctx, accounts, auth.SpentNonces(clock), clock)
    bounds = {service.code: service.max_bytes for service in services} | dict(limits or {})
    doors = [
        _Door(house, service, version, public_url.rstrip("/"), bounds[service.code])
        for service in services
        for version in VERSIONS
    ]
    return _Application({door.path: door for door in doors})


def wsdl_documents(public_url: str, services: Sequence[ServiceContract] = SERVICES) -> dict[str, bytes]:
    """Return the six published WSDLs by file name, such as ``journal-1.1.wsdl``."""
    return {
        f"{service.code}-{version.code}.wsdl": Publication(service, version, public_url.rstrip("/")).wsdl
        for service in services
        for version in VERSIONS
    }


@dataclass(frozen=True, slots=True)
class _House:
    """What the doors share."""

    ctx: Context
    accounts: auth.Accounts
    spent: auth.SpentNonces
    clock: Callable[[], datetime]


class _Application:
    """Chooses the door by its address."""

    def __init__(self, doors: Mapping[str, _Door]) -> None:
        self._doors = doors
        lines = [f"{door.url}?wsdl" for door in doors.values()]
        self._index = "\n".join(["Журнал работы сервисов. Описания SOAP-сервисов:", *lines, ""]).encode()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        door = self._doors.get(path.rstrip("/"))
        response = door.answer(environ) if door else self._page(path)
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            *response.headers,
        ]
        start_response(f"{response.status.value} {response.status.phrase}", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else response.body]

    def _page(self, path: str) -> Response:
        if path == "/":
            return Response(HTTPStatus.OK, _TEXT, self._index)
        if path == "/healthz":
            return Response(HTTPStatus.OK, _TEXT, b"ok\n")
        return Response(HTTPStatus.NOT_FOUND, _TEXT, "Такой страницы нет.\n".encode())


class _Door:
    """One service address: whatever comes to it leaves with a WSDL, an answer or a fault."""

    def __init__(
        self, house: _House, service: ServiceContract, version: Version, public_url: str, max_bytes: int
    ) -> None:
        self.path = f"{version.root}/{service.code}"
        self.url = public_url + self.path
        self._house = house
        self._service = service
        self._version = version
        self._max_bytes = max_bytes
        self._publication = Publication(service, version, public_url)

    def answer(self, environ: WSGIEnvironment) -> Response:
        """Answer one HTTP request."""
        method = environ["REQUEST_METHOD"]
        query = environ.get("QUERY_STRING", "").partition("=")[0].lower()
        if method in {"GET", "HEAD"} and query in _WSDL_QUERIES:
            return Response(HTTPStatus.OK, "text/xml; charset=utf-8", self._publication.wsdl)
        call = _Call(self._house, environ.get("REMOTE_ADDR"))
        response = self._guarded(environ, call)
        _log.info(
            "%s %s %s: %d, %s, %.1f ms, %s",
            self._version.root,
            self._service.code,
            call.operation,
            response.status.value,
            call.outcome,
            (time.perf_counter() - call.began) * 1000,
            call.id,
        )
        named = (*response.headers, ("X-Correlation-ID", call.id))
        return Response(response.status, response.content_type, response.body, named)

    def _guarded(self, environ: WSGIEnvironment, call: _Call) -> Response:
        try:
            body = self._serve(environ, call)
        except GatewayError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  # nothing but a fault leaves a service address
            _log.error("%s: %s", call.id, _where(error))
            failure = GatewayError("")
        else:
            return Response(HTTPStatus.OK, self._version.content_type, body)
        call.outcome = failure.code
        return fault(failure, self._version, self._service.namespace, call.id)

    def _serve(self, environ: WSGIEnvironment, call: _Call) -> bytes:
        if environ["REQUEST_METHOD"] != "POST":
            raise ProtocolFault(
                "Сервис принимает только POST; описание сервиса: ?wsdl.",
                status=HTTPStatus.METHOD_NOT_ALLOWED,
                headers=(("Allow", _SERVICE_METHODS),),
            )
        content = content_of(environ)
        basic = auth.from_header(environ.get("HTTP_AUTHORIZATION", ""))
        if basic is not None:
            call.authenticate(basic)
        request = open_envelope(read_body(environ, self._max_bytes), content, self._version, self._max_bytes)
        token = auth.from_security(request.security, self._house.clock())
        if basic is None or token is not None:
            call.authenticate(token)
        return self._publication.answer(request.body, call.execute)


class _Call:
    """One request on its way."""

    def __init__(self, house: _House, address: str | None) -> None:
        self.id = str(uuid4())
        self.began = time.perf_counter()
        self.operation = "-"
        self.outcome = "OK"
        self._house = house
        self._address = address
        self._account: Account | None = None

    def authenticate(self, credentials: auth.Credentials | None) -> None:
        """Find out who calls; where both ways of telling are used, the last word is the message's own."""
        house = self._house
        self._account = auth.authenticate(house.accounts, house.ctx, credentials, self._address, house.spent)

    def execute(self, operation: Operation, request: Any) -> object:
        """Run an operation for its viewer."""
        if self._account is None:
            raise NotAuthenticated("Вызывающий не определён.")
        self.operation = operation.name
        house, claim = self._house, getattr(request, "actor", None)
        viewer = house.accounts.as_viewer(house.ctx, self._account, claim, self._address)
        return operation.call(house.ctx, viewer, request)


def _where(error: BaseException) -> str:
    """Tell the kind of an error and the lines it went through, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__}: {' > '.join(f'{frame.filename}:{frame.lineno}' for frame in frames)}"
