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
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

import click
from lxml import etree

from gateway.domain.errors import GatewayError, InvalidRequest, NotAuthenticated, NotFound
from workers.ips.checking import findings
from workers.ips.mirror import from_json, mistyped, text_of
from workers.ips.register import REGISTERS, Operation, load
from workers.sandbox.commands import serve, serving
from workers.sandbox.ips_registers import Registers
from workers.sandbox.ips_rules import RefusedByRule
from workers.sandbox.ips_state import Json, LedgerEntry, Store, created_twice
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
        parameters = {**_query(request.query), **in_path}
        content = _content(operation, request)
        _check(operation, parameters, content)
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
            if operation.method == request.method and (found := _fits(operation.path, path)) is not None:
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


def _fits(template: str, path: str) -> dict[str, str] | None:
    """Return the parameters that a path gives to a template, or None when it does not fit."""
    wanted, given = template.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    found = {}
    for step, text in zip(wanted, given, strict=True):
        if step.startswith("{") and text:
            found[step.strip("{}")] = unquote(text)
        elif step != text:
            return None
    return found


def _query(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise InvalidRequest("Параметр задан дважды.")
    return parameters


def _content(operation: Operation, request: Request) -> Json | None:
    if not operation.has_content:
        return None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InvalidRequest("Содержание передаётся как application/json.")
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError):
        raise InvalidRequest("Тело запроса не является JSON.") from None
    if not isinstance(content, dict):
        raise InvalidRequest("Тело запроса должно быть объектом JSON.")
    return {name: value for name, value in content.items() if value is not None}


def _check(operation: Operation, parameters: Mapping[str, str], content: Json | None) -> None:
    """Hold a request against the XSD of its register, as the XML packet that it mirrors."""
    register = load(operation.register)
    root = etree.Element(operation.name)
    request = etree.SubElement(root, "request")
    place = etree.SubElement(request, "parameters")
    unknown = [name for name in parameters if name not in operation.parameters]
    if unknown:
        raise InvalidRequest("В запросе есть неизвестный параметр.")
    empty = [f.name for f in operation.parameters.values() if f.required and not parameters.get(f.name, "?").strip()]
    if empty:  # the XSD takes an empty text, and it addresses nothing
        raise InvalidRequest(f"Параметр {empty[0]} не заполнен.")
    for name in operation.parameters:
        if name in parameters:
            etree.SubElement(place, name).text = text_of(parameters[name])
    if content is not None:
        wrong = next(mistyped(content, operation.entity, register), None)
        if wrong is not None:
            raise InvalidRequest(f"Поле {wrong}: значение другого типа.")
        from_json(etree.SubElement(request, "content"), content, operation.entity, register)
    wrongs = findings(root, operation)
    if wrongs:
        raise InvalidRequest(f"{wrongs[0].path}: {wrongs[0].message}")


def _answer(members: Mapping[str, Any]) -> Response:
    return _json(HTTPStatus.OK, {"requestId": str(uuid4()), **members})


def _error(status: HTTPStatus, message: str) -> Response:
    told = {"message": message} if message else {}
    moment = datetime.now(MOSCOW).isoformat(timespec="seconds")
    return _json(status, {"timestamp": moment, "code": status.value, "reasonPhrase": status.phrase, **told})


def _json(status: HTTPStatus, content: Mapping[str, Any]) -> Response:
    body = json.dumps(content, ensure_ascii=False).encode()
    return Response(status, body, "application/json; charset=utf-8")
