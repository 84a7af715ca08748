"""What the stand-in ФГИС ФРИ remembers: programmes it knows, packages it answered, measures it took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from workers.sandbox.stand import Memory

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS programmes (
  mse_id TEXT PRIMARY KEY, number TEXT NOT NULL, issued TEXT NOT NULL, valid_until TEXT NOT NULL, snils TEXT NOT NULL,
  last_name TEXT NOT NULL, first_name TEXT NOT NULL, birth_date TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS packages (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, sha256 BLOB NOT NULL, status TEXT NOT NULL,
  programmes INTEGER NOT NULL, measures INTEGER NOT NULL, receptions INTEGER NOT NULL, answer BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS measures (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, mse_id TEXT NOT NULL, sha256 BLOB NOT NULL,
  substance BLOB NOT NULL, acceptances INTEGER NOT NULL, revisions INTEGER NOT NULL, UNIQUE (mse_id, substance));
"""


@dataclass(frozen=True, slots=True)
class Programme:
    """One programme that ФБ МСЭ has issued; dates are ISO, ``valid_until`` and ``snils`` may be empty."""

    mse_id: str
    number: str
    issued: str
    valid_until: str
    snils: str
    last_name: str
    first_name: str
    birth_date: str


@dataclass(frozen=True, slots=True)
class Package:
    """One package ever answered; ``receptions`` counts its arrivals, ``measures`` those that came in it."""

    number: int
    id: str
    status: str
    programmes: int
    measures: int
    receptions: int


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure ever accepted: in how many different packages, and in how many different contents.

    A measure that came again as it was makes the first exceed the second.
    """

    number: int
    id: str
    mse_id: str
    acceptances: int
    revisions: int


class Store(Memory):
    """All of it; any thread may use it, one at a time."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, _SCHEMA)

    def know(self, programmes: Iterable[Programme]) -> int:
        """Enter programmes into the register, over what was known of them; return how many."""
        rows = [astuple(programme) for programme in programmes]
        with self._lock:
            self._db.executemany("INSERT OR REPLACE INTO programmes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return len(rows)

    def programme(self, mse_id: str) -> Programme | None:
        """A programme of the register."""
        row = self._one("SELECT * FROM programmes WHERE mse_id = ?", mse_id)
        return Programme(*row) if row else None

    def answered(self, package_id: str) -> tuple[bytes, bytes] | None:
        """Digest and answer of a package that came before; its arrival is counted."""
        row = self._one(
            "UPDATE packages SET receptions = receptions + 1 WHERE id = ? RETURNING sha256, answer", package_id
        )
        return (row[0], row[1]) if row else None

    def answer(self, package: Package, digest: bytes, answer: bytes) -> None:
        """Write a package with its answer."""
        counts = (package.programmes, package.measures, package.receptions)
        self._all(
            "INSERT INTO packages (id, sha256, status, programmes, measures, receptions, answer)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(package.id, digest, package.status, *counts, answer),
        )

    def owner(self, measure_id: str) -> str | None:
        """The programme in which a measure was accepted."""
        row = self._one("SELECT mse_id FROM measures WHERE id = ?", measure_id)
        return row[0] if row else None

    def same(self, mse_id: str, substance: bytes) -> str | None:
        """The measure of a programme that says the same."""
        row = self._one("SELECT id FROM measures WHERE mse_id = ? AND substance = ?", mse_id, substance)
        return row[0] if row else None

    def accept(self, measure_id: str, mse_id: str, digest: bytes, substance: bytes) -> None:
        """Take a measure, or another revision of one."""
        self._all(
            "INSERT INTO measures (id, mse_id, sha256, substance, acceptances, revisions) VALUES (?, ?, ?, ?, 1, 1)"
            " ON CONFLICT (id) DO UPDATE SET acceptances = acceptances + 1,"
            " revisions = revisions + (sha256 <> excluded.sha256), sha256 = excluded.sha256,"
            " substance = excluded.substance",
            *(measure_id, mse_id, digest, substance),
        )

    def packages(self) -> tuple[Package, ...]:
        """Every package ever answered, in the order of arrival."""
        query = "SELECT number, id, status, programmes, measures, receptions FROM packages ORDER BY number"
        return tuple(Package(*row) for row in self._all(query))

    def measures(self) -> tuple[Measure, ...]:
        """Every measure ever accepted, in the order of acceptance."""
        query = "SELECT number, id, mse_id, acceptances, revisions FROM measures ORDER BY number"
        return tuple(Measure(*row) for row in self._all(query))
