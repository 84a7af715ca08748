"""What a stand-in SMS centre remembers: parts it took, the messages they make, receipts it owes."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workers.sandbox.stand import Memory

NUMBER: Final = re.compile(r"7[0-9]{10}")
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS parts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, client_id TEXT UNIQUE, number TEXT NOT NULL, reference INTEGER NOT NULL,
  total INTEGER NOT NULL, position INTEGER NOT NULL, data BLOB NOT NULL, state INTEGER NOT NULL,
  receipt_at REAL, confirmed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS parts_receipt ON parts (receipt_at) WHERE receipt_at IS NOT NULL;
"""


@dataclass(frozen=True, slots=True)
class TakenPart:
    """One part as it was submitted; ``total`` 1 when it is a message by itself."""

    number: str
    data: bytes
    reference: int = 0
    total: int = 1
    position: int = 1
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class OwedReceipt:
    """A receipt due now."""

    id: int
    number: str
    state: int


@dataclass(frozen=True, slots=True)
class LedgerMessage:
    """A message that a number got, put together of its parts; ``whole`` when none is missing."""

    number: str
    text: str
    whole: bool


class SmscStore(Memory):
    """The memory of one centre; safe to use from any thread."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, _SCHEMA)

    def take(self, part: TakenPart, state: int, receipt_delay_s: float | None) -> int:
        """Keep a part and return its id; the same client's id again gives the same id and changes nothing."""
        receipt_at = None if receipt_delay_s is None else time.time() + receipt_delay_s
        row = (part.client_id, part.number, part.reference, part.total, part.position, part.data, state, receipt_at)
        with self._lock:
            if part.client_id is not None:
                known = self._db.execute("SELECT id FROM parts WHERE client_id = ?", (part.client_id,)).fetchone()
                if known:
                    return int(known[0])
            statement = (
                "INSERT INTO parts (client_id, number, reference, total, position, data, state, receipt_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            )
            return int(self._db.execute(statement, row).lastrowid or 0)

    def owed(self, limit: int, under_way: Sequence[int]) -> list[OwedReceipt]:
        """Receipts due now that no session is waiting to have confirmed, oldest first."""
        marks = ", ".join("?" * len(under_way))
        statement = (
            f"SELECT id, number, state FROM parts WHERE receipt_at <= ? AND id NOT IN ({marks})"  # noqa: S608 # only marks
            " ORDER BY receipt_at LIMIT ?"
        )
        return [OwedReceipt(*row) for row in self._all(statement, time.time(), *under_way, limit)]

    def confirm(self, part_id: int) -> None:
        """The receipt arrived."""
        self._all("UPDATE parts SET receipt_at = NULL, confirmed = 1 WHERE id = ?", part_id)

    def state_of(self, peer_id: str) -> int | None:
        """The state of a part by its id as clients know it; None when there is no such part."""
        if not re.fullmatch(r"[0-9a-f]{8}", peer_id):
            return None
        found = self._all("SELECT state FROM parts WHERE id = ?", int(peer_id, 16))
        return int(found[0][0]) if found else None

    def say_again(self, state: int) -> None:
        """Owe every receipt once more, now with this state."""
        self._all("UPDATE parts SET state = ?, receipt_at = 0, confirmed = 0", state)

    def messages(self) -> list[LedgerMessage]:
        """Every message taken, in the order of their first parts."""
        with self._lock:
            rows = self._db.execute("SELECT number, reference, total, position, data FROM parts ORDER BY id").fetchall()
        made: list[LedgerMessage] = []
        open_parts: dict[tuple[str, int], dict[int, bytes]] = {}
        for number, reference, total, position, data in rows:
            if total == 1:
                made.append(LedgerMessage(number, data.decode("utf-16-be"), whole=True))
                continue
            gathered = open_parts.setdefault((number, reference), {})
            gathered[position] = data
            if len(gathered) == total:
                text = b"".join(gathered[n] for n in sorted(gathered)).decode("utf-16-be")
                made.append(LedgerMessage(number, text, whole=True))
                del open_parts[number, reference]
        made += [LedgerMessage(number, "", whole=False) for number, _ in open_parts]
        return made

    def count(self) -> int:
        """Parts taken."""
        return int(self._all("SELECT count(*) FROM parts")[0][0])


def named(part_id: int) -> str:
    """The id of a part as clients know it."""
    return f"{part_id:08x}"
