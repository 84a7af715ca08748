"""The vocabulary of an exchange: all that an exchange folder may import from us.

An exchange folder holds ``manifest.toml`` and modules found by name; a module that the manifest's log kind does not
need may be absent:

``form.py``    ``form(job) -> Element``          source object → packet; pure
``rules.py``   ``check(job) -> findings``        business rules (ФЛК) on the source object; pure
``peer.py``    ``connect(transport) -> Peer``    the peer's verbs over the transport that the manifest names
``answer.py``  ``read(element) -> Verdict``      the peer's answer → outcome; pure
``session.py`` ``run(session) -> None``          one session with the peer (log kind ``session``)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from lxml import etree

from gateway.domain.errors import Finding
from gateway.domain.statuses import Operation, PacketStatus

__all__ = [
    "Caller",
    "Element",
    "Finding",
    "Form",
    "InDoubt",
    "Job",
    "Known",
    "MissingSourceData",
    "NotSent",
    "Operation",
    "Organization",
    "Outgoing",
    "PacketStatus",
    "Peer",
    "PeerRefused",
    "Receipt",
    "Reply",
    "Session",
    "SignInRefused",
    "SourceObject",
    "TransportError",
    "Verdict",
]

Element = etree._Element


@dataclass(frozen=True, slots=True)
class Organization:
    """A МО as an exchange sees it. ``codes`` holds its codes by system, such as ``{"tfoms": "340001"}``."""

    id: int
    oid: str
    name: str
    codes: Mapping[str, str]


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


class TransportError(Exception):
    """Base of what a transport may meet. The text is Russian, for the journal, without the peer's payload."""


class NotSent(TransportError):
    """The request certainly did not reach the peer, or the peer refused it whole: repeating is safe."""


class InDoubt(TransportError):
    """The request left and no usable answer came: the peer may or may not have taken it."""


class SignInRefused(TransportError):
    """The peer does not accept our credentials or certificate: repeating does not help."""


class PeerRefused(TransportError):
    """The peer answers that this call is wrong: repeating the same call does not help."""


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


class Caller(Protocol):
    """A transport that calls the operations of the WSDL that the manifest names."""

    def call(self, operation: str, /, **arguments: object) -> Any:
        """Call one operation; the result has the attributes that the WSDL gives it.

        Raises:
            NotSent, InDoubt, SignInRefused, PeerRefused.
        """
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


@dataclass(frozen=True, slots=True)
class SourceObject:
    """A submitted object as a session sees it; ``content`` is None when the МИС removed it."""

    object_type: str
    object_id: str
    content: Element | None


class Session(Protocol):
    """One session with a peer for one МО: the exchange tells it what happens, it journals."""

    organization: Organization
    transport: Any

    def objects(self, object_type: str) -> Iterator[SourceObject]:
        """Yield the МО's submitted objects of one type, in the order of their ids."""
        ...

    def event(self, code: str, title: str, about: str | None = None) -> AbstractContextManager[SessionEvent]:
        """Journal an event as begun; it is closed when the block ends."""
        ...

    def packet(self, packet_type: str, operation: Operation, data: bytes, about: str | None = None) -> UUID:
        """Journal a packet as SENDING before its bytes leave; returns its id."""
        ...

    def close(self, packet_id: UUID, verdict: Verdict, answer: bytes | None) -> None:
        """Journal what the peer said of a packet."""
        ...


class SessionEvent(Protocol):
    """An open event of a session."""

    def sent(self) -> None:
        """The request left now («Передача»)."""
        ...

    def answered(self) -> None:
        """The answer came now («Ответ»)."""
        ...

    def error(self, stage: str, message: str, about: str | None = None) -> None:
        """Register an error of the session; ``message`` is Russian."""
        ...


def lines(reasons: Iterable[str]) -> str:
    """Join reasons as «Результат» shows them, one a line."""
    return "\n".join(reasons)
