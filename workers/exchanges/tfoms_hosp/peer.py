"""Операции ТФОМС (wsdl/tfoms.wsdl) as the verbs of a peer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol
from uuid import UUID

from workers.exchange import (
    Caller,
    Handled,
    Incoming,
    InDoubt,
    Known,
    Outgoing,
    PacketStatus,
    Peer,
    Receipt,
    Reply,
    Source,
    Verdict,
)

_KNOWN: Final = {"UNKNOWN": Known.UNKNOWN, "RECEIVED": Known.RECEIVED, "ANSWERED": Known.RECEIVED}


_ANSWERS: Final = 100
"""Answers in one SendInboundAnswers."""


def connect(transport: Caller) -> Peer:
    """Speak to ТФОМС over a transport that calls the operations of its WSDL."""
    return _Tfoms(transport)


def source(transport: Caller) -> Source:
    """Take what ТФОМС sends us, over the same transport."""
    return _Inbound(transport)


class _Tfoms:
    def __init__(self, transport: Caller) -> None:
        self._call = transport.call

    def send(self, packets: Sequence[Outgoing]) -> Sequence[Receipt]:
        """SendPackets, 1 to 100 packets; safe to repeat, ТФОМС knows a packet by its id and content."""
        result = self._call("SendPackets", packets={"packet": [packet.data.decode() for packet in packets]})
        said = {item.position: item for item in _items(result, "receipt")}
        if said.keys() != set(range(1, len(packets) + 1)):
            raise InDoubt("ТФОМС прислал квитанции не на все переданные пакеты.")
        return [_receipt(packet, said[place]) for place, packet in enumerate(packets, 1)]

    def ask(self, packet_ids: Sequence[UUID]) -> Mapping[UUID, Known]:
        """GetPacketStatus, 1 to 100 ids; a packet with an answer ready has been received."""
        result = self._call("GetPacketStatus", packetIds={"packetId": [str(each) for each in packet_ids]})
        known = {_uuid(item.id): _KNOWN.get(item.status) for item in _items(result, "packetStatus")}
        found = {each: state for each in packet_ids if (state := known.get(each)) is not None}
        if len(found) != len(set(packet_ids)):
            raise InDoubt("ТФОМС сообщил состояние не всех запрошенных пакетов.")
        return found

    def take_answers(self, limit: int) -> Sequence[Reply]:
        """GetAnswers, 1 to 1000 at once; the id of the packet is also what confirms its answer.

        One whose id is none is an answer to no packet, and bars none of the others.
        """
        result = self._call("GetAnswers", limit=limit)
        return [_reply(item.messageId or "", item.content or "") for item in _items(result, "answer")]

    def confirm(self, confirm_ids: Sequence[str]) -> None:
        """ConfirmAnswers, 1 to 1000 ids; safe to repeat. What ТФОМС does not know needs none."""
        self._call("ConfirmAnswers", messageIds={"messageId": list(confirm_ids)})


class _Inbound:
    def __init__(self, transport: Caller) -> None:
        self._call = transport.call

    def take(self, limit: int) -> Sequence[Incoming]:
        """GetInbound, 1 to 1000 packets without an answer; ``name`` is the id as ТФОМС writes it.

        One whose id is none is judged like any other, under what stands there, and bars none of the others.
        """
        result = self._call("GetInbound", limit=limit)
        return [_incoming(item.id or "", item.content or "") for item in _items(result, "packet")]

    def confirm(self, handled: Sequence[Handled]) -> Mapping[str, str]:
        """SendInboundAnswers; safe to repeat, the same answer is taken again."""
        refused: dict[str, str] = {}
        for start in range(0, len(handled), _ANSWERS):
            part = handled[start : start + _ANSWERS]
            answers = [(each.answer or b"").decode() for each in part]
            result = self._call("SendInboundAnswers", answers={"answer": answers})
            said = {item.position: item for item in _items(result, "receipt")}
            if said.keys() != set(range(1, len(part) + 1)):
                raise InDoubt("ТФОМС прислал квитанции не на все ответы.")
            for place, each in enumerate(part, 1):
                if said[place].result != "ACK":
                    refused[each.incoming.key] = _reason(said[place])
        return refused


def _items(result: object, name: str) -> list[Any]:
    """Read a list; an empty one comes as nothing at all."""
    return getattr(result, name, None) or []


def _incoming(given_id: str, content: str) -> Incoming:
    known = _guid(given_id)
    return Incoming(given_id if known is None else str(known), given_id, content.encode())


def _reply(message_id: str, content: str) -> Reply:
    return Reply(_guid(message_id), message_id, content.encode())


def _guid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _uuid(text: str | None) -> UUID:
    if (known := _guid(text or "")) is None:
        raise InDoubt("ТФОМС прислал идентификатор пакета, который не является GUID.")
    return known


class _Said(Protocol):
    id: str | None
    result: str
    code: str | None
    message: str | None


def _receipt(packet: Outgoing, said: _Said) -> Receipt:
    if said.id is not None and _uuid(said.id) != packet.packet_id:
        raise InDoubt("ТФОМС прислал квитанцию на другой пакет.")
    if said.result == "ACK":
        return Receipt(packet.packet_id, Verdict(PacketStatus.SENT))
    if said.result == "REFUSED":
        return Receipt(packet.packet_id, Verdict(PacketStatus.REJECTED, _reason(said)))
    raise InDoubt("ТФОМС прислал квитанцию с неизвестным итогом приёма.")


def _reason(said: _Said) -> str:
    return ": ".join(part for part in (said.code, said.message) if part)
