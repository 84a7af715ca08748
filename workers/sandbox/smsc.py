"""The stand-in SMS centre: SMPP 3.4 transceiver sessions, and beside them a plain HTTP gateway over the same memory.

Refused: anything before a bind, a wrong name or password, more sessions than allowed, a foreign sender, a number that
is not eleven digits with country code 7, a message that is not UCS-2 of the right length, parts that do not add up,
more parts a second than the contract allows. Receipts are owed until they are confirmed, in whatever session.
"""

from __future__ import annotations

import hmac
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final

import click
from pydantic import Field

from workers.sandbox.commands import PORT, serve, serving, signing_in
from workers.sandbox.server import LOOPBACK, SandboxServer
from workers.sandbox.smpp_pdu import (
    RESPONSE,
    BrokenPdu,
    Command,
    Pdu,
    Status,
    Submission,
    cut_pdu,
    read_bind,
    read_query,
    read_submission,
    write_receipt,
    write_state,
)
from workers.sandbox.smsc_http import HTTP_PATH, HttpGate
from workers.sandbox.smsc_store import NUMBER, LedgerMessage, SmscStore, TakenPart, named
from workers.sandbox.switches import Count, Percent, Switches, SwitchValues, chosen

DELIVERED: Final = 2
UNDELIVERABLE: Final = 5
UNKNOWN: Final = 7
STATE_NAMES: Final = {2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 6: "ACCEPTD", 7: "UNKNOWN", 8: "REJECTD"}
RECEIPT_WINDOW: Final = 50
_TICK_S: Final = 0.01


class SmscSwitches(SwitchValues):
    """``throttle_next``, ``queue_full_next``: so many parts get RTHROTTLED or RMSGQFUL. ``refuse_next``: so many are
    refused for ever. ``refuse_query_next``: so many questions about a part get RQUERYFAIL. ``per_second``: more parts a
    second are throttled, 0 for any number. ``drop_before_next`` and ``take_and_drop_next`` cut the session at a part.
    ``answer_delay_s`` is that of receipts; of ``undelivered_percent`` they say UNDELIV, of ``unknown_percent`` UNKNOWN,
    of ``lost_receipt_percent`` none comes. ``max_sessions`` at once.
    """

    throttle_next: Count = 0
    queue_full_next: Count = 0
    refuse_next: Count = 0
    refuse_query_next: Count = 0
    per_second: Count = 0
    undelivered_percent: Percent = 0
    unknown_percent: Percent = 0
    lost_receipt_percent: Percent = 0
    max_sessions: int = Field(default=2, ge=1, le=100)


class SmscSandbox:
    """One stand-in SMS centre in this process. ``switches`` may be changed at any moment."""

    def __init__(self) -> None:
        self.switches: Final = Switches(SmscSwitches)
        self._lock = Lock()
        self._sessions: set[_Session] = set()
        self._seconds: dict[int, int] = {}
        self.store: SmscStore

    def start(
        self,
        *,
        username: str,
        password: str,
        sender: str,
        port: int = 0,
        state: Path | None = None,
        host: str = LOOPBACK,
        admin_port: int = 0,
        http_port: int = 0,
    ) -> str:
        """Listen and return the address of the SMPP port (``smpp://…``); 0 takes a free port.

        Raises:
            OSError: a port is taken.
            ConfigurationError: the state file cannot be opened.
        """
        self.credentials, self.sender = (username, password), sender
        with ExitStack() as opened:
            self.store = SmscStore(state)
            opened.callback(self.store.close)
            self._listener = opened.enter_context(socket.create_server((host, port)))
            self._http = SandboxServer(HttpGate(self), self.switches, {("GET", "/ledger"): lambda _: self._shown()})
            self._http.start(host, http_port, admin_port)
            opened.pop_all()
        self._stop = Event()
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self.url

    @property
    def url(self) -> str:
        """Address of the SMPP port."""
        host, port = self._listener.getsockname()[:2]
        return f"smpp://{host}:{port}"

    @property
    def http_url(self) -> str:
        """Address of the HTTP gateway."""
        return self._http.address + HTTP_PATH

    @property
    def admin_url(self) -> str:
        """Address of the switches, on the loopback."""
        return self._http.admin_address

    def stop(self) -> None:
        """Close the ports and every session."""
        self._stop.set()
        self._thread.join()
        self._listener.close()
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.thread.join()
        self._http.stop()
        self.store.close()

    def ledger(self) -> list[LedgerMessage]:
        """Every message that was taken."""
        return self.store.messages()

    def _shown(self) -> list[dict[str, object]]:
        return [{"number": m.number, "text": m.text, "whole": m.whole} for m in self.ledger()]

    def _accept(self) -> None:
        while not self._stop.is_set():
            if select.select([self._listener], [], [], 0.05)[0]:
                connection, _ = self._listener.accept()
                session = _Session(self, connection, self._stop)
                with self._lock:
                    self._sessions.add(session)
                session.thread.start()

    @contextmanager
    def seat(self, session: _Session) -> Iterator[None]:
        """Forget the session when it is over."""
        try:
            yield
        finally:
            with self._lock:
                self._sessions.discard(session)

    def may_bind(self) -> bool:
        """Tell whether there is room for one more bound session."""
        values = self.switches.values
        with self._lock:
            bound = sum(session.bound for session in self._sessions)
        return isinstance(values, SmscSwitches) and bound < values.max_sessions

    def under_way(self) -> list[int]:
        """Receipts that some session is waiting to have confirmed."""
        with self._lock:
            return [part_id for session in self._sessions for part_id in list(session.receipts.values())]

    def is_too_fast(self) -> bool:
        """Count one part of this second; tell whether it is one too many."""
        values = self.switches.values
        if not isinstance(values, SmscSwitches) or not values.per_second:
            return False
        second = int(time.monotonic())
        with self._lock:
            taken = self._seconds.get(second, 0)
            self._seconds = {second: taken + 1}
        return taken >= values.per_second

    def keep(self, part: TakenPart) -> int:
        """Take a part; whether and how it is delivered hangs on its number and the switches."""
        values = self.switches.values
        state, delay_s = DELIVERED, values.answer_delay_s
        lost = False
        if isinstance(values, SmscSwitches):
            if chosen(values, "undelivered", part.number, values.undelivered_percent):
                state = UNDELIVERABLE
            elif chosen(values, "unknown", part.number, values.unknown_percent):
                state = UNKNOWN
            lost = chosen(values, "lost", part.number, values.lost_receipt_percent)
        return self.store.take(part, state, None if lost or part.client_id else delay_s)


class _Session:
    """One connection of a client."""

    def __init__(self, centre: SmscSandbox, connection: socket.socket, stop: Event) -> None:
        self._centre = centre
        self._connection = connection
        self._stop = stop
        self._sequence = 0
        self.bound = False
        self.receipts: dict[int, int] = {}
        self.thread = Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        data = bytearray()
        with self._centre.seat(self), self._connection as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while not self._stop.is_set():
                    if select.select([connection], [], [], _TICK_S)[0]:
                        chunk = connection.recv(65536)
                        if not chunk:
                            return
                        data += chunk
                        while (pdu := cut_pdu(data)) is not None:
                            if not self._handled(pdu):
                                return
                    self._send_receipts()
            except (OSError, BrokenPdu):
                return

    def _write(self, pdu: Pdu) -> None:
        self._connection.sendall(pdu.encoded())

    def _handled(self, pdu: Pdu) -> bool:
        """Act on one PDU; False ends the session."""
        if pdu.command == Command.DELIVER_SM | RESPONSE:
            part_id = self.receipts.pop(pdu.sequence, None)
            if part_id is not None and not pdu.status:
                self._centre.store.confirm(part_id)
        elif pdu.command & RESPONSE:
            return True
        elif pdu.command == Command.BIND_TRANSCEIVER:
            return self._bind(pdu)
        elif not self.bound:
            self._write(pdu.answer(Status.NOT_BOUND))
        elif pdu.command == Command.SUBMIT_SM:
            return self._submit(pdu)
        elif pdu.command == Command.QUERY_SM:
            self._query(pdu)
        elif pdu.command == Command.ENQUIRE_LINK:
            self._write(pdu.answer())
        elif pdu.command == Command.UNBIND:
            self._write(pdu.answer())
            return False
        else:
            self._write(Pdu(Command.GENERIC_NACK | RESPONSE, Status.INVALID_COMMAND, pdu.sequence))
        return True

    def _bind(self, pdu: Pdu) -> bool:
        given = read_bind(pdu.body)
        same = [
            hmac.compare_digest(a.encode(), b.encode()) for a, b in zip(given, self._centre.credentials, strict=True)
        ]
        if self.bound or not self._centre.may_bind():
            self._write(pdu.answer(Status.ALREADY_BOUND))
            return self.bound
        if not all(same):
            self._write(pdu.answer(Status.INVALID_PASSWORD))
            return False
        self.bound = True
        self._write(pdu.answer(body=b"sandbox\0"))
        return True

    def _submit(self, pdu: Pdu) -> bool:
        centre = self._centre
        if centre.switches.take("drop_before_next"):
            return self._cut()
        for name, status in (
            ("throttle_next", Status.THROTTLED),
            ("queue_full_next", Status.QUEUE_FULL),
            ("refuse_next", Status.INVALID_DESTINATION),
        ):
            if centre.switches.take(name):
                self._write(pdu.answer(status))
                return True
        part = _judged(read_submission(pdu.body), centre.sender)
        if isinstance(part, Status):
            self._write(pdu.answer(part))
            return True
        if centre.is_too_fast():
            self._write(pdu.answer(Status.THROTTLED))
            return True
        peer_id = centre.keep(part)
        if centre.switches.take("take_and_drop_next"):
            return self._cut()
        self._write(pdu.answer(body=named(peer_id).encode() + b"\0"))
        return True

    def _query(self, pdu: Pdu) -> None:
        centre = self._centre
        peer_id, source = read_query(pdu.body)
        state = centre.store.state_of(peer_id) if source == centre.sender else None
        if state is None or centre.switches.take("refuse_query_next"):
            self._write(pdu.answer(Status.QUERY_FAILED))
        else:
            self._write(pdu.answer(body=write_state(peer_id, state)))

    def _cut(self) -> bool:
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def _send_receipts(self) -> None:
        room = RECEIPT_WINDOW - len(self.receipts)
        if not self.bound or room <= 0:
            return
        for owed in self._centre.store.owed(room, self._centre.under_way()):
            self._sequence += 1
            self.receipts[self._sequence] = owed.id
            name, peer_id = STATE_NAMES[owed.state], named(owed.id)
            text = (
                f"id:{peer_id} sub:001 dlvrd:001 submit date:2604010900 done date:2604010901 stat:{name} err:000 text:"
            )
            body = write_receipt(owed.number, self._centre.sender, text, peer_id, owed.state)
            self._write(Pdu(Command.DELIVER_SM, Status.OK, self._sequence, body))


def _judged(given: Submission, sender: str) -> TakenPart | Status:
    """The part that was submitted, or why it is none."""
    if given.source != sender:
        return Status.INVALID_SOURCE
    if given.destination_ton != 1 or not NUMBER.fullmatch(given.destination):
        return Status.INVALID_DESTINATION
    message, headed = given.message, bool(given.esm_class & 0x40)
    if given.data_coding != 8 or len(message) % 2 or not 0 < len(message) <= 140:
        return Status.INVALID_LENGTH
    if not headed:
        return TakenPart(given.destination, message)
    head, data = message[:6], message[6:]
    if len(head) < 6 or head[:3] != b"\x05\x00\x03" or not 1 <= head[5] <= head[4] or head[4] < 2 or not data:
        return Status.INVALID_ESM_CLASS
    return TakenPart(given.destination, data, reference=head[3], total=head[4], position=head[5])


@click.command
@serving
@click.option("--http-port", type=PORT, default=8092, show_default=True, help="Порт HTTP-шлюза.")
@signing_in
@click.option("--sender", default="Zdrav", show_default=True, help="Имя отправителя.")
def command(**given: Any) -> None:
    """Центр SMS: SMPP 3.4 и HTTP-шлюз."""
    sandbox = SmscSandbox()
    serve("Центр SMS", sandbox, partial(sandbox.start, **given))
