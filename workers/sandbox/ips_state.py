"""What the stand-in registers remember: records as they stand, and a ledger of every change they took.

SQLite, one file or memory only. The ledger never forgets, so that a test can prove that nothing was created twice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from workers.sandbox.stand import Memory

Json = dict[str, Any]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL, owner TEXT NOT NULL, id TEXT NOT NULL,
    content TEXT NOT NULL, UNIQUE (entity, owner, id));
CREATE INDEX IF NOT EXISTS records_id ON records (entity, id);
CREATE INDEX IF NOT EXISTS persons_snils ON records (json_extract(content, '$.snils')) WHERE entity = 'Person';
CREATE TABLE IF NOT EXISTS ledger (
    number INTEGER PRIMARY KEY AUTOINCREMENT, operation TEXT NOT NULL, owner TEXT NOT NULL, entity TEXT NOT NULL,
    entity_id TEXT NOT NULL, sha256 TEXT NOT NULL);
"""
_LEDGER: Final = "SELECT number, operation, owner, entity, entity_id, sha256 FROM ledger ORDER BY number"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One change the registers took. ``sha256`` (hex) is of the content sent, empty for a deletion."""

    number: int
    operation: str
    owner: str
    entity: str
    entity_id: str
    sha256: str


class Store(Memory):
    """The memory of one stand-in; any thread may use it, one at a time.

    ``owner`` of a record is the OID of its МО, unit, or person; empty for a record that stands by itself.
    """

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, _SCHEMA)

    def put(self, entity: str, owner: str, entity_id: str, content: Mapping[str, Any]) -> None:
        """Keep a record, in place of the one that stood; its place in lists does not change."""
        self._db.execute(
            "INSERT INTO records (entity, owner, id, content) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (entity, owner, id) DO UPDATE SET content = excluded.content",
            (entity, owner, entity_id, _canonical(content)),
        )

    def remove(self, entity: str, owner: str, entity_id: str) -> bool:
        """Take a record away; False when there is none."""
        query = "DELETE FROM records WHERE entity = ? AND owner = ? AND id = ?"
        return self._db.execute(query, (entity, owner, entity_id)).rowcount > 0

    def get(self, entity: str, owner: str, entity_id: str) -> Json | None:
        """Return a record, or None."""
        rows = self._all(
            "SELECT content FROM records WHERE entity = ? AND owner = ? AND id = ?", entity, owner, entity_id
        )
        return _object(rows[0][0]) if rows else None

    def has(self, entity: str, owner: str, entity_id: str) -> bool:
        """Whether there is such a record."""
        return bool(
            self._all("SELECT 1 FROM records WHERE entity = ? AND owner = ? AND id = ?", entity, owner, entity_id)
        )

    def by_snils(self, snils: str) -> Json | None:
        """Return the person with this СНИЛС, or None."""
        rows = self._all(
            "SELECT content FROM records WHERE entity = 'Person' AND json_extract(content, '$.snils') = ?", snils
        )
        return _object(rows[0][0]) if rows else None

    def owned(self, entity: str, owner: str) -> list[Json]:
        """Return the records of one owner in the order they came."""
        rows = self._all("SELECT content FROM records WHERE entity = ? AND owner = ? ORDER BY number", entity, owner)
        return [_object(row[0]) for row in rows]

    def holding(self, entity: str, owner: str, given_id: str) -> list[Json]:
        """Return those of ``owned`` in which this id, one that the register gave, stands anywhere."""
        query = "SELECT content FROM records WHERE entity = ? AND owner = ? AND instr(content, ?) ORDER BY number"
        return [_object(row[0]) for row in self._all(query, entity, owner, given_id)]

    def next_number(self) -> int:
        """Return a number no record has had."""
        rows = self._all("SELECT seq + 1 FROM sqlite_sequence WHERE name = 'records'")
        return int(rows[0][0]) if rows else 1

    def note(self, operation: str, owner: str, entity: str, entity_id: str, content: Mapping[str, Any] | None) -> None:
        """Enter a change into the ledger."""
        digest = "" if content is None else sha256(_canonical(content).encode()).hexdigest()
        self._db.execute(
            "INSERT INTO ledger (operation, owner, entity, entity_id, sha256) VALUES (?, ?, ?, ?, ?)",
            (operation, owner, entity, entity_id, digest),
        )

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every change ever taken, in order."""
        return tuple(LedgerEntry(*row) for row in self._all(_LEDGER))


def created_twice(ledger: tuple[LedgerEntry, ...]) -> tuple[LedgerEntry, ...]:
    """Creations that came more than once with the same content for the same owner: each after the first."""
    seen: Counter[tuple[str, str, str]] = Counter()
    repeated = []
    for entry in ledger:
        if entry.operation.endswith(".create"):
            key = (entry.entity, entry.owner, entry.sha256)
            if seen[key]:
                repeated.append(entry)
            seen[key] += 1
    return tuple(repeated)


def _canonical(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True)


def _object(text: str) -> Json:
    content: Json = json.loads(text)
    return content
