"""The SOAP door before operations that are plain functions: what goes in is kept, what comes out is given."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, cast
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication

import requests
from lxml import etree
from requests.adapters import BaseAdapter

from gateway.domain.errors import NotAuthenticated
from gateway.domain.roles import Account, Role, Viewer
from gateway.operations.context import Context
from gateway.operations.records import ActorClaim
from gateway.soap.app import build_wsgi
from gateway.soap.contract import SERVICES, Operation, ServiceContract
from gateway.soap.origin import NOBODY, Trust
from gateway.soap.versions import SOAP11, Version
from gateway.xml.parser import parse

URL: Final = "http://gateway.test"
NOW: Final = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
LOGIN, PASSWORD = "mis-zarechye", "invented & <kept>"
BASIC: Final = "Basic " + base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()

ACCOUNT: Final = Account(1, LOGIN, Role.MIS, frozenset({1}))

Behaviour = Callable[[Any], object]


@dataclass
class Stub:
    """Operations by name, the requests they got, and the accounts' part."""

    behaviour: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[Any] = field(default_factory=list)
    claims: list[ActorClaim | None] = field(default_factory=list)
    nonces: set[bytes] = field(default_factory=set)

    def clear(self) -> None:
        """Forget everything, so that the costly application serves the next test too."""
        for kept in (self.behaviour, self.requests, self.claims, self.nonces):
            kept.clear()

    def authenticate(self, ctx: Context, login: str, password: str, address: str | None) -> Account:
        del ctx, address
        if (login, password) != (LOGIN, PASSWORD):
            raise NotAuthenticated("Неверное имя или пароль")
        return ACCOUNT

    def find_by_certificate(self, ctx: Context, subject: str) -> Account | None:
        del ctx
        return {f"CN={LOGIN}": ACCOUNT, "CN=other": replace(ACCOUNT, id=2, login="other")}.get(subject)

    def spend_nonce(self, ctx: Context, digest: bytes) -> bool:
        del ctx
        is_new = digest not in self.nonces
        self.nonces.add(digest)
        return is_new

    def as_viewer(self, ctx: Context, account: Account, claim: ActorClaim | None, address: str | None) -> Viewer:
        del ctx
        self.claims.append(claim)
        return Viewer(account, address=address)

    def services(self) -> tuple[ServiceContract, ...]:
        return tuple(replace(service, operations=tuple(map(self._stubbed, service.operations))) for service in SERVICES)

    def _stubbed(self, operation: Operation) -> Operation:
        def call(_ctx: Context, _viewer: Viewer, request: Any) -> object:
            self.requests.append(request)
            return self.behaviour[operation.name](request)

        return replace(operation, call=call)


def application(
    stub: Stub, limits: Mapping[str, Mapping[str, int]] | None = None, trust: Trust = NOBODY
) -> WSGIApplication:
    return build_wsgi(
        cast("Context", None),
        public_url=URL,
        services=stub.services(),
        accounts=stub,
        limits=limits,
        trust=trust,
        clock=lambda: NOW,
    )


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def find(self, path: str) -> etree._Element | None:
        """Element of the answer, by local names."""
        steps = "/".join(f"*[local-name()='{step}']" for step in path.split("/"))
        found = parse(self.body).xpath(f"//{steps}")
        return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else None

    def text(self, path: str) -> str:
        element = self.find(path)
        return "" if element is None else element.text or ""

    @property
    def code(self) -> str:
        return self.text("gatewayFault/code")


def request(app: WSGIApplication, path: str, body: bytes = b"", method: str = "POST", **environ: Any) -> Answer:
    """Call the application as a server would."""
    got: dict[str, Any] = {}
    base = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": BASIC,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.input": io.BytesIO(body),
    }

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> Callable[..., object]:
        got.update(status=int(status.split()[0]), headers=dict(headers))
        return lambda _: None

    given = {name: value for name, value in (base | environ).items() if value is not None}
    chunks = app(given, cast("Any", start_response))
    return Answer(got["status"], got["headers"], b"".join(chunks))


def envelope(version: Version, body: str, header: str = "") -> bytes:
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return f'<s:Envelope xmlns:s="{version.envelope}">{head}<s:Body>{body}</s:Body></s:Envelope>'.encode()


def post(app: WSGIApplication, version: Version, service: str, body: bytes, **environ: Any) -> Answer:
    given = {"CONTENT_TYPE": version.content_type} | environ
    return request(app, f"{version.root}/{service}", body, **given)


def is_fault(answer: Answer, version: Version, code: str) -> bool:
    """Tell whether the answer is a SOAP fault of this version and fault code."""
    path = "Fault/faultcode" if version is SOAP11 else "Fault/Code/Value"
    return (
        parse(answer.body).tag == f"{{{version.envelope}}}Envelope"
        and answer.headers["Content-Type"] == version.content_type
        and answer.text(path) == f"soap:{code}"
    )


class WsgiAdapter(BaseAdapter):
    """Lets the requests library, and so zeep, speak to a WSGI application without a socket."""

    def __init__(self, app: WSGIApplication) -> None:
        super().__init__()
        self._app = app

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        del args, kwargs
        url = urlsplit(request.url or "")
        body = request.body or b""
        assert isinstance(body, bytes | str), "nothing here is streamed"
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
        answer = _call(self._app, request.method or "GET", url.path, url.query, body, headers)
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response.raw = io.BytesIO(answer.body)
        response.url = request.url or ""
        response.request = request
        return response

    def close(self) -> None:
        """Nothing is open."""


def _call(
    app: WSGIApplication, method: str, path: str, query: str, body: bytes | str, headers: dict[str, Any]
) -> Answer:
    data = body.encode() if isinstance(body, str) else body
    return request(
        app,
        path,
        data,
        method,
        QUERY_STRING=query,
        CONTENT_TYPE=headers.get("HTTP_CONTENT_TYPE", ""),
        HTTP_AUTHORIZATION=headers.get("HTTP_AUTHORIZATION"),
        HTTP_SOAPACTION=headers.get("HTTP_SOAPACTION", ""),
    )
