"""How much XML is taken from outside; a document over a limit is refused, never cut."""

from __future__ import annotations

from dataclasses import dataclass
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

ENVELOPE_LIMITS: Final = XmlLimits(max_bytes=16 * MIB, max_depth=32, max_elements=50_000)
"""One SOAP request to the gateway."""

ANSWER_LIMITS: Final = XmlLimits(max_bytes=32 * MIB, max_depth=64, max_elements=500_000)
"""One answer of an external system, which may be a long list."""
