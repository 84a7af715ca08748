"""The stand-in ИПС: ФРМО and ФРМР as REST with JSON over HTTP, strict and stateful.

A request is judged in this order: path (404), token (401), parameters and body by the XSD of the register (400),
what they address (404), business rules (200 with ``errorUserMessage``). Every refusal but the last has the JSON body
``{timestamp, code, reasonPhrase, message}``. Whatever changes is committed before the answer leaves.
"""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import click

from gateway.domain.errors import GatewayError, InvalidRequest, NotAuthenticated, NotFound
from workers.ips.register import REGISTERS, Operation, load
from workers.sandbox.commands import serve, serving
from workers.sandbox.ips_reading import fits, read
from workers.sandbox.ips_registers import Registers
from workers.sandbox.ips_rules import RefusedByRule
from workers.sandbox.ips_state import LedgerEntry, Store, created_twice
from workers.sandbox.ips_tokens import TokenJudge
from workers.sandbox.server import LOOPBACK, Request, Response
from workers.sandbox.stand import HttpStand
from workers.sandbox.switches import Count, Outage, Seconds, Switches, SwitchValues

log = logging.getLogger(__name__)

BASE: Final = "/ips/"
MAX_ARRIVALS: Final = 10_000
MOSCOW: Final = timezone(timedelta(hours=3))
BY_SWITCH: Final = "Отказ по переключателю стенда."
_STATUSES: Final[Mapping[type[GatewayError], HTTPStatus]] = {
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    NotFound: HTTPStatus.NOT_FOUND,
}


class IpsSwitchValues(SwitchValues):
    """What is switched on now, besides the switches of every peer.

    ``unauthorized_next``, ``not_found_next``, ``failing_next``: so many requests get 401, 404 or 500, and change
    nothing; ``refuse_next``: so many get 200 with ``errorUserMessage``, and change nothing; ``refuse_writes_next``: the
    same, of those that would change something.
    ``failing_for``: a request whose body holds this text gets 500 for as long as it is set, and changes nothing.
    ``slow_s``: seconds an answer waits after everything is committed; the requests behind it wait too.
    """

    unauthorized_next: Count = 0
    not_found_next: Count = 0
    failing_next: Count = 0
    refuse_next: Count = 0
    refuse_writes_next: Count = 0
    failing_for: str = ""
    slow_s: Seconds = 0.0


class IpsSandbox(HttpStand):
    """One stand-in ИПС in this process, its address the base of both registers. ``switches`` may change at any moment.

    The admin endpoint has GET /ledger.
    """

    path = BASE

    def __init__(self) -> None:
        super().__init__(IpsSwitchValues)

    def start(
        self,
        *,
        client_id: str,
        certificate: Path,
        port: int = 0,
        state: Path | None = None,
        host: str = LOOPBACK,
        admin_port: int = 0,
    ) -> str:
        """Start serving and return the base address of both registers.

        Port 0 takes a free one. ``state`` is the file that outlives a restart; None keeps all in memory.
        ``certificate`` is the one whose key may sign tokens of the system ``client_id``.

        Raises:
            OSError: a port is taken.
            ConfigurationError: the certificate cannot be used, or the state file cannot be opened.
        """
        judge = TokenJudge(client_id, certificate)
        self._store = Store(state)
        self._arrivals: deque[float] = deque(maxlen=MAX_ARRIVALS)
        application = _Application(self._store, judge, self.switches, self._arrivals)
        admin = {("GET", "/ledger"): lambda _: [asdict(entry) for entry in self.ledger()]}
        return self._serve(application, admin, self._store, host=host, port=port, admin_port=admin_port)

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every change ever taken, in order."""
        return self._store.ledger()

    def arrivals(self) -> tuple[float, ...]:
        """Moments (``time.monotonic``) at which the last ``MAX_ARRIVALS`` requests were taken up, in order."""
        return tuple(self._arrivals)

    def created_twice(self) -> tuple[LedgerEntry, ...]:
        """Creations that came again with the same content; empty when nobody repeated one."""
        return created_twice(self.ledger())


class _Application:
    """HTTP and JSON around the registers."""

    def __init__(self, store: Store, judge: TokenJudge, switches: Switches, arrivals: deque[float]) -> None:
        self._store = store
        self._arrivals = arrivals
        self._judge = judge
        self._switches = switches
        self._registers = Registers(store)
        operations = [operation for name in REGISTERS for operation in load(name).operations.values()]
        # A path that is written out goes before one with a parameter: org/oms is no OID.
        self._routes = sorted(operations, key=lambda operation: "{" in operation.path)

    def submits(self, headers: Mapping[str, str]) -> bool:
        """See ``server.Application``; every request that is not a GET changes something."""
        del headers
        return True

    def failure(self, *, outage: bool) -> Response:
        """See ``server.Application``."""
        return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "Сервис временно недоступен." if outage else "")

    def handle(self, request: Request) -> Response:
        """See ``server.Application``."""
        self._arrivals.append(time.monotonic())
        if self._switches.values.outage is Outage.FAULT:
            return self.failure(outage=True)
        try:
            response = self._judged(request)
        except GatewayError as error:
            response = _error(_STATUSES.get(type(error), HTTPStatus.BAD_REQUEST), error.message)
        values = self._switches.values
        if isinstance(values, IpsSwitchValues) and values.slow_s:
            time.sleep(values.slow_s)
        return response

    def _fails_for(self, body: bytes) -> bool:
        values = self._switches.values
        return isinstance(values, IpsSwitchValues) and bool(values.failing_for) and values.failing_for.encode() in body

    def _judged(self, request: Request) -> Response:
        operation, in_path = self._route(request)
        if self._switches.take("unauthorized_next"):
            raise NotAuthenticated(BY_SWITCH)
        self._judge.check(request.headers, request.address)
        if self._switches.take("failing_next") or self._fails_for(request.body):
            return _error(HTTPStatus.INTERNAL_SERVER_ERROR, BY_SWITCH)
        if self._switches.take("not_found_next"):
            raise NotFound(BY_SWITCH)
        parameters, content = read(operation, in_path, request)
        if self._switches.take("refuse_next") or (operation.writes and self._switches.take("refuse_writes_next")):
            return _answer({"errorUserMessage": BY_SWITCH})
        try:
            with self._store.transaction():
                return _answer(self._registers.perform(operation, parameters, content))
        except RefusedByRule as refusal:
            return _answer({"errorUserMessage": str(refusal)})

    def _route(self, request: Request) -> tuple[Operation, dict[str, str]]:
        path = request.path.removeprefix(BASE) if request.path.startswith(BASE) else ""
        for operation in self._routes:
            if operation.method == request.method and (found := fits(operation.path, path)) is not None:
                return operation, found
        raise NotFound("Такого адреса нет.")


@click.command
@serving
@click.option("--client-id", default="gateway", show_default=True, help="Кому принадлежит сертификат.")
@click.option("--certificate", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=True)
def command(host: str, port: int, admin_port: int, state: Path | None, client_id: str, certificate: Path) -> None:
    """ИПС: регистры ФРМО и ФРМР."""
    sandbox = IpsSandbox()
    start = partial(
        sandbox.start,
        client_id=client_id,
        certificate=certificate,
        port=port,
        state=state,
        host=host,
        admin_port=admin_port,
    )
    serve("ИПС", sandbox, start)


def _answer(members: Mapping[str, Any]) -> Response:
    return _json(HTTPStatus.OK, {"requestId": str(uuid4()), **members})


def _error(status: HTTPStatus, message: str) -> Response:
    told = {"message": message} if message else {}
    moment = datetime.now(MOSCOW).isoformat(timespec="seconds")
    return _json(status, {"timestamp": moment, "code": status.value, "reasonPhrase": status.phrase, **told})


def _json(status: HTTPStatus, content: Mapping[str, Any]) -> Response:
    body = json.dumps(content, ensure_ascii=False).encode()
    return Response(status, body, "application/json; charset=utf-8")
