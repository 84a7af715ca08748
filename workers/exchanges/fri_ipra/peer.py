"""Операция wsdl/fri_ipra.wsdl как передача пакетов."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from workers.exchange import DocumentCaller, Known, Outgoing, Peer, Receipt, Reply
from workers.exchanges.fri_ipra.answer import verdict


def connect(transport: DocumentCaller) -> Peer:
    """Speak to ФГИС ФРИ over a transport that sends documents to the operations of its WSDL."""
    return _Fri(transport)


class _Fri:
    def __init__(self, transport: DocumentCaller) -> None:
        self._transport = transport

    def send(self, packets: Sequence[Outgoing]) -> Sequence[Receipt]:
        """SubmitIpraExecution, one packet a call; safe to repeat, ФРИ knows a packet by its PackageId."""
        return [self._submit(packet) for packet in packets]

    def ask(self, packet_ids: Sequence[UUID]) -> Mapping[UUID, Known]:
        """Nothing can be asked: what is in doubt is sent again with the same id."""
        return dict.fromkeys(packet_ids, Known.UNKNOWN)

    def take_answers(self, limit: int) -> Sequence[Reply]:  # noqa: ARG002 # every answer comes at once
        """There are no later answers."""
        return ()

    def confirm(self, confirm_ids: Sequence[str]) -> None:
        """There is nothing to confirm."""

    def _submit(self, packet: Outgoing) -> Receipt:
        exchanged = self._transport.submit("SubmitIpraExecution", packet.data)
        return Receipt(packet.packet_id, verdict(exchanged.sent, exchanged.answer), exchanged.data)
