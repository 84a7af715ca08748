"""SMS over SMPP 3.4 (Short Message Peer-to-Peer Protocol Specification v3.4, issue 1.2): one transceiver session.

``smpplib`` makes and reads the PDUs; the session is ours, because a delivery receipt is answered only when it is
journaled, and because what a broken session leaves unanswered must be told message by message.
"""

from __future__ import annotations

import logging
import select
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import smpplib.client
import smpplib.consts as c
import smpplib.exceptions
import smpplib.gsm
import smpplib.smpp

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError
from workers.exchange import Fate, Handed, Message, Notice, NotSent, SignInRefused, Word
from workers.transports.smpp_batch import Batch, Part
from workers.transports.smpp_parts import parts_of
from workers.transports.smpp_receipts import read_receipt, word_of
from workers.transports.wire import positive

MAX_PDU_BYTES: Final = 64 * 1024
MAX_PARTS: Final = 10
ENQUIRE_S: Final = 10.0
_BROKEN: Final = (
    smpplib.exceptions.ConnectionError,
    smpplib.exceptions.PDUError,
    smpplib.exceptions.UnknownCommandError,
    OSError,
    struct.error,
    LookupError,
    ValueError,
    TypeError,
)
"""What smpplib raises when the connection or the peer's PDU is not what it should be."""
_SIGN_IN: Final = {c.SMPP_ESME_RBINDFAIL, c.SMPP_ESME_RINVPASWD, c.SMPP_ESME_RINVSYSID}
_WAIT: Final = {c.SMPP_ESME_RTHROTTLED, c.SMPP_ESME_RMSGQFUL}
_LATER: Final = {
    c.SMPP_ESME_RSYSERR,
    c.SMPP_ESME_RX_T_APPN,
    c.SMPP_ESME_RSUBMITFAIL,
    c.SMPP_ESME_RINVBNDSTS,
}
_OURS: Final = {c.SMPP_ESME_RINVSRCADR, c.SMPP_ESME_RINVSRCTON, c.SMPP_ESME_RINVSRCNPI}
"""Whom the messages come from is refused: no message is to blame, and none will pass until a setting changes."""
_LOST: Final = "Исход неизвестен: связь с центром SMS прервалась до ответа"

# smpplib logs whole PDUs, with numbers and texts, at DEBUG; nothing here may wake it.
logging.getLogger("smpplib").setLevel(logging.WARNING)


def open_transport(_transport: manifest.Transport, settings: Mapping[str, str], _wsdl: Path | None) -> SmppTransport:
    """Prepare a session; nothing is opened yet.

    Settings: ``address`` (``smpp://host:2775``, or ``smpps://`` for TLS), ``username`` (system_id), ``password``,
    ``sender`` (the name or number that people see), optional ``system_type``, ``per_second`` (parts a second, 20),
    ``window`` (unanswered parts, 10), ``patience_s`` (30: so long throttling is waited out before the run pauses),
    ``answer_s`` (30), ``receipt_ids`` (``decimal`` where the centre answers ids in hexadecimal and names them in
    decimal in receipts), ``ca_bundle`` (certificates to trust instead of the system's).

    Raises:
        ConfigurationError: a setting is wrong.
    """
    parts = urlsplit(settings["address"])
    if parts.scheme not in ("smpp", "smpps") or not parts.hostname:
        raise ConfigurationError("Настройка address: нужен адрес вида smpp://узел:2775 или smpps://узел:3550")
    if settings.get("receipt_ids", "same") not in ("same", "decimal"):
        raise ConfigurationError("Настройка receipt_ids: допустимо same или decimal")
    if len(settings["username"]) > 15 or len(settings["password"]) > 8:
        raise ConfigurationError("Настройки username и password: в SMPP не длиннее 15 и 8 знаков")
    context = None
    if parts.scheme == "smpps":
        try:
            context = ssl.create_default_context(cafile=settings.get("ca_bundle") or None)
        except OSError:
            raise ConfigurationError("Настройка ca_bundle: файл с сертификатами не читается") from None
    return SmppTransport((parts.hostname, parts.port or (3550 if context else 2775)), context, settings)


class _Client(smpplib.client.Client):
    """smpplib's client over a connection of ours, with bounded PDUs."""

    def use(self, connection: socket.socket) -> None:
        """Speak over a connection that is open."""
        self._socket = connection
        self.state = c.SMPP_CLIENT_STATE_OPEN

    def _recv_exact(self, exact_size: int) -> bytes:
        if not 0 <= exact_size <= MAX_PDU_BYTES:
            raise smpplib.exceptions.ConnectionError
        data: bytes = super()._recv_exact(exact_size)
        return data


class SmppTransport:
    """Hands over SMS and takes their delivery receipts; for one run and one thread at a time."""

    repeats_safely = False

    def __init__(self, place: tuple[str, int], context: ssl.SSLContext | None, settings: Mapping[str, str]) -> None:
        self._place = place
        self._context = context
        self._settings = settings
        self._interval_s = 1 / positive(settings, "per_second", 20)
        self._window = int(positive(settings, "window", 10))
        self._patience_s = positive(settings, "patience_s", 30)
        self._answer_s = positive(settings, "answer_s", 30)
        self._decimal = settings.get("receipt_ids") == "decimal"
        self._client: _Client | None = None
        self._notices: deque[Notice] = deque()
        self._unconfirmed: set[int] = set()
        self._told: Any = None
        self._next_at = self._heard_at = self._enquired_at = 0.0
        self._reference = int(time.time()) % 256

    def send(self, messages: Sequence[Message]) -> Sequence[Handed]:
        """Hand over messages in parts, at most ``window`` parts unanswered; throttling is waited out.

        Raises:
            NotSent: no session.
            SignInRefused: the centre does not bind us.
        """
        client = self._bound()
        batch = Batch()
        for message in messages:
            self._reference = (self._reference + 1) % 256
            texts = parts_of(message.text, self._reference)
            if len(texts) > MAX_PARTS:
                batch.refuse(message.id, f"Сообщение длиннее {MAX_PARTS} частей")
            else:
                batch.add(message, texts)
        try:
            while not batch.is_over:
                self._advance(client, batch)
        except _BROKEN:
            self._drop()
            batch.break_off(_LOST, "Связь с центром SMS прервалась до передачи")
        return batch.handed()

    def _advance(self, client: _Client, batch: Batch) -> None:
        """One step: submit a part when it may leave now, else read what comes."""
        now = time.monotonic()
        if batch.throttled_since is not None and now - batch.throttled_since > self._patience_s:
            batch.give_up("Центр SMS просит не торопиться")
        leaves_at = max(self._next_at, batch.resume_at)
        if batch.has_next and len(batch.unanswered) < self._window and now >= leaves_at:
            self._submit(client, batch.next_part(), batch)
            self._next_at = max(self._next_at, now) + self._interval_s
            return
        oldest = min((part.sent_at for part in batch.unanswered.values()), default=None)
        if oldest is not None and now - oldest > self._answer_s:
            raise smpplib.exceptions.ConnectionError
        waits_s = min(0.5, leaves_at - now) if batch.has_next and len(batch.unanswered) < self._window else 0.5
        if batch.is_over:
            return
        self._read(client, max(waits_s, 0), batch)

    def _submit(self, client: _Client, part: Part, batch: Batch) -> None:
        pdu = smpplib.smpp.make_pdu(
            "submit_sm",
            client=client,
            **self._source(),
            dest_addr_ton=c.SMPP_TON_INTL,
            dest_addr_npi=c.SMPP_NPI_ISDN,
            destination_addr=part.address.lstrip("+"),
            short_message=part.data,
            data_coding=c.SMPP_ENCODING_ISO10646,
            esm_class=c.SMPP_GSMFEAT_UDHI if part.of > 1 else c.SMPP_MSGTYPE_DEFAULT,
            registered_delivery=1,
        )
        batch.note_sent(pdu.sequence, part, time.monotonic())  # before the bytes: they may leave and then fail
        client.send_pdu(pdu)

    def _source(self) -> dict[str, object]:
        """Whom messages come from, as every PDU about them says."""
        sender = self._settings["sender"]
        named = not sender.lstrip("+").isdigit()
        return {
            "source_addr_ton": c.SMPP_TON_ALNUM if named else c.SMPP_TON_INTL,
            "source_addr_npi": c.SMPP_NPI_UNK if named else c.SMPP_NPI_ISDN,
            "source_addr": sender.lstrip("+"),
        }

    def _read(self, client: _Client, wait_s: float, batch: Batch) -> bool:
        """Read one PDU and act on it; False when none comes in time."""
        connection: Any = client._socket
        pending = connection.pending() if isinstance(connection, ssl.SSLSocket) else 0
        if not pending and not select.select([connection], [], [], wait_s)[0]:
            self._enquire(client)
            return False
        pdu = client.read_pdu()
        self._heard_at = time.monotonic()
        if pdu.command in ("submit_sm_resp", "generic_nack"):
            self._told = pdu
            self._answered(pdu, batch)
        elif pdu.command == "query_sm_resp":
            self._told = pdu
        elif pdu.command == "deliver_sm":
            self._delivered(client, pdu)
        elif pdu.command in ("enquire_link", "unbind"):
            answer = smpplib.smpp.make_pdu(f"{pdu.command}_resp", client=client)
            answer.sequence = pdu.sequence
            client.send_pdu(answer)
            if pdu.command == "unbind":
                raise smpplib.exceptions.ConnectionError
        return True

    def _enquire(self, client: _Client) -> None:
        """Ask whether the centre is still there, when it has been silent (SMPP 3.4, 4.11)."""
        now = time.monotonic()
        if self._enquired_at > self._heard_at and now - self._enquired_at > self._answer_s:
            raise smpplib.exceptions.ConnectionError
        if now - max(self._heard_at, self._enquired_at) > ENQUIRE_S:
            client.send_pdu(smpplib.smpp.make_pdu("enquire_link", client=client))
            self._enquired_at = now

    def _answered(self, pdu: Any, batch: Batch) -> None:
        if not pdu.status:
            batch.took(pdu.sequence, self._peer_id(pdu.message_id.decode("ascii", "replace").strip("\0 ")))
        elif pdu.status in _WAIT:
            batch.wait(pdu.sequence, time.monotonic())
        elif pdu.status in _OURS:
            text = f"Центр SMS не принимает отправителя (код {pdu.status:#x}): проверьте настройку sender"
            batch.refused(pdu.sequence, Fate.NOT_SENT, text)
            batch.give_up(text)
        else:
            fate = Fate.LATER if pdu.status in _LATER else Fate.REFUSED
            batch.refused(pdu.sequence, fate, f"Центр SMS не принял сообщение (код {pdu.status:#x})")

    def _peer_id(self, given: str) -> str:
        try:
            return str(int(given, 16)) if self._decimal else given
        except ValueError:
            return given

    def _delivered(self, client: _Client, pdu: Any) -> None:
        """Keep a receipt until it is confirmed; whatever else people send us is none of our business."""
        receipt = read_receipt(pdu)
        if receipt is None:
            self._respond(client, pdu.sequence)
            return
        self._unconfirmed.add(pdu.sequence)
        self._notices.append(Notice(*receipt, token=pdu.sequence))

    def _respond(self, client: _Client, sequence: int) -> None:
        answer = smpplib.smpp.make_pdu("deliver_sm_resp", client=client)
        answer.sequence = sequence
        client.send_pdu(answer)

    def take_notices(self, limit: int, wait_s: float) -> Sequence[Notice]:
        """Take receipts that came, waiting for the first; the centre repeats in a later session what is not confirmed.

        Raises:
            NotSent, SignInRefused: no session.
        """
        client = self._bound()
        until = time.monotonic() + wait_s
        try:
            while len(self._notices) < limit:
                left = 0 if self._notices else max(0.0, until - time.monotonic())
                if not self._read(client, min(left, 0.5), Batch()) and (self._notices or time.monotonic() >= until):
                    break
        except _BROKEN:
            self._drop()
            raise NotSent("Связь с центром SMS прервалась") from None
        return [self._notices.popleft() for _ in range(min(limit, len(self._notices)))]

    def ask(self, peer_ids: Sequence[str]) -> Mapping[str, Word]:
        """Ask about parts of which no word came (query_sm, 4.8); those that the centre cannot tell of are left out.

        Raises:
            NotSent, SignInRefused: no session.
        """
        client, words = self._bound(), dict[str, Word]()
        if self._decimal:  # the centre is asked by the id that it answered, and only the other one is kept
            return words
        try:
            for peer_id in peer_ids:
                told = self._asked(client, peer_id)
                if told.command == "generic_nack" or told.status == c.SMPP_ESME_RINVCMDID:
                    break  # it knows no such question
                if not told.status:
                    words[peer_id] = word_of(told.message_state)
        except _BROKEN:
            self._drop()
            raise NotSent("Связь с центром SMS прервалась") from None
        return words

    def _asked(self, client: _Client, peer_id: str) -> Any:
        pdu = smpplib.smpp.make_pdu("query_sm", client=client, message_id=peer_id, **self._source())
        client.send_pdu(pdu)
        until = time.monotonic() + self._answer_s
        while self._told is None or self._told.sequence != pdu.sequence:
            if time.monotonic() > until:
                raise smpplib.exceptions.ConnectionError
            self._read(client, 0.5, Batch())
        return self._told

    def confirm(self, tokens: Sequence[int]) -> None:
        """Answer receipts; those of a session that is over will come again.

        Raises:
            NotSent: the session broke.
        """
        if self._client is None:
            return
        try:
            for token in tokens:
                if token in self._unconfirmed:
                    self._respond(self._client, token)
                    self._unconfirmed.discard(token)
        except _BROKEN:
            self._drop()
            raise NotSent("Связь с центром SMS прервалась") from None

    def close(self) -> None:
        """Unbind; the centre keeps what we did not confirm."""
        if self._client is not None:
            try:
                self._client.send_pdu(smpplib.smpp.make_pdu("unbind", client=self._client))
                self._client.read_pdu()
            except _BROKEN:
                logging.getLogger(__name__).debug("the session was over before it was closed")
        self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.state = c.SMPP_CLIENT_STATE_OPEN
            self._client.disconnect()
        self._client = None
        self._notices.clear()
        self._unconfirmed.clear()

    def _bound(self) -> _Client:
        if self._client is not None:
            return self._client
        client = _Client(*self._place, logger_name="smpplib.client", allow_unknown_opt_params=True)
        try:
            client.use(self._connection())
            self._client = client
            names = {"system_id": self._settings["username"], "password": self._settings["password"]}
            system_type = self._settings.get("system_type", "")
            pdu = smpplib.smpp.make_pdu(
                "bind_transceiver", client=client, **names, system_type=system_type, interface_version=0x34
            )
            client.send_pdu(pdu)
            answer = client.read_pdu()
        except _BROKEN as error:
            self._drop()
            if isinstance(error, ssl.SSLError):
                raise NotSent("Не удалось установить защищённое соединение с центром SMS") from None
            raise NotSent("Нет соединения с центром SMS") from None
        if answer.status:
            self._drop()
            if answer.status in _SIGN_IN:
                raise SignInRefused(f"Центр SMS не принимает наши учётные данные (код {answer.status:#x})")
            raise NotSent(f"Центр SMS не открыл сеанс (код {answer.status:#x})")
        self._heard_at = time.monotonic()
        return client

    def _connection(self) -> socket.socket:
        plain = socket.create_connection(self._place, timeout=5)
        plain.settimeout(self._answer_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context is None:
            return plain
        try:
            return self._context.wrap_socket(plain, server_hostname=self._place[0])
        except OSError:
            plain.close()
            raise
