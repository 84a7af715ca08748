"""Words of every kind of exchange: МО, submitted objects, what may go wrong with a peer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from lxml import etree

Element = etree._Element


@dataclass(frozen=True, slots=True)
class Organization:
    """A МО as an exchange sees it. ``codes`` holds its codes by system, such as ``{"tfoms": "340001"}``."""

    id: int
    oid: str
    name: str
    codes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SourceObject:
    """A submitted object as a session sees it; ``content`` is None when the МИС removed it.

    ``peer_id`` is the id that the peer gave to it. ``digest`` names the state that ``content`` is in, ``accepted`` the
    one that the peer is known to hold (None: it holds none). ``former`` is the last content of a removed object.
    """

    object_type: str
    object_id: str
    content: Element | None
    peer_id: str | None = None
    digest: bytes | None = None
    accepted: bytes | None = None
    former: Element | None = None


class TransportError(Exception):
    """Base of what a transport may meet. The text is Russian, for the journal, without the peer's payload.

    ``answer`` is what the peer said where it answered that it failed over this one request, not that it is down.
    """

    answer: Any = None


class NotSent(TransportError):
    """The request certainly did not reach the peer, or the peer refused it whole: repeating is safe."""


class InDoubt(TransportError):
    """The request left and no usable answer came: the peer may or may not have taken it."""


class BadAnswer(InDoubt):
    """The peer is there, but what it answered cannot be read or contradicts itself."""


class SignInRefused(TransportError):
    """The peer does not accept our credentials or certificate: repeating does not help."""


class PeerRefused(TransportError):
    """The peer answers that this call is wrong: repeating the same call does not help."""


class FileUnusable(PeerRefused):
    """One file that came cannot be read or removed, now or ever; it says nothing of the others."""


@runtime_checkable
class Caller(Protocol):
    """A transport that calls the operations of the WSDL that the manifest names."""

    def call(self, operation: str, /, **arguments: object) -> Any:
        """Call one operation; the result has the attributes that the WSDL gives it.

        Raises:
            NotSent, InDoubt, SignInRefused, PeerRefused.
        """
        ...


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A document that was sent and the one that answers it; ``data`` are the bytes of the answer to journal."""

    sent: Element
    answer: Element
    data: bytes


class DocumentCaller(Protocol):
    """A transport that sends documents as they are to operations of the WSDL that the manifest names."""

    def submit(self, operation: str, document: bytes) -> Exchanged:
        """Send one document; its answer follows the schema of the WSDL.

        Raises:
            NotSent, InDoubt, SignInRefused, PeerRefused.
        """
        ...


def lines(reasons: Iterable[str], limit: int | None = None) -> str:
    """Join reasons as «Результат» shows them, one a line; beyond ``limit`` only their number is told."""
    told = list(reasons)
    if limit is not None and len(told) > limit:
        told[limit:] = [f"и ещё {len(told) - limit}"]
    return "\n".join(told)
