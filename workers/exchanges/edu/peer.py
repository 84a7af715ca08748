"""Операция wsdl/edu.wsdl как передача пакетов."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from workers.exchange import Caller, InDoubt, Known, Outgoing, PacketStatus, Peer, Receipt, Reply, Verdict

_STATUSES: Final = {
    "ACCEPTED": PacketStatus.ACCEPTED,
    "DUPLICATE": PacketStatus.ACCEPTED,
    "REJECTED": PacketStatus.REJECTED,
}


def connect(transport: Caller) -> Peer:
    """Speak to the educational organisations' service over a transport that calls the operations of its WSDL."""
    return _Schools(transport)


class _Schools:
    def __init__(self, transport: Caller) -> None:
        self._call = transport.call

    def send(self, packets: Sequence[Outgoing]) -> Sequence[Receipt]:
        """SendNotifications, 1 to 100; safe to repeat, a notification is known by its id and content."""
        notifications = {"notification": [packet.data.decode() for packet in packets]}
        result = self._call("SendNotifications", notifications=notifications)
        said = {item.position: item for item in getattr(result, "receipt", None) or []}
        if said.keys() != set(range(1, len(packets) + 1)):
            raise InDoubt("Служба образования прислала квитанции не на все уведомления.")
        return [_receipt(packet, said[place]) for place, packet in enumerate(packets, 1)]

    def ask(self, packet_ids: Sequence[UUID]) -> Mapping[UUID, Known]:
        """Nothing can be asked: what is in doubt is sent again with the same id."""
        return dict.fromkeys(packet_ids, Known.UNKNOWN)

    def take_answers(self, limit: int) -> Sequence[Reply]:  # noqa: ARG002 # every receipt comes at once
        """There are no later answers."""
        return ()

    def confirm(self, confirm_ids: Sequence[str]) -> None:
        """There is nothing to confirm."""


def _receipt(packet: Outgoing, said: Any) -> Receipt:
    status = _STATUSES.get(said.status)
    if status is None or (said.notificationId or str(packet.packet_id)).lower() != str(packet.packet_id):
        raise InDoubt("Служба образования прислала квитанцию, которую нельзя отнести к уведомлению.")
    text = ": ".join(part for part in (said.code, said.message) if part)
    return Receipt(packet.packet_id, Verdict(status, text if status is PacketStatus.REJECTED else ""))
