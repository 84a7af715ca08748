"""The SOAP front door as one WSGI application: six service addresses, their WSDLs, a health check."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIEnvironment

from gateway.domain.errors import GatewayError, NotAuthenticated, Unavailable
from gateway.domain.roles import Account
from gateway.logs import trail
from gateway.operations import accounts as our_accounts
from gateway.operations.context import Context
from gateway.operations.outages import answering, require_ready
from gateway.soap import auth
from gateway.soap.contract import SERVICES, Operation, ServiceContract, operation_limits
from gateway.soap.downloads import answer_download, is_report
from gateway.soap.faults import fault
from gateway.soap.gate import check_items, open_envelope, operation_of
from gateway.soap.origin import NOBODY, Origin, Trust
from gateway.soap.publication import Publication
from gateway.soap.refusals import ConnectionExposed, CredentialsMissing, ProtocolFault
from gateway.soap.transport import Response, content_of, read_body
from gateway.soap.versions import VERSIONS, Version
from gateway.xml.limits import RequestLimits, narrowest, widest

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
    limits: Mapping[str, Mapping[str, int]] | None = None,
    trust: Trust = NOBODY,
    clock: Callable[[], datetime] = auth.now_utc,
) -> Application:
    """Build the WSGI application; the WSDLs are made here, once, for ``public_url``.

    ``limits`` gives fields of ``RequestLimits`` by operation, where they are not the contract's.

    Raises:
        ConfigurationError: limits of an operation that does not exist, or a limit that does not.
    """
    house = _House(ctx, accounts, trust, clock)
    bounds = operation_limits(services, limits or {})
    doors = [
        _Door(house, service, version, public_url.rstrip("/"), bounds) for service in services for version in VERSIONS
    ]
    return Application({door.path: door for door in doors}, house)


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
    trust: Trust
    clock: Callable[[], datetime]


class Application:
    """The WSGI application: chooses the door by the address."""

    def __init__(self, doors: Mapping[str, _Door], house: _House) -> None:
        self._doors = doors
        self._house = house
        lines = [f"{door.url}?wsdl" for door in doors.values()]
        self._index = "\n".join(["Журнал работы сервисов. Описания SOAP-сервисов:", *lines, ""]).encode()

    def limits(self, environ: WSGIEnvironment) -> RequestLimits | None:
        """Limits of a request as far as its headers tell; None when its body is of no interest."""
        door = self._doors.get(environ.get("PATH_INFO", "").rstrip("/"))
        return door.limits(environ) if door and environ["REQUEST_METHOD"] == "POST" else None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as WSGI says."""
        path = environ.get("PATH_INFO", "")
        if is_report(path):
            return self._download(environ, start_response)
        door = self._doors.get(path.rstrip("/"))
        response = door.answer(environ) if door else self._page(path)
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            *response.headers,
        ]
        start_response(f"{response.status.value} {response.status.phrase}", headers)
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else response.body]

    def _download(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        house = self._house
        return answer_download(house.ctx, house.trust, environ, start_response)

    def _page(self, path: str) -> Response:
        if path == "/":
            return Response(HTTPStatus.OK, _TEXT, self._index)
        if path == "/healthz":
            return Response(HTTPStatus.OK, _TEXT, b"ok\n")
        if path == "/ready":
            return self._ready()
        return Response(HTTPStatus.NOT_FOUND, _TEXT, "Такой страницы нет.\n".encode())

    def _ready(self) -> Response:
        try:
            require_ready(self._house.ctx)
        except Unavailable as error:
            return Response(HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, f"{error.message}\n".encode())
        return Response(HTTPStatus.OK, _TEXT, b"ok\n")


class _Door:
    """One service address: whatever comes to it leaves with a WSDL, an answer or a fault."""

    def __init__(
        self,
        house: _House,
        service: ServiceContract,
        version: Version,
        public_url: str,
        limits: Mapping[str, RequestLimits],
    ) -> None:
        self.path = f"{version.root}/{service.code}"
        self.url = public_url + self.path
        self._house = house
        self._service = service
        self._version = version
        self._limits = {operation.name: limits[operation.name] for operation in service.operations}
        self._widest = widest(self._limits.values())
        self._narrowest = narrowest(self._limits.values())
        self._publication = Publication(service, version, public_url)

    def limits(self, environ: WSGIEnvironment) -> RequestLimits:
        """Limits of the operation that the headers name; else what some operation of the service takes."""
        try:
            return self._limits.get(content_of(environ).operation, self._widest)
        except ProtocolFault:  # it will be refused for this by the thread that answers
            return self._widest

    def answer(self, environ: WSGIEnvironment) -> Response:
        """Answer one HTTP request."""
        method = environ["REQUEST_METHOD"]
        query = environ.get("QUERY_STRING", "").partition("=")[0].lower()
        if method in {"GET", "HEAD"} and query in _WSDL_QUERIES:
            return Response(HTTPStatus.OK, "text/xml; charset=utf-8", self._publication.wsdl)
        call = _Call(self._house, self._house.trust.origin(environ))
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
            with answering():
                body = self._serve(environ, call)
        except GatewayError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  # nothing but a fault leaves a service address
            _log.error("%s: %s", call.id, trail(error))
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
        call.enter()
        content = content_of(environ)
        basic = auth.from_header(environ.get("HTTP_AUTHORIZATION", ""))
        if basic is not None:
            call.authenticate(basic)
        data = read_body(environ, self.limits(environ).max_bytes)
        limits = self._limits.get(operation_of(data, content, self._version), self._narrowest)
        request = open_envelope(data, content, self._version, limits)
        token = auth.from_security(request.security, self._house.clock())
        if token is not None:
            call.authenticate(token)
        call.require_account()
        check_items(request, limits)
        return self._publication.answer(request.body, call.execute)


class _Call:
    """One request on its way."""

    def __init__(self, house: _House, origin: Origin) -> None:
        self.id = str(uuid4())
        self.began = time.perf_counter()
        self.operation = "-"
        self.outcome = "OK"
        self._house = house
        self._origin = origin
        self._account: Account | None = None

    def enter(self) -> None:
        """Look at the connection: is it closed to others, and does it tell who calls.

        Raises:
            ConnectionExposed: it crossed a network in clear text.
        """
        if not self._origin.private:
            raise ConnectionExposed(
                "Запрос пришёл по незащищённому соединению: пароли и данные пациентов принимаются только по HTTPS."
            )
        if self._origin.certificate is not None:
            self._account = self._house.accounts.find_by_certificate(self._house.ctx, self._origin.certificate)

    def authenticate(self, credentials: auth.Credentials) -> None:
        """Find out who calls; all ways of telling it must tell the same.

        Raises:
            NotAuthenticated: unknown, or another account than the one found before.
        """
        house = self._house
        account = auth.authenticate(house.accounts, house.ctx, credentials, self._origin.address)
        if self._account is not None and self._account.id != account.id:
            raise NotAuthenticated("Сертификат, HTTP Basic и UsernameToken называют разные учётные записи.")
        self._account = account

    def require_account(self) -> Account:
        """Return who calls.

        Raises:
            CredentialsMissing: nothing of the request tells.
        """
        if self._account is None:
            raise CredentialsMissing(
                "Укажите учётную запись: HTTP Basic, WS-Security UsernameToken или сертификат клиента."
            )
        return self._account

    def execute(self, operation: Operation, request: Any) -> object:
        """Run an operation for its viewer."""
        self.operation = operation.name
        house, claim = self._house, getattr(request, "actor", None)
        viewer = house.accounts.as_viewer(house.ctx, self.require_account(), claim, self._origin.address)
        return operation.call(house.ctx, viewer, request)
