"""The stand-in of e-trust.gosuslugi.ru: the register of accredited УЦ, a file over HTTP that changes when told to.

Only GET of the one address is answered with the file, chunked as it is made; ``If-None-Match`` of the present file is
answered 304. A new issue is published with what has changed, and its version grows; what УЦ and keys are, is computed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final

import click
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.disk import written_whole
from gateway.domain.errors import ConfigurationError, InvalidRequest
from workers.sandbox.ca_issue import Edition, document
from workers.sandbox.commands import serve, serving
from workers.sandbox.server import LOOPBACK, Request, Response
from workers.sandbox.stand import NO_PLACE, NOT_OURS, HttpStand
from workers.sandbox.switches import Count, Seconds, SwitchValues

PATH: Final = "/app/scc/portal/api/v1/portal/ca/getxml"
REDIRECT: Final = "/moved/"


class CaSwitchValues(SwitchValues):
    """Troubles of the register, beside those of every peer.

    ``answer_status``: every request gets this status and no file; ``fail_next``: so many get 503. ``redirects``: so
    many hops before the file. ``slow_s``: pause in the middle of the file. ``cut_next``: so many files end in their
    middle. ``malformed``: so many УЦ break the schema. ``broken``: the file is not XML from its middle on. ``older``:
    the issue before the present one is given out.
    """

    answer_status: Annotated[int, Field(ge=0, le=599)] = 0
    fail_next: Count = 0
    redirects: Annotated[int, Field(ge=0, le=100)] = 0
    slow_s: Seconds = 0.0
    cut_next: Count = 0
    malformed: Count = 0
    broken: bool = False
    older: bool = False


class NextIssue(BaseModel):
    """What changes with the next issue: how many УЦ there are, statuses that begin now, УЦ taken out and put back."""

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    keys: Annotated[int, Field(ge=0, le=1000)] | None = None
    statuses: dict[int, str] = {}
    withdraw: list[int] = []
    restore: list[int] = []


class CaSandbox(HttpStand):
    """One stand-in register of УЦ in this process. ``switches`` may be changed at any moment.

    The admin endpoint has GET, POST /issue.
    """

    path = PATH

    def __init__(self) -> None:
        super().__init__(CaSwitchValues)
        self.requests: list[int] = []
        """Status of every answer, in order."""

    def start(
        self,
        *,
        port: int = 0,
        state: Path | None = None,
        host: str = LOOPBACK,
        admin_port: int = 0,
        count: int = 10,
        keys: int = 1,
    ) -> str:
        """Start serving and return the address of the file.

        Port 0 takes a free one. ``state`` is the file that outlives a restart; None keeps all in memory. The first
        issue has ``count`` УЦ with so many ``keys`` each.

        Raises:
            OSError: a port is taken.
            ConfigurationError: the state file cannot be read or written.
        """
        self._state = state
        self.edition = _stored(state) or Edition(count=count, keys=keys)
        self._keep()
        admin = {
            ("GET", "/issue"): lambda _: self.edition.to_json(),
            ("POST", "/issue"): lambda order: self.publish(**order).to_json(),
        }
        return self._serve(self, admin, None, host=host, port=port, admin_port=admin_port)

    def publish(self, **changes: Any) -> Edition:
        """Publish the next issue; ``changes`` as in :class:`NextIssue`. What was published survives a restart.

        Raises:
            InvalidRequest: an unknown change or a value out of its range.
            ConfigurationError: the state file cannot be written.
        """
        try:
            order = NextIssue.model_validate(changes)
        except ValidationError as error:
            names = sorted({str(problem["loc"][0]) for problem in error.errors()})
            raise InvalidRequest(f"Нет такого изменения или значения: {', '.join(names)}.") from None
        now = datetime.now(UTC).isoformat(timespec="seconds")
        before = self.edition
        statuses = {number: list(told) for number, told in before.statuses.items()}
        for number, status in order.statuses.items():
            statuses.setdefault(number, []).append((status, now))
        self.edition = Edition(
            version=before.version + 1,
            issued_at=now,
            count=before.count if order.count is None else order.count,
            keys=before.keys if order.keys is None else order.keys,
            statuses=statuses,
            withdrawn=sorted((set(before.withdrawn) | set(order.withdraw)) - set(order.restore)),
        )
        self._keep()
        return self.edition

    def _keep(self) -> None:
        if self._state is None:
            return
        try:
            with written_whole(self._state) as file:
                file.write(json.dumps(self.edition.to_json(), ensure_ascii=False).encode())
        except OSError as error:
            raise ConfigurationError(f"Файл состояния {self._state} не пишется: {NO_PLACE}") from error

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        response = self._answer(request)
        self.requests.append(response.status)
        return response

    def submits(self, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 # asked of every peer
        """Nothing is ever handed over here."""
        return False

    def failure(self, *, outage: bool) -> Response:
        """Nothing but the status."""
        return _plain(HTTPStatus.SERVICE_UNAVAILABLE if outage else HTTPStatus.INTERNAL_SERVER_ERROR)

    def _answer(self, request: Request) -> Response:
        values = self.switches.values
        assert isinstance(values, CaSwitchValues)
        hop = int(request.path.removeprefix(REDIRECT)) if request.path.startswith(REDIRECT) else 0
        if request.path not in (PATH, f"{REDIRECT}{hop}"):
            return _plain(HTTPStatus.NOT_FOUND)
        if request.method != "GET":
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, b"", "text/plain", allow="GET")
        if values.answer_status:
            return _plain(values.answer_status)
        if self.switches.take("fail_next"):
            return _plain(HTTPStatus.SERVICE_UNAVAILABLE)
        if hop < values.redirects:
            return Response(HTTPStatus.FOUND, b"", "text/plain", headers={"Location": f"{REDIRECT}{hop + 1}"})
        return self._file(request, values)

    def _file(self, request: Request, values: CaSwitchValues) -> Response:
        edition = self.edition
        if values.older:
            edition = Edition.from_json({**edition.to_json(), "version": max(edition.version - 1, 0)})
        made_of = [edition.to_json(), values.malformed, values.broken]
        etag = f'"{hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:32]}"'
        modified = format_datetime(datetime.fromisoformat(edition.issued_at).astimezone(UTC), usegmt=True)
        headers = {"ETag": etag, "Last-Modified": modified}
        if request.headers.get("if-none-match") == etag:
            return Response(HTTPStatus.NOT_MODIFIED, b"", headers=headers)
        pieces = document(edition, malformed=values.malformed, broken=values.broken)
        cut = self.switches.take("cut_next")
        stream = _troubled(pieces, edition.count // 2, values.slow_s, cut=cut)
        return Response(HTTPStatus.OK, b"", "application/xml", headers=headers, stream=stream)


def _troubled(pieces: Iterator[bytes], middle: int, slow_s: float, *, cut: bool) -> Iterator[bytes]:
    for position, piece in enumerate(pieces):
        if position == middle + 1:
            if cut:
                raise ConnectionAbortedError
            time.sleep(slow_s)
        yield piece


def _plain(status: int) -> Response:
    return Response(status, b"", "text/plain")


def _stored(state: Path | None) -> Edition | None:
    if state is None or not state.is_file():
        return None
    try:
        return Edition.from_json(json.loads(state.read_text(encoding="utf-8")))
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"Файл состояния {state} не открывается: {NOT_OURS}") from error


@click.command
@serving
@click.option("--count", type=click.IntRange(0), default=500, show_default=True, help="УЦ в первом выпуске.")
@click.option("--keys", type=click.IntRange(0, 1000), default=10, show_default=True, help="Ключей у каждого УЦ.")
def command(**given: Any) -> None:
    """Реестр аккредитованных УЦ: файл по HTTP."""
    sandbox = CaSandbox()
    serve("Реестр УЦ", sandbox, partial(sandbox.start, **given))
