"""The HTTP gateway of a stand-in SMS centre: one message a request, known by the client's id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

from workers.sandbox.server import Request, Response
from workers.sandbox.smsc_store import NUMBER, TakenPart, named
from workers.sandbox.switches import Switches

HTTP_PATH: Final = "/send"


class Centre(Protocol):
    """What the gateway needs of its centre."""

    @property
    def switches(self) -> Switches:
        """What is switched on."""
        ...

    @property
    def credentials(self) -> tuple[str, str]:
        """The one name and password."""
        ...

    def is_too_fast(self) -> bool:
        """Count one part; tell whether it is one too many."""
        ...

    def keep(self, part: TakenPart) -> int:
        """Take a part and return its id."""
        ...


class HttpGate:
    """The HTTP gateway: a form in, JSON out. It knows a message by the client's id."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def submits(self, headers: Mapping[str, str]) -> bool:
        """See ``server.Application``."""
        del headers
        return True

    def failure(self, *, outage: bool) -> Response:
        """See ``server.Application``."""
        status = HTTPStatus.SERVICE_UNAVAILABLE if outage else HTTPStatus.INTERNAL_SERVER_ERROR
        return Response(status, b"", "text/plain")

    def handle(self, request: Request) -> Response:
        """See ``server.Application``."""
        if request.path != HTTP_PATH or request.method != "POST":
            return Response(HTTPStatus.NOT_FOUND, b"", "text/plain")
        try:
            form = {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}
        except ValueError:
            return _json(4, "нужна форма")
        if (form.get("login"), form.get("password")) != self._centre.credentials:
            return Response(HTTPStatus.UNAUTHORIZED, b"", "text/plain")
        switches = self._centre.switches
        if switches.take("throttle_next") or self._centre.is_too_fast():
            return Response(HTTPStatus.TOO_MANY_REQUESTS, b"", "text/plain")
        if switches.take("queue_full_next"):
            return _json(9, "повторите позже")
        if switches.take("refuse_next") or not NUMBER.fullmatch(form.get("phone", "")):
            return _json(2, "номер не принят")
        if not form.get("text") or not form.get("id"):
            return _json(4, "нужны text и id")
        part = TakenPart(form["phone"], form["text"].encode("utf-16-be"), client_id=form["id"])
        return _json(0, "принято", id=named(self._centre.keep(part)))


def _json(code: int, text: str, **more: Any) -> Response:
    body = json.dumps({"code": code, "text": text, **more}, ensure_ascii=False).encode()
    return Response(HTTPStatus.OK, body, "application/json; charset=utf-8")
