"""Words of every kind of exchange: МО, submitted objects, what may go wrong with a peer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

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
    """A submitted object as a session sees it; ``content`` is None when the МИС removed it."""

    object_type: str
    object_id: str
    content: Element | None


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


class Caller(Protocol):
    """A transport that calls the operations of the WSDL that the manifest names."""

    def call(self, operation: str, /, **arguments: object) -> Any:
        """Call one operation; the result has the attributes that the WSDL gives it.

        Raises:
            NotSent, InDoubt, SignInRefused, PeerRefused.
        """
        ...


def lines(reasons: Iterable[str]) -> str:
    """Join reasons as «Результат» shows them, one a line."""
    return "\n".join(reasons)
