"""Words of an exchange that receives: what a peer hands over, what we make of it, what we tell the peer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from gateway.domain.errors import Finding
from gateway.domain.statuses import Operation, PacketStatus
from workers.exchange.common import Element, Organization, SourceObject
from workers.exchange.reference import Reference


@dataclass(frozen=True, slots=True)
class Incoming:
    """One document as the peer hands it over.

    ``key`` tells one delivery from another: the same key with the same content is the same document, journaled once and
    answered alike for ever. A source of files adds the file's time to its name, for a file that was put there again
    is another delivery. ``name`` is for the source itself (a file's name, an id); neither is shown or logged.

    The source gives key, name and data. The rest is filled in for ``receive``: ``packet_type`` is the manifest's packet
    type with this root element, ``element`` the parsed document (None: ``findings`` say why it cannot be read), and
    ``findings`` what the packet type's schema has against it. Do not change the element.
    """

    key: str
    name: str
    data: bytes
    packet_type: str | None = None
    element: Element | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Handled:
    """A document that is journaled, and what the peer is to be told: the same at every repetition.

    ``status`` is PROCESSED or REFUSED, ``text`` is «Результат», ``answer`` what ``receive`` made for the peer.
    """

    incoming: Incoming
    status: PacketStatus
    text: str
    answer: bytes | None


class Source(Protocol):
    """Where documents come from: ``peer.source(transport)``.

    Both verbs may raise NotSent, InDoubt, SignInRefused or PeerRefused, always for the whole call.
    """

    def take(self, limit: int) -> Sequence[Incoming]:
        """Hand over documents, oldest first; the same ones come again until confirmed."""
        ...

    def confirm(self, handled: Sequence[Handled]) -> Mapping[str, str]:
        """Tell the peer what became of its documents: send the answer, remove the file. Safe to repeat.

        Returns the keys of those about which the peer would not be told, with the reason: Russian, without the peer's
        payload; empty when all went well.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reception:
    """What became of one incoming document; journaled in one transaction with all that it brings about.

    ``status`` is PROCESSED or REFUSED; ``text`` is «Результат», one line per reason, and never quotes the document;
    empty means the findings, one a line with their places.
    ``organization`` is the МО it concerns (None: the document is shown to administrators of ЦОД only).
    ``answer`` goes to the peer and is shown as «Ответ».
    ``documents`` are (type, document) for the МИС of that МО to take; without a МО there must be none.
    ``closes`` are (object type, object id) of that МО's submitted objects whose exchange this document ends; the first
    is the packet's «Идентификатор документа в МИС», and the trail of either shows the other.
    ``marks`` are what a later document must not repeat (its own identifier, person and date); see ``Desk.received``.
    """

    status: PacketStatus
    text: str
    packet_type: str
    operation: Operation = Operation.INSERT
    organization: Organization | None = None
    answer: bytes | None = None
    documents: tuple[tuple[str, Element], ...] = ()
    closes: tuple[tuple[str, str], ...] = ()
    marks: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Submitted:
    """An object that ``Desk.find`` found: whose it is, since when it is as it is, and whether a document closed it."""

    organization: Organization
    source: SourceObject
    changed_at: datetime
    closed: bool


class Desk(Protocol):
    """What ``receive`` may ask while it judges one document. ``moment`` is aware, UTC: when the document was taken.

    ``reference`` answers for the dictionaries that the manifest names.
    """

    moment: datetime
    packet_id: UUID
    reference: Reference

    def organizations(self, system: str, code: str) -> Sequence[Organization]:
        """МО that have this code in a system, such as ``("tfoms", "340001")``, or this OID in the system ``oid``."""
        ...

    def find(self, object_type: str, lookup: Sequence[str]) -> Sequence[Submitted]:
        """Submitted objects of a type whose ``lookup`` elements (manifest) have these values, the newest state first.

        Of the services of this folder, of every МО, at most 100. Letters' case, ё and е, and the number of blanks make
        no difference; an absent element equals an empty value. Removed objects are not found.
        """
        ...

    def received(self, mark: str) -> bool:
        """Tell whether an earlier document of this service bore this mark (``Reception.marks``)."""
        ...


class Receive(Protocol):
    """``receive.receive``: judges one document; no effect but what the reception says, and the same for the same."""

    def __call__(self, incoming: Incoming, desk: Desk) -> Reception:
        """Judge one document."""
        ...
