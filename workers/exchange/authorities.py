"""Words of an exchange that brings the register of certification authorities (УЦ)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO, Protocol

from gateway.domain.authorities import Authority, Freshness, Issue, IssueCounts


class Authorities(Protocol):
    """The register of УЦ as a session writes it: an issue is laid aside in batches and then put in force at once."""

    def current(self) -> Issue | None:
        """The issue in force."""
        ...

    def refresh(self, freshness: Freshness) -> None:
        """Remember newer marks of the document in force."""
        ...

    def begin(self, issue: Issue, file: BinaryIO) -> None:
        """Begin an issue and keep its file; what an interrupted attempt left is forgotten."""
        ...

    def put(self, authorities: Sequence[Authority], unreadable: Iterable[tuple[str, str]] = ()) -> set[tuple[str, str]]:
        """Lay a batch of УЦ aside; ``unreadable`` (ИНН, ОГРН) are listed and keep what is known of them.

        Returns the keys (ИНН, ОГРН) that were laid aside: a УЦ counts once.
        """
        ...

    def complete(self) -> IssueCounts:
        """Put the issue in force."""
        ...
