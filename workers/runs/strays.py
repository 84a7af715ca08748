"""Answers that name no packet of this journal, as after its database was restored from an older copy: kept in it as
documents, each once, so that the peer need not keep them and hands out those behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from gateway.domain.errors import GatewayError
from gateway.domain.statuses import STRAY_ANSWER, STRAY_ANSWER_TITLE, Operation, PacketStatus
from gateway.journal import launches, packets, receiving
from gateway.journal.engine import new_ids
from gateway.journal.packets import XML
from gateway.journal.receiving import ReceivedPacket
from gateway.xml.limits import ANSWER_LIMITS
from gateway.xml.parser import parse
from workers.exchange import Reply
from workers.runs.judging import NOT_XML

KEPT: Final = "в этом журнале такого пакета нет, ответ сохранён"


@dataclass(slots=True)
class Addressed:
    """Answers by whom they name: ``ours`` with the ids of their packets, ``strays`` no packet of this journal,
    ``others`` one of another service, ``unclear`` none at all, or two different ones, or there is nothing to keep.
    """

    ours: list[tuple[UUID, Reply]] = field(default_factory=list)
    strays: list[Reply] = field(default_factory=list)
    others: list[Reply] = field(default_factory=list)
    unclear: list[Reply] = field(default_factory=list)


def address(connection: Connection, service_code: str, system: Sequence[str], replies: Sequence[Reply]) -> Addressed:
    """Tell whom answers name. Names are looked for among the packets of ``system``, ids among all; whose МО a packet
    is does not matter."""
    ids = [reply.packet_id for reply in replies if reply.packet_id is not None]
    names = [reply.name for reply in replies if reply.name is not None]
    rows = packets.addressees(connection, ids, names, {service_code, *system})
    owners = {row.id: row.service_code for row in rows}
    named = {row.name: row.id for row in sorted(rows, key=lambda row: bool(row.service_code == service_code))}
    found = Addressed()
    for reply in replies:
        packet_id = reply.packet_id if reply.name is None else named.get(reply.name)
        if packet_id is not None and packet_id in owners and reply.packet_id in (None, packet_id):
            if owners[packet_id] == service_code:
                found.ours.append((packet_id, reply))
            else:
                found.others.append(reply)
        elif not _can_be_kept(reply) or {packet_id, reply.packet_id} & owners.keys():
            found.unclear.append(reply)
        else:
            found.strays.append(reply)
    return found


def _can_be_kept(reply: Reply) -> bool:
    """There is something to keep, and something that it names."""
    return bool(reply.answer) and (reply.packet_id is not None or reply.name is not None)


def keep(connection: Connection, service_code: str, launch_id: UUID | None, strays: Sequence[Reply]) -> bool:
    """Journal those that are not journaled yet as documents of a launch (None: the newest of the service), of no МО.

    False when there are none, or no launch at all to keep them with. The caller commits, then confirms them to the
    peer: one that comes again all the same, for its worker died in between, is known by its content.
    """
    launch_id = (launch_id or launches.newest(connection, service_code)) if strays else None
    if launch_id is None:
        return False
    receiving.lock_documents(connection, service_code)
    sealed = dict(zip(_seals(connection, strays), strays, strict=True))
    known = receiving.known_documents(connection, service_code, list(sealed))
    new = {seal: reply for seal, reply in sealed.items() if seal not in known}
    made = [
        _packet(key, seal, reply)
        for key, (seal, reply) in zip(new_ids(connection, launch_id), new.items(), strict=False)
    ]
    receiving.journal_received(connection, service_code, launch_id, made, ())
    return True


def note_confirmed(connection: Connection, service_code: str, strays: Iterable[Reply]) -> None:
    """Remember that the peer was told of these. The caller commits."""
    receiving.note_confirmed(connection, service_code, _seals(connection, strays))


def _seals(connection: Connection, strays: Iterable[Reply]) -> list[bytes]:
    return receiving.seal_documents(connection, ((f"answer {each.confirm_id}", each.answer) for each in strays))


def _packet(packet_id: UUID, seal: bytes, reply: Reply) -> ReceivedPacket:
    title = f"{STRAY_ANSWER_TITLE} {reply.packet_id}" if reply.packet_id else STRAY_ANSWER_TITLE
    return ReceivedPacket(
        id=packet_id,
        seal=seal,
        organization_id=None,
        packet_type=STRAY_ANSWER,
        operation=Operation.INSERT,
        status=PacketStatus.REFUSED,
        result_text=f"{title}: {KEPT}",
        data=reply.answer,
        media_type=XML if _is_xml(reply.answer) else NOT_XML,
    )


def _is_xml(data: bytes) -> bool:
    try:
        parse(data, ANSWER_LIMITS)
    except GatewayError:
        return False
    return True
