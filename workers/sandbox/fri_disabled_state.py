"""What the stand-in ФГИС ФРИ remembers: extracts, their changes, and what it handed out; in SQLite."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from workers.sandbox.stand import Memory

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS people (snils TEXT PRIMARY KEY, extract BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY AUTOINCREMENT, snils TEXT NOT NULL,
  changed_at TEXT NOT NULL, extract BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS changes_moment ON changes (changed_at, number);
CREATE TABLE IF NOT EXISTS ledger (number INTEGER PRIMARY KEY AUTOINCREMENT, operation TEXT NOT NULL,
  snils TEXT NOT NULL, outcome TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One thing handed out: by which operation, of whom, and what (FOUND, NOT_FOUND, or the number of a change)."""

    number: int
    operation: str
    snils: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Page:
    """Changes between two moments (ISO 8601, UTC, microseconds) behind the change of this number."""

    since: str | None
    until: str
    after: int


class Store(Memory):
    """Everything; ``pages`` are the tokens given out, which a restart forgets."""

    def __init__(self, file: Path | None) -> None:
        super().__init__(file, _SCHEMA)
        self._last = datetime.now(UTC)
        self.pages: Final[dict[str, Page]] = {}

    def tick(self) -> str:
        """This moment, later than every one told before."""
        with self._lock:
            self._last = max(datetime.now(UTC), self._last + timedelta(microseconds=1))
            return self._last.isoformat(timespec="microseconds")

    def put(self, snils: str, extract: bytes) -> None:
        """Keep a person's extract and announce it."""
        with self.transaction():
            self._all("INSERT OR REPLACE INTO people VALUES (?, ?)", snils, extract)
            self.announce(snils, extract)

    def announce(self, snils: str, extract: bytes) -> None:
        """Add a change."""
        self._all("INSERT INTO changes (snils, changed_at, extract) VALUES (?, ?, ?)", snils, self.tick(), extract)

    def extract(self, snils: str) -> bytes | None:
        """A person's extract."""
        return self._extract("SELECT extract FROM people WHERE snils = ?", snils)

    def extract_of_another(self, snils: str) -> bytes | None:
        """Somebody else's extract."""
        return self._extract("SELECT extract FROM people WHERE snils <> ? ORDER BY snils LIMIT 1", snils)

    def changes(self, page: Page, limit: int) -> list[tuple[int, str, str, bytes]]:
        """Number, СНИЛС, moment and extract of the changes of a page, oldest first."""
        statement = (
            "SELECT number, snils, changed_at, extract FROM changes"
            " WHERE changed_at >= ? AND changed_at <= ? AND number > ? ORDER BY number LIMIT ?"
        )
        return self._all(statement, page.since, page.until, page.after, limit)

    def record(self, operation: str, snils: str, outcome: str) -> None:
        """Write down what is handed out."""
        self._all("INSERT INTO ledger (operation, snils, outcome) VALUES (?, ?, ?)", operation, snils, outcome)

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every row, in order."""
        return tuple(LedgerEntry(*row) for row in self._all("SELECT * FROM ledger ORDER BY number"))

    def _extract(self, statement: str, snils: str) -> bytes | None:
        row = self._one(statement, snils)
        return None if row is None else bytes(row[0])
