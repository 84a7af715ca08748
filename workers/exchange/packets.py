"""Words of an exchange of packets: a job to form, what leaves, what the peer says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from gateway.domain.errors import Finding
from gateway.domain.statuses import Operation, PacketStatus
from gateway.xml.parser import parse
from workers.exchange.common import Element, Organization
from workers.exchange.flk import Refusal
from workers.exchange.reference import NO_REFERENCE, Reference


@dataclass(frozen=True, slots=True)
class Job:
    """One packet to form.

    ``source`` is the last content the МИС submitted, also for a Delete; do not change it. ``formed_at`` is aware, UTC.
    ``reference`` answers for the dictionaries that the manifest names. ``accepted_parts`` are the parts of the object
    that the peer took in earlier packets, as ``ItemVerdict.parts`` told. ``way`` is the kind of the transport by which
    the packet will leave.
    """

    packet_id: UUID
    packet_type: str
    operation: Operation
    object_id: str
    organization: Organization
    formed_at: datetime
    source: Element
    reference: Reference = NO_REFERENCE
    accepted_parts: Mapping[str, str] = field(default_factory=dict)
    way: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the records of a packet of many.

    ``group_id`` is «ИД группы пакетов», ``position`` of ``size`` the packet's place in it, from 1. ``number`` is given
    to one packet of the МО, service and day (that of ``formed_at``, UTC) and to no other, from 1. Before the whole
    group is formed they are not known: the frame is a provisional one then, place 1 of 1, number 0.
    """

    packet_id: UUID
    packet_type: str
    operation: Operation
    organization: Organization
    formed_at: datetime
    group_id: UUID
    position: int = 1
    size: int = 1
    number: int = 0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One packet on its way out: the exact bytes journaled as «Данные пакета».

    ``name`` is what ``form.name`` called it.
    """

    packet_id: UUID
    packet_type: str
    operation: Operation
    data: bytes
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """What the peer said of one record of a packet of many; ``text`` is its reason, empty when there is none.

    Where a peer judges parts of a record, ``parts`` are those that it took: their names, each with a mark of its
    content by which the exchange tells later whether the part has changed. They are kept with the object and come back
    in ``Job.accepted_parts``.
    """

    accepted: bool
    text: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the peer said of one packet: ACCEPTED, PARTIAL or REJECTED (SENT while its verdict is awaited, also of an
    answer that only comes before it; FORMED: it does not take it now, trying again may help; SEND_ERROR: it could not
    be handed over).

    ``text`` is «Результат»: one line per reason; empty when there is nothing to say. ``items`` are words on single
    records, by position from 1; of a PARTIAL packet those not named are not accepted.
    ``refusals`` are reasons that name a field or a record of the packet: they are put to their places in it and told
    after ``text``, as are ``findings``, whose places are known already.
    ``named`` are words of a collected answer on records by an identifier that stands in them (in an element whose name
    holds ID, compared case-free): of an ACCEPTED packet those not named are not accepted then, and an identifier that
    the packet does not hold makes the answer one of another packet, which nobody reads.
    ``about`` is the packet that a collected answer itself names, where it does: under another's id nobody reads it.
    """

    status: PacketStatus
    text: str = ""
    items: Mapping[int, ItemVerdict] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    findings: tuple[Finding, ...] = ()
    named: Mapping[str, ItemVerdict] = field(default_factory=dict)
    about: UUID | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The peer's immediate word on one packet of a sent batch; ``answer`` is its raw bytes where it has any."""

    packet_id: UUID
    verdict: Verdict
    answer: bytes | None = None


def read_packet(packet: Outgoing) -> Element:
    """The packet's document, read again; it was valid when it was journaled."""
    return parse(packet.data)


class Known(StrEnum):
    """What a peer knows of a packet whose outcome is in doubt."""

    UNKNOWN = "UNKNOWN"
    RECEIVED = "RECEIVED"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer taken from the peer. ``confirm_id`` goes back to the peer when the answer is journaled.

    One that cannot be read stays with the peer and may come right, unless there are so many of them that nothing else
    would be handed out.

    The answer names its packet by id, by ``name`` (``Outgoing.name``), or by both, which must agree. One that names no
    packet of the journal is kept in it as a document and confirmed; one that names nothing, or the packet of another
    service, stays with the peer.
    """

    packet_id: UUID | None
    confirm_id: str
    answer: bytes
    name: str | None = None


class MissingSourceData(Exception):
    """``form`` cannot build the packet; the findings say what the МО must complete. Permanent."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(f.message for f in findings))
        self.findings = tuple(findings)


class Form(Protocol):
    """``form.form``: builds one packet; pure.

    Raises:
        MissingSourceData: the source lacks what the packet cannot be built without.
    """

    def __call__(self, job: Job) -> Element:
        """Build one packet."""
        ...


class FormRecord(Protocol):
    """``form.record``: builds one record of a packet of many; pure.

    Raises:
        MissingSourceData: the source lacks what the record cannot be built without.
    """

    def __call__(self, job: Job) -> Element:
        """Build one record; ``job.packet_id`` is not that of the packet it will stand in."""
        ...


class FormFrame(Protocol):
    """``form.frame``: builds a packet of many around its records; pure but for the records, which it takes over.

    The records are the last children of the root, in the order given, or stand where ``form.records(packet)`` finds
    them. They may come from a packet framed before: whatever a record says of its place is written anew.
    """

    def __call__(self, frame: Frame, records: Sequence[Element]) -> Element:
        """Build one packet."""
        ...


class Peer(Protocol):
    """What a peer of packets can do. A verb the peer lacks is not called when the manifest says so.

    Every verb may raise NotSent, InDoubt, SignInRefused or PeerRefused, always for the whole call.
    """

    def send(self, packets: Sequence[Outgoing]) -> Sequence[Receipt]:
        """Send packets in the given order, at most the manifest's batch; one receipt per packet."""
        ...

    def ask(self, packet_ids: Sequence[UUID]) -> Mapping[UUID, Known]:
        """Ask what became of packets in doubt."""
        ...

    def take_answers(self, limit: int) -> Sequence[Reply]:
        """Take ready answers, oldest first; the same ones come again until confirmed."""
        ...

    def confirm(self, confirm_ids: Sequence[str]) -> None:
        """Tell the peer that these answers are journaled."""
        ...
