"""What the stand-in ФБ МСЭ remembers: a ledger of every file it took from its folder, and the referrals that stand.

SQLite, one file or memory only. The ledger never forgets: a name, what came under it, how often, and what the clerks
said of it, so that a test can prove that nothing was lost or doubled.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workers.sandbox.stand import Memory

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS ledger (
    number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, sha256 TEXT NOT NULL, codes TEXT NOT NULL,
    receptions INTEGER NOT NULL, received_at REAL NOT NULL, UNIQUE (name, sha256));
CREATE TABLE IF NOT EXISTS referrals (
    g_code TEXT PRIMARY KEY, content BLOB NOT NULL, received_at REAL NOT NULL, ticket TEXT) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One file as it was taken; ``codes`` say why it was put aside, ``receptions`` counts arrivals."""

    number: int
    name: str
    sha256: str
    codes: tuple[str, ...]
    receptions: int


class Store(Memory):
    """The memory of one stand-in; any thread may use it, one at a time."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, _SCHEMA)

    def enter(self, name: str, sha256: str, codes: tuple[str, ...], at: float) -> None:
        """Enter one arrival of a file."""
        self._all(
            "INSERT INTO ledger (name, sha256, codes, receptions, received_at) VALUES (?, ?, ?, 1, ?)"
            " ON CONFLICT (name, sha256) DO UPDATE SET receptions = receptions + 1",
            name,
            sha256,
            " ".join(codes),
            at,
        )

    def keep(self, g_code: str, content: bytes, at: float) -> None:
        """Keep a referral; one that came before under this code is replaced by it."""
        self._all(
            "INSERT INTO referrals (g_code, content, received_at) VALUES (?, ?, ?)"
            " ON CONFLICT (g_code) DO UPDATE SET content = excluded.content",
            g_code,
            content,
            at,
        )

    def is_closed(self, g_code: str) -> bool:
        """Tell whether a back ticket was laid out for this referral."""
        return bool(self._all("SELECT 1 FROM referrals WHERE g_code = ? AND ticket IS NOT NULL", g_code))

    def waiting(self, before: float) -> list[tuple[str, bytes]]:
        """Referrals that came before a moment and have no ticket yet, with their content."""
        return self._all(
            "SELECT g_code, content FROM referrals WHERE ticket IS NULL AND received_at <= ? ORDER BY received_at",
            before,
        )

    def close_referral(self, g_code: str, ticket: str) -> None:
        """Note the ticket of a referral."""
        self._all("UPDATE referrals SET ticket = ? WHERE g_code = ?", ticket, g_code)

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every file ever taken, in the order of arrival."""
        rows = self._all("SELECT number, name, sha256, codes, receptions FROM ledger ORDER BY number")
        return tuple(
            LedgerEntry(n, name, digest, tuple(codes.split()), times) for n, name, digest, codes, times in rows
        )

    def referrals(self) -> dict[str, str | None]:
        """Codes of the referrals that stand, each with the id of its ticket."""
        return dict(self._all("SELECT g_code, ticket FROM referrals"))
