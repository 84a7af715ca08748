"""Уведомление школе: операция wsdl/edu.wsdl, или письмо, в котором только ссылка."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from workers.exchange import (
    Caller,
    Fate,
    Handed,
    InDoubt,
    Known,
    Message,
    Outgoing,
    PacketStatus,
    Peer,
    Post,
    Receipt,
    Reply,
    Verdict,
    WrongAddress,
    mail_address,
    read_packet,
)

from .form import NAMESPACE
from .letter import SUBJECT, text_of

_STATUSES: Final = {
    "ACCEPTED": PacketStatus.ACCEPTED,
    "DUPLICATE": PacketStatus.ACCEPTED,
    "REJECTED": PacketStatus.REJECTED,
}


_FATES: Final = {
    Fate.TAKEN: PacketStatus.ACCEPTED,
    Fate.REFUSED: PacketStatus.REJECTED,
    Fate.LATER: PacketStatus.FORMED,
    Fate.NOT_SENT: PacketStatus.FORMED,
}
_SCHOOL: Final = f"{{{NAMESPACE}}}EduOrg/{{{NAMESPACE}}}"


def connect(transport: Caller | Post) -> Peer:
    """Speak to the educational organisations' service over a transport that calls the operations of its WSDL, or write
    to each organisation by post.
    """
    return _Schools(transport) if isinstance(transport, Caller) else _Letters(transport)


class _Silent:
    """What neither way has: nothing can be asked, nothing comes later."""

    def ask(self, packet_ids: Sequence[UUID]) -> Mapping[UUID, Known]:
        """Nothing can be asked: what is in doubt is sent again with the same id."""
        return dict.fromkeys(packet_ids, Known.UNKNOWN)

    def take_answers(self, limit: int) -> Sequence[Reply]:  # noqa: ARG002 # every word comes at once
        """There are no later answers."""
        return ()

    def confirm(self, confirm_ids: Sequence[str]) -> None:
        """There is nothing to confirm."""


class _Schools(_Silent):
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


class _Letters(_Silent):
    """A letter a notification. Its Message-ID is the NotificationId, so that a reader shows a repeated one once."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def send(self, packets: Sequence[Outgoing]) -> Sequence[Receipt]:
        """Hand the letters to the mail server; of those about which nothing is known there is no receipt."""
        letters, unsent = [], []
        for packet in packets:
            try:
                letters.append(self._letter(packet))
            except WrongAddress as error:  # formed while notifications went another way
                unsent.append(Handed(packet.packet_id, Fate.REFUSED, str(error)))
        handed = [*(self._post.send(letters) if letters else ()), *unsent]
        return [
            Receipt(each.id, Verdict(_FATES[each.fate], each.text)) for each in handed if each.fate is not Fate.IN_DOUBT
        ]

    def _letter(self, packet: Outgoing) -> Message:
        """What leaves: neither the child nor its health is named in it."""
        school = read_packet(packet)
        told = text_of(school.findtext(_SCHOOL + "Name", ""), self._post.link(packet.packet_id))
        return Message(packet.packet_id, mail_address(school.findtext(_SCHOOL + "Email", "")), told, SUBJECT)


def _receipt(packet: Outgoing, said: Any) -> Receipt:
    status = _STATUSES.get(said.status)
    if status is None or (said.notificationId or str(packet.packet_id)).lower() != str(packet.packet_id):
        raise InDoubt("Служба образования прислала квитанцию, которую нельзя отнести к уведомлению.")
    text = ": ".join(part for part in (said.code, said.message) if part)
    return Receipt(packet.packet_id, Verdict(status, text if status is PacketStatus.REJECTED else ""))
