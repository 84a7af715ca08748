"""Versions of dictionaries: written whole or not at all, read by those who judge by them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, text, update

from gateway.domain.dictionaries import Entry
from gateway.journal.copying import copy_rows
from gateway.journal.reference_tables import reference_entries, reference_versions

_COLUMNS: Final = ("version_id", "position", "code", "title", "valid_from", "valid_to", "extra")
_PAGE: Final = 5000


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a dictionary. ``digest`` is of its entries, whatever file they came in."""

    id: int
    name: str
    valid_from: date
    loaded_at: datetime
    digest: bytes
    entries: int


def put_version(connection: Connection, name: str, valid_from: date, entries: Iterable[Entry]) -> Version | None:
    """Store a version with its entries (COPY, as they come); None when the newest of that date is the same already.

    Loads of one dictionary queue. The caller commits.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"reference:{name}"})
    newest = connection.execute(
        select(reference_versions.c.digest)
        .where(reference_versions.c.name == name, reference_versions.c.valid_from == valid_from)
        .order_by(reference_versions.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    with connection.begin_nested() as attempt:
        row = insert(reference_versions).values(name=name, valid_from=valid_from, digest=b"")
        version_id = connection.execute(row.returning(reference_versions.c.id)).scalar_one()
        rows = _Rows(version_id, entries)
        copy_rows(connection, "reference_entries", _COLUMNS, rows)
        if rows.digest() == newest:
            attempt.rollback()
            return None
        stored = connection.execute(
            update(reference_versions)
            .where(reference_versions.c.id == version_id)
            .values(digest=rows.digest(), entries=rows.count)
            .returning(*reference_versions.c)
        ).one()
    return _version(stored)


class _Rows:
    """Rows for COPY, counted and hashed while they pass."""

    def __init__(self, version_id: int, entries: Iterable[Entry]) -> None:
        self._version_id = version_id
        self._entries = entries
        self._hash = hashlib.sha256()
        self.count = 0

    def __iter__(self) -> Iterator[Sequence[object]]:
        for entry in self._entries:
            self.count += 1
            extra = json.dumps(dict(entry.extra), ensure_ascii=False, sort_keys=True) if entry.extra else None
            told = (entry.code, entry.title, entry.valid_from, entry.valid_to, extra)
            self._hash.update(json.dumps(told, ensure_ascii=False, default=str).encode() + b"\n")
            yield (self._version_id, self.count, *told)

    def digest(self) -> bytes:
        return self._hash.digest()


def list_versions(connection: Connection, name: str | None = None) -> list[Version]:
    """Every version of one dictionary or of all, by name and date, the newest of a date last."""
    query = select(reference_versions).order_by(
        reference_versions.c.name, reference_versions.c.valid_from, reference_versions.c.id
    )
    if name is not None:
        query = query.where(reference_versions.c.name == name)
    return [_version(row) for row in connection.execute(query)]


def versions_that_count(connection: Connection, names: Sequence[str]) -> list[Version]:
    """Of these dictionaries the newest version of every date, by name and date."""
    statement = text(
        """
        SELECT DISTINCT ON (name, valid_from) * FROM reference_versions WHERE name = ANY(CAST(:names AS text[]))
        ORDER BY name, valid_from, id DESC
        """
    )
    rows = connection.execute(statement, {"names": list(names)})
    return [_version(row) for row in rows]


def entries_of(connection: Connection, version_id: int) -> Iterator[Entry]:
    """Yield the entries of a version in the order of its file."""
    columns = reference_entries.c
    query = select(*columns).where(columns.version_id == version_id).order_by(columns.position).limit(_PAGE)
    rows = connection.execute(query).all()
    while rows:
        for row in rows:
            yield Entry(row.code, row.title, row.valid_from, row.valid_to, row.extra or {})
        rows = connection.execute(query.where(columns.position > rows[-1].position)).all()


def _version(row: Row[Any]) -> Version:
    return Version(row.id, row.name, row.valid_from, row.loaded_at, bytes(row.digest), row.entries)
