"""Words of an exchange in sessions: the exchange tells what happens, the session journals it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from gateway.domain.errors import Finding
from gateway.domain.statuses import Operation
from workers.exchange.authorities import Authorities
from workers.exchange.common import Element, Organization, SourceObject
from workers.exchange.packets import Verdict


@dataclass(frozen=True, slots=True)
class Part:
    """What a request creates is a part of this object, of some kind: an object may have many at the peer."""

    source: SourceObject
    kind: str


PartIds = frozenset[tuple[str, str]]
"""Parts of an object that the peer holds: the kind of each and the id that the peer gave it."""


def write_parts(ids: Iterable[tuple[str, str]]) -> str | None:
    """``peer_id`` of an object that the peer holds in parts."""
    return "\n".join(f"{kind}:{entity_id}" for kind, entity_id in sorted(ids)) or None


def read_parts(peer_id: str | None) -> PartIds:
    """What :func:`write_parts` wrote."""
    lines = (line.partition(":") for line in (peer_id or "").splitlines())
    return frozenset((kind, entity_id) for kind, _, entity_id in lines)


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a session: the exact bytes that are journaled and handed to the transport's ``call``.

    ``source`` is the submitted object it is about: of one that is to change the peer is not known to hold anything
    until it is accepted. ``brings`` is the object that the peer holds as it is now unless it refuses, under ``peer_id``
    where it has one already; None when one request is not all of an object. ``notes`` are lines that are kept beside
    that id then.
    ``part`` is what it creates of an object then: the id is added to the object's with the answer.
    """

    packet_type: str
    operation: Operation
    data: bytes
    source: SourceObject | None = None
    brings: SourceObject | None = None
    peer_id: str | None = None
    notes: str = ""
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """A request that is an event of its own; ``about`` is what its errors are told of."""

    code: str
    title: str
    request: Request
    about: str | None = None


class Answer(Protocol):
    """What a peer said of one request."""

    @property
    def document(self) -> Element:
        """The answer as XML."""
        ...

    @property
    def refusal(self) -> str:
        """Empty when the peer did what it was asked, else its own words: for «Результат» and nothing else."""
        ...

    @property
    def nothing_there(self) -> bool:
        """The refusal says that the peer holds no such thing: to a request that only reads, an answer like any."""
        ...

    @property
    def entity_id(self) -> str | None:
        """Id that the peer gave to what the request created."""
        ...


@dataclass(frozen=True, slots=True)
class Doubt:
    """A request of an earlier attempt whose outcome is unknown; ``object_id`` is that of its submitted object.

    ``packet`` is the request as it left.
    """

    packet_id: UUID
    packet_type: str
    operation: Operation
    object_id: str | None
    packet: Element


class Session(Protocol):
    """One session with a peer for one МО: the exchange tells it what happens, it journals.

    Its transport is handed requests by ``call(data) -> Answer``. A service that is launched without a choice of МО has
    sessions without one: ``organization`` and ``objects`` raise ConfigurationError there.
    """

    transport: Any
    settings: Mapping[str, str]

    @property
    def organization(self) -> Organization:
        """The МО of the session."""
        ...

    def objects(self, object_type: str, *, due: bool = False) -> Iterator[SourceObject]:
        """Yield the МО's submitted objects of one type, in the order of their ids; read page by page.

        ``due`` leaves out those that the peer is known to hold as they are.
        """
        ...

    @property
    def authorities(self) -> Authorities:
        """The register of certification authorities (УЦ)."""
        ...

    def withhold(self) -> None:
        """Tell that nothing of the МО is to go to the peer: however well the session ends, it is no export."""
        ...

    def findings(self, element: Element) -> Sequence[Finding]:
        """What the schema of the peer's answers (``answer_schema`` of the manifest) says of an element."""
        ...

    def event(self, code: str, title: str, about: str | None = None) -> AbstractContextManager[SessionEvent]:
        """Journal an event as begun; it is closed when the block ends."""
        ...

    def send(self, event: SessionEvent, request: Request) -> Answer:
        """Send one request within an open event; see ``send_all``."""
        ...

    def send_all(self, event: SessionEvent, requests: Sequence[Request]) -> Sequence[Answer]:
        """Send requests within an open event, one after another; none may wait for another's answer.

        Each is journaled as a packet before its bytes leave and after its answer, several in one transaction. What
        certainly did not arrive is repeated as the manifest's ``[retry]`` says. What a request brings is noted as
        accepted unless the peer refuses.

        Raises:
            TransportError: a packet is closed, or in doubt; those behind it were not sent. The session must end.
        """
        ...

    def steps(self, actions: Sequence[Action]) -> Sequence[Answer]:
        """Send requests as ``send_all`` does, each as an event of its own; a refusal is an error of the session."""
        ...

    def accept(self, held: Sequence[tuple[SourceObject, str | None]]) -> None:
        """Note that the peer holds these objects as they are now, each under an id of its own where it has one."""
        ...

    def note_ids(self, ids: Sequence[tuple[SourceObject, str | None]]) -> None:
        """Note under which ids the peer holds objects, and not whether it holds them as they are."""
        ...

    def claiming(self, things: Iterable[str]) -> AbstractContextManager[None]:
        """Be the only session of the service at these things of the peer until the block ends; waits for the others.

        For what belongs to no single МО. One block at a time; what the peer holds is to be read inside it.
        """
        ...

    def doubts(self) -> Sequence[Doubt]:
        """Requests whose outcome is unknown. Read the peer's state first, then settle each by ``close``."""
        ...

    def packet(self, packet_type: str, operation: Operation, data: bytes, about: str | None = None) -> UUID:
        """Journal a packet as SENDING before its bytes leave; returns its id."""
        ...

    def close(self, packet_id: UUID, verdict: Verdict, answer: bytes | None) -> None:
        """Journal what the peer said of a packet."""
        ...


class SessionEvent(Protocol):
    """An open event of a session."""

    @property
    def id(self) -> UUID:
        """Its id in the journal."""
        ...

    def sent(self) -> None:
        """The request left now («Передача»)."""
        ...

    def answered(self) -> None:
        """The answer came now («Ответ»)."""
        ...

    def error(self, stage: str, message: str, about: str | None = None, *, fails: bool = True) -> None:
        """Register an error of the session; ``message`` is Russian. One that does not fail it is told all the same."""
        ...
