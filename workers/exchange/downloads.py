"""Words of an exchange that takes one public document: what comes, and how it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from gateway.domain.authorities import Freshness
from workers.exchange.common import Element


class Download(Protocol):
    """One document, whole, in a temporary file that is gone when it is closed. ``size`` is in bytes."""

    freshness: Freshness
    size: int
    sha256: bytes
    file: BinaryIO

    def children(self, root: str) -> Iterator[Element]:
        """Yield the children of the document's root element one by one, in flat memory.

        Raises:
            PeerRefused: the document is not well-formed XML with this root, or one child of it is too large.
        """
        ...

    def close(self) -> None:
        """Forget the file."""
        ...


class Downloads(Protocol):
    """A transport that downloads the document at the address of the settings."""

    def fetch(self, known: Freshness | None) -> Download | None:
        """Download the document; None when it is still the known one.

        Raises:
            NotSent: it did not come, and may come later.
            PeerRefused: nobody gives it out at this address, or it is too large.
        """
        ...

    def verify(self, download: Download) -> bool:
        """Have the document's signature verified; False when this installation has nobody who could.

        Raises:
            PeerRefused: the signature is wrong.
        """
        ...
