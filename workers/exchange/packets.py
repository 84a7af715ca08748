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
from workers.exchange.common import Element, Organization


@dataclass(frozen=True, slots=True)
class Job:
    """One packet to form.

    ``source`` is the last content the МИС submitted, also for a Delete; do not change it. ``formed_at`` is aware, UTC.
    """

    packet_id: UUID
    packet_type: str
    operation: Operation
    object_id: str
    organization: Organization
    formed_at: datetime
    source: Element


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One packet on its way out: the exact bytes journaled as «Данные пакета»."""

    packet_id: UUID
    packet_type: str
    operation: Operation
    data: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the peer said of one packet: ACCEPTED, PARTIAL or REJECTED (SENT while its verdict is awaited).

    ``text`` is «Результат»: one line per reason; empty when there is nothing to say.
    """

    status: PacketStatus
    text: str = ""
    items: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The peer's immediate word on one packet of a sent batch; ``answer`` is its raw bytes where it has any."""

    packet_id: UUID
    verdict: Verdict
    answer: bytes | None = None


class Known(StrEnum):
    """What a peer knows of a packet whose outcome is in doubt."""

    UNKNOWN = "UNKNOWN"
    RECEIVED = "RECEIVED"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer taken from the peer. ``confirm_id`` goes back to the peer when the answer is journaled."""

    packet_id: UUID
    confirm_id: str
    answer: bytes


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
