"""How much XML is taken from outside; a document over a limit is refused, never cut."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Final

MIB: Final = 1024 * 1024

LIBXML2_MAX_DEPTH: Final = 256
"""Nesting at which libxml2 stops by itself; a limit of ours above it would never be reached."""

LIBXML2_MAX_TEXT_BYTES: Final = 10_000_000
"""Longest single text or attribute value that libxml2 takes, in bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """Limits of one kind of document; each is the largest value still accepted.

    ``max_bytes`` counts the bytes as they came, ``max_depth`` the nesting with the root as 1 (at most 256),
    ``max_elements`` the elements of the document, ``max_attributes`` the attributes of one element,
    ``max_namespaces`` the namespace declarations in force at one place.
    """

    max_bytes: int
    max_depth: int
    max_elements: int
    max_attributes: int = 256
    max_namespaces: int = 64

    def __post_init__(self) -> None:
        if self.max_depth > LIBXML2_MAX_DEPTH:
            raise ValueError(f"max_depth is at most {LIBXML2_MAX_DEPTH}")


DOCUMENT_LIMITS: Final = XmlLimits(max_bytes=8 * MIB, max_depth=64, max_elements=200_000)
"""One source object or one packet."""

ANSWER_LIMITS: Final = XmlLimits(max_bytes=32 * MIB, max_depth=64, max_elements=500_000)
"""One answer of an external system, which may be a long list."""


@dataclass(frozen=True, slots=True)
class RequestLimits(XmlLimits):
    """Limits of one SOAP request to the gateway: of its XML, and of how it comes.

    ``max_items`` counts the children of one element, ``send_s`` is how many seconds a caller has to send the body.
    """

    max_items: int = 10_000
    send_s: int = 30


def widest(several: Iterable[RequestLimits]) -> RequestLimits:
    """The limits within which all of these lie."""
    return RequestLimits(*map(max, _columns(several)))


def narrowest(several: Iterable[RequestLimits]) -> RequestLimits:
    """The limits that lie within all of these."""
    return RequestLimits(*map(min, _columns(several)))


def _columns(several: Iterable[RequestLimits]) -> Iterable[tuple[int, ...]]:
    return zip(*(astuple(limits) for limits in several), strict=True)


QUESTION_LIMITS: Final = RequestLimits(
    max_bytes=MIB, max_depth=16, max_elements=20_000, max_attributes=32, max_namespaces=32
)
"""A request whose answer may be long, but not itself."""

BULK_LIMITS: Final = RequestLimits(
    max_bytes=16 * MIB, max_depth=16, max_elements=50_000, max_attributes=32, max_namespaces=32, send_s=60
)
"""A request that carries documents; their text is judged later, each by ``DOCUMENT_LIMITS``."""

MAX_PENDING_BYTES: Final = 256 * MIB
"""Bodies that one web process holds at once, received or still coming in; of these the slowest give way to others."""

THREAD_BYTES: Final = 64 * MIB
"""Bodies after which the threads that parse them are replaced.

libxml2 keeps every name it has ever read in a dictionary of its thread, so a caller that sends ever new names would
fill the memory of a thread that lives for ever.
"""

HEADERS_S: Final = 10
"""Seconds a caller has to send the line and the headers of a request."""

MAX_HEADER_BYTES: Final = 64 * 1024
"""The line and the headers of one request together."""
