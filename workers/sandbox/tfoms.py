"""The stand-in ТФОМС: wsdl/tfoms.wsdl served over HTTP, strict and stateful.

Refused at once, in the receipt (REFUSED): 001 not well-formed, 003 unknown type, 002 when ZGLV/ID cannot be
read, 004 an id that came before with other content, 005 an answer to an inbound packet that was never sent.
All the rest, 002 with a readable id included, is taken (ACK) and told later in an ANSWER, once
``answer_delay_s`` is over. A packet is judged once, on arrival, in the order of the request; the same packet
again gets the same receipt and its answer is offered again, confirmed or not.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import click
from lxml import etree

from gateway.domain.errors import InvalidRequest
from gateway.resources import resource_dir
from gateway.xml.schemas import validate
from workers.sandbox.commands import serve, serving, signing_in
from workers.sandbox.soap import Credentials, Element
from workers.sandbox.soap11 import Soap11Peer
from workers.sandbox.stand import Opened, SoapStand
from workers.sandbox.switches import Malformation, Switches, chosen
from workers.sandbox.tfoms_packets import (
    ANSWER,
    Packet,
    Refusal,
    RefusedAtOnce,
    read_answer,
    read_packet,
    refusals_of,
    write_answer,
    write_perschange,
)
from workers.sandbox.tfoms_reference import Reference
from workers.sandbox.tfoms_rules import check
from workers.sandbox.tfoms_state import InboundEntry, LedgerEntry, ReadyAnswer, Store

log = logging.getLogger(__name__)

PATH: Final = "/tfoms"
SERVICE: Final = "urn:service-journal:tfoms:ws:1"
MAX_INBOUND: Final = 1000
_SUBMISSIONS: Final = frozenset({"SendPackets", "SendInboundAnswers"})
_BY_SWITCH: Final = Refusal("900", "Отказ по переключателю стенда.")


class TfomsSandbox(SoapStand):
    """One stand-in ТФОМС in this process. ``switches`` may be changed at any moment.

    The admin endpoint has GET /ledger and GET, POST /inbound.
    """

    path = PATH

    def _open(self, credentials: Credentials, state: Path | None) -> Opened:
        self._store = Store(state)
        peer = _TfomsPeer(self._store, self.switches)
        soap = Soap11Peer(
            resource_dir("wsdl") / "tfoms.wsdl",
            PATH,
            credentials,
            peer.operations,
            _SUBMISSIONS,
            fault="tfomsFault",
        )
        admin = {
            ("GET", "/ledger"): lambda _: [asdict(entry) for entry in self.ledger()],
            ("GET", "/inbound"): lambda _: [asdict(entry) for entry in self.inbound()],
            ("POST", "/inbound"): self._queue,
        }
        return soap, admin, self._store

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every packet ever taken, in the order of arrival."""
        return self._store.ledger()

    def inbound(self) -> tuple[InboundEntry, ...]:
        """Every inbound packet with the answer of the МО, in order."""
        return self._store.inbound()

    def queue_inbound(self, organisation: str, count: int = 1) -> tuple[str, ...]:
        """Queue invented PERSCHANGE packets for a МО (code of six digits) and return their ids."""
        with self._store.transaction():
            first = len(self._store.inbound()) + 1
            ids = tuple(str(uuid4()) for _ in range(count))
            for number, message_id in enumerate(ids, first):
                content = write_perschange(message_id, datetime.now(UTC), organisation, number)
                self._store.queue_inbound(message_id, content)
        return ids

    def offer_inbound(self, message_id: str, content: str) -> None:
        """Queue a packet of any content, right or wrong."""
        with self._store.transaction():
            self._store.queue_inbound(message_id, content)

    def offer_again(self, message_id: str, content: str) -> None:
        """Offer a packet anew under its id, as a peer does that has lost our answer, or its books."""
        with self._store.transaction():
            self._store.offer_again(message_id.lower(), content)

    def _queue(self, order: dict[str, Any]) -> dict[str, Sequence[str]]:
        organisation, count = order.get("organisation"), order.get("count", 1)
        if not isinstance(organisation, str) or organisation not in Reference().organisations:
            raise InvalidRequest("Нужен код МО из справочника стенда: organisation.")
        if not isinstance(count, int) or not 1 <= count <= MAX_INBOUND:
            raise InvalidRequest(f"Число пакетов count: от 1 до {MAX_INBOUND}.")
        return {"ids": self.queue_inbound(organisation, count)}


class _TfomsPeer:
    """The operations of the WSDL."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store = store
        self._switches = switches
        self._reference = Reference()
        self._schemas = resource_dir("xsd") / "tfoms" / "1.0"
        self.operations: Final = {
            "SendPackets": self.send_packets,
            "GetPacketStatus": self.get_packet_status,
            "GetAnswers": self.get_answers,
            "ConfirmAnswers": self.confirm_answers,
            "GetInbound": self.get_inbound,
            "SendInboundAnswers": self.send_inbound_answers,
        }

    def send_packets(self, request: Element) -> Element:
        """Take packets in the order given, all in one transaction."""
        return self._receipts(request, "packets/packet", self._take)

    def send_inbound_answers(self, request: Element) -> Element:
        """Take the answers of a МО to inbound packets."""
        return self._receipts(request, "answers/answer", self._take_answer)

    def get_packet_status(self, request: Element) -> Element:
        """Tell what became of packets; changes nothing."""
        result = _new("result")
        statuses = _add(result, "packetStatuses")
        delay_s = self._switches.values.answer_delay_s
        for given in _texts(request, "packetIds/packetId"):
            answered = self._store.answered(given.lower(), delay_s)
            status = _add(statuses, "packetStatus")
            _add(status, "id", given)
            _add(status, "status", {None: "UNKNOWN", False: "RECEIVED", True: "ANSWERED"}[answered])
        return result

    def get_answers(self, request: Element) -> Element:
        """Hand out ready answers; changes nothing but the countdown of malformed ones."""
        organisation = next(iter(_texts(request, "CODE_MO")), None)
        (limit,) = _texts(request, "limit")
        result = _new("result")
        answers = _add(result, "answers")
        delay_s = self._switches.values.answer_delay_s
        for ready in self._store.ready_answers(organisation, int(limit), delay_s):
            answer = _add(answers, "answer")
            _add(answer, "messageId", ready.given_id)
            _add(answer, "content", self._spoilt(ready))
        return result

    def confirm_answers(self, request: Element) -> Element:
        """Stop offering the answers named."""
        result = _new("result")
        confirmations = _add(result, "confirmations")
        with self._store.transaction():
            for given in _texts(request, "messageIds/messageId"):
                known = self._store.confirm(given.lower())
                confirmation = _add(confirmations, "confirmation")
                _add(confirmation, "messageId", given)
                _add(confirmation, "result", "CONFIRMED" if known else "UNKNOWN")
        return result

    def get_inbound(self, request: Element) -> Element:
        """Hand out inbound packets without an answer; changes nothing."""
        (limit,) = _texts(request, "limit")
        result = _new("result")
        packets = _add(result, "packets")
        for waiting in self._store.waiting_inbound(int(limit)):
            packet = _add(packets, "packet")
            _add(packet, "id", waiting.given_id)
            _add(packet, "content", waiting.content)
        return result

    def _receipts(self, request: Element, path: str, take: Callable[[str], str]) -> Element:
        result = _new("result")
        receipts = _add(result, "receipts")
        with self._store.transaction():
            for position, text in enumerate(_texts(request, path), 1):
                receipt = _add(receipts, "receipt")
                _add(receipt, "position", str(position))
                try:
                    given_id = take(text)
                except RefusedAtOnce as error:
                    if error.given_id:
                        _add(receipt, "id", error.given_id)
                    _add(receipt, "result", "REFUSED")
                    _add(receipt, "code", error.code)
                    _add(receipt, "message", error.message)
                else:
                    _add(receipt, "id", given_id)
                    _add(receipt, "result", "ACK")
        return result

    def _take(self, text: str) -> str:
        packet = read_packet(text)
        known = self._store.known_sha256(packet.id)
        if known is None:
            self._judge(packet)
        elif known == packet.sha256:
            self._store.received_again(packet.id)
        else:
            raise RefusedAtOnce("004", "Идентификатор уже занят другим содержанием.", packet.given_id)
        return packet.given_id

    def _judge(self, packet: Packet) -> None:
        received_at = time.time()
        refusals = self._refusals(packet)
        standing = self._store.standing(packet)
        npr_id = self._store.next_number() if standing is None else standing.npr_id
        moment = datetime.fromtimestamp(received_at, UTC)
        answer = write_answer(packet, moment, refusals, npr_id)
        if not refusals:
            self._store.apply(packet, npr_id)
        self._store.record(packet, [refusal.code for refusal in refusals], answer, received_at)

    def _refusals(self, packet: Packet) -> Sequence[Refusal]:
        findings = validate(packet.root, self._schemas / f"{packet.type}.xsd")
        if findings:
            return refusals_of(findings)
        refusals = check(packet, self._store, self._reference)
        switches = self._switches.values
        if not refusals and chosen(switches, "reject", packet.id, switches.reject_percent):
            return (_BY_SWITCH,)
        return refusals

    def _take_answer(self, text: str) -> str:
        answer = read_answer(text)
        findings = validate(answer.root, self._schemas / f"{ANSWER}.xsd")
        if findings:
            raise RefusedAtOnce("002", findings[0].message, answer.given_id)
        known = self._store.inbound_answer_sha256(answer.id)
        if known is None:
            raise RefusedAtOnce("005", "Входящего пакета с таким идентификатором не было.", answer.given_id)
        if known not in {"", answer.sha256}:
            raise RefusedAtOnce("004", "На пакет уже дан другой ответ.", answer.given_id)
        self._store.answer_inbound(answer, text)
        return answer.given_id

    def _spoilt(self, ready: ReadyAnswer) -> str:
        values = self._switches.values
        if not (
            chosen(values, "malformed", ready.id, values.malformed_answer_percent)
            or self._switches.take("malformed_answer_next")
        ):
            return ready.content
        if values.malformation is Malformation.TRUNCATED:
            return ready.content[: len(ready.content) // 2]
        return ready.content.replace("<RESULT>", "<RESULT>?")


@click.command
@serving
@signing_in
def command(**given: Any) -> None:
    """ТФОМС: пакеты госпитализации по SOAP."""
    sandbox = TfomsSandbox()
    serve("ТФОМС", sandbox, partial(sandbox.start, **given))


def _name(local: str) -> str:
    return f"{{{SERVICE}}}{local}"


def _new(local: str) -> Element:
    return etree.Element(_name(local), nsmap={None: SERVICE})


def _add(parent: Element, local: str, text: str | None = None) -> Element:
    child = etree.SubElement(parent, _name(local))
    child.text = text
    return child


def _texts(request: Element, path: str) -> list[str]:
    found = request.iterfind("/".join(_name(step) for step in path.split("/")))
    return [element.text or "" for element in found]
