"""The register of certification authorities as a session writes it: every step a fenced transaction of its own.

A worker that dies leaves an issue laid aside and not in force; the next one forgets it and begins again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Final

from sqlalchemy import Connection

from gateway.domain.authorities import Authority, Freshness, Issue, IssueCounts
from gateway.domain.errors import ConfigurationError
from gateway.journal import certification_authorities as register
from workers.runs.surroundings import Point

CHUNK_BYTES: Final = 64 * 1024
"""Pieces in which the file is kept: what stands in memory at once."""


class AuthorityDesk:
    """See ``workers.exchange.Authorities``. ``writing`` opens a fenced transaction of the session."""

    def __init__(
        self, writing: Callable[[], AbstractContextManager[Connection]], reached: Callable[[Point], None]
    ) -> None:
        self._writing = writing
        self._reached = reached
        self._issue_id: int | None = None

    def current(self) -> Issue | None:
        """The issue in force."""
        with self._writing() as connection:
            return register.current_issue(connection)

    def refresh(self, freshness: Freshness) -> None:
        """Remember newer marks of the document in force."""
        with self._writing() as connection:
            register.refresh(connection, freshness)

    def begin(self, issue: Issue, file: BinaryIO) -> None:
        """Begin an issue and keep its file, piece by piece."""
        with self._writing() as connection:
            self._issue_id = register.begin(connection, issue)
        file.seek(0)
        for position, piece in enumerate(iter(lambda: file.read(CHUNK_BYTES), b"")):
            with self._writing() as connection:
                register.put_chunk(connection, self._open_issue(), position, piece)

    def put(self, authorities: Sequence[Authority], unreadable: Iterable[tuple[str, str]] = ()) -> set[tuple[str, str]]:
        """Lay a batch of УЦ aside; return the keys that were laid aside."""
        with self._writing() as connection:
            stored = register.put(connection, self._open_issue(), authorities, unreadable)
        self._reached(Point.SETTLED)
        return stored

    def complete(self) -> IssueCounts:
        """Put the issue in force."""
        with self._writing() as connection:
            return register.complete(connection, self._open_issue())

    def _open_issue(self) -> int:
        if self._issue_id is None:
            raise ConfigurationError("Выпуск реестра УЦ не начат")
        return self._issue_id
