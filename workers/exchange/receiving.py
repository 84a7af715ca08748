"""Words of an exchange that receives: what a peer hands over, what we make of it, what we tell the peer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from gateway.domain.errors import Finding
from gateway.domain.standings import Standing
from gateway.domain.statuses import Operation, PacketStatus
from workers.exchange.common import Element, Organization, SourceObject
from workers.exchange.reference import Reference


@dataclass(frozen=True, slots=True)
class Question:
    """A submitted object that the peer is to be asked about; ``key`` tells this state of it from any other."""

    key: str
    organization: Organization
    source: SourceObject


@dataclass(frozen=True, slots=True)
class Incoming:
    """One document as the peer hands it over.

    ``key`` tells one delivery from another: the same key with the same content is the same document, journaled once and
    answered alike for ever. A source of files adds the file's time to its name, for a file that was put there again
    is another delivery. ``name`` is for the source itself (a file's name, an id); neither is shown or logged.

    The source gives key, name and data. The rest is filled in for ``receive``: ``packet_type`` is the manifest's packet
    type with this root element, ``element`` the parsed document (None: ``findings`` say why it cannot be read), and
    ``findings`` what the packet type's schema has against it. Do not change the element.

    What answers a ``question`` bears its key, or one that begins with it, and in ``request`` what the peer was asked.
    Its ``data`` may be empty: the peer has nothing to tell, or ``findings`` (given by the exchange) say why nothing
    could be asked or told.
    """

    key: str
    name: str
    data: bytes
    packet_type: str | None = None
    element: Element | None = None
    findings: tuple[Finding, ...] = ()
    question: Question | None = None
    request: bytes = b""


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


@runtime_checkable
class Remaining(Protocol):
    """A source that may leave documents to the next launch, since one launch takes only so many."""

    def remaining(self) -> str | None:
        """What is left, as the launch tells it: Russian, without the peer's payload; None: nothing is known to be."""
        ...


@dataclass(frozen=True, slots=True)
class Changes:
    """A page of what changed at the peer, and where the next page begins.

    ``cursor`` is kept in the transaction that journals the documents, so that each is read until it is journaled.
    ``more`` tells that there is another page now.
    """

    documents: Sequence[Incoming]
    cursor: str
    more: bool


class Inquiry(Protocol):
    """A peer that is asked: ``peer.inquiry(transport)``. Both verbs only read, and may raise NotSent, InDoubt,
    SignInRefused or PeerRefused.
    """

    def changes(self, cursor: str | None, limit: int) -> Changes:
        """What changed since, oldest first, about ``limit`` documents; None: since now.

        The key of a document tells one change from another.
        """
        ...

    def ask(self, question: Question) -> Incoming:
        """What the peer knows of one submitted object."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """What a document is the newest state of.

    ``subject`` tells whom or what it is about, ``digest`` what it tells of it, without what differs from one copy to
    another; ``as_of`` is when the peer made it, aware, where it tells. Neither is shown; both are kept sealed.
    """

    subject: str
    digest: str
    as_of: datetime | None = None


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
    ``concerns`` are those that it only tells of; they are linked with it alike, and nothing of theirs ends.
    ``marks`` are what a later document must not repeat (its own identifier, person and date); see ``Desk.received``.
    ``state`` makes it the newest of its subject for that МО: what the МИС was offered of it before is superseded.
    ``data`` is shown as «Данные пакета» instead of the document (the request, where that is what the МО may see).
    """

    status: PacketStatus
    text: str
    packet_type: str
    operation: Operation = Operation.INSERT
    organization: Organization | None = None
    answer: bytes | None = None
    documents: tuple[tuple[str, Element], ...] = ()
    closes: tuple[tuple[str, str], ...] = ()
    concerns: tuple[tuple[str, str], ...] = ()
    marks: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    state: State | None = None
    data: bytes | None = None


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

    def find(self, object_type: str, lookup: Sequence[str]) -> Iterable[Submitted]:
        """Submitted objects of a type whose ``lookup`` elements (manifest) have these values, the newest state first.

        All of the services of this folder and of every МО; those not asked for are not read. Letters' case, ё and е,
        and the number of blanks make no difference; an absent element equals an empty value. Removed objects are not
        found.
        """
        ...

    def received(self, mark: str) -> bool:
        """Tell whether an earlier document of this service bore this mark (``Reception.marks``)."""
        ...

    def standing(self, organization: Organization, state: State) -> Standing:
        """Compare a state with the newest of its subject that this МО was told of (``Reception.state``)."""
        ...


class Prepare(Protocol):
    """``receive.prepare``: the document as its schema and ``receive`` shall see it; pure."""

    def __call__(self, element: Element, settings: Mapping[str, str]) -> Element:
        """Read a document by the site's settings of the exchange.

        Raises:
            InvalidXml: not a document of the kind that the site states; ``receive`` gets its findings and no element.
            ConfigurationError: a setting is wrong.
        """
        ...


class Receive(Protocol):
    """``receive.receive``: judges one document; no effect but what the reception says, and the same for the same.

    A document that concerns several МО, or nobody, gives a reception for each, or none: it is journaled once for each,
    and what concerns nobody is not kept.
    """

    def __call__(self, incoming: Incoming, desk: Desk) -> Reception | Sequence[Reception]:
        """Judge one document."""
        ...


def receptions(given: Reception | Sequence[Reception]) -> Sequence[Reception]:
    """What ``receive`` gave, as a list."""
    return (given,) if isinstance(given, Reception) else given
