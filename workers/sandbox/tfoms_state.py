"""What the stand-in ТФОМС remembers: a ledger of every packet it took, and the objects that stand.

SQLite, one file or memory only. The ledger never forgets: an id, what came under it, how often, and the
verdict, so that a test can prove that nothing was lost or doubled. The state of a referral is not stored: it
follows from the objects that stand, hence a Delete takes back exactly what its Insert did.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from workers.sandbox.stand import Memory
from workers.sandbox.tfoms_packets import (
    DELETE,
    HOSPITALISATION,
    MOTION,
    REFERRAL,
    REFERRAL_CANCELLATION,
    REFUSAL,
    InboundAnswer,
    Packet,
)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS ledger (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, given_id TEXT NOT NULL,
    organisation TEXT NOT NULL, type TEXT NOT NULL, operation TEXT NOT NULL, object_id TEXT NOT NULL,
    verdict TEXT NOT NULL, codes TEXT NOT NULL, sha256 TEXT NOT NULL, receptions INTEGER NOT NULL,
    received_at REAL NOT NULL, answer TEXT NOT NULL, confirmed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS ledger_unconfirmed ON ledger (number) WHERE confirmed = 0;
CREATE TABLE IF NOT EXISTS objects (
    type TEXT NOT NULL, organisation TEXT NOT NULL, object_id TEXT NOT NULL, npr_id INTEGER NOT NULL,
    referral TEXT NOT NULL, hospitalisation TEXT NOT NULL, closes INTEGER NOT NULL,
    PRIMARY KEY (type, organisation, object_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS objects_referral ON objects (referral);
CREATE INDEX IF NOT EXISTS objects_hospitalisation ON objects (organisation, hospitalisation);
CREATE TABLE IF NOT EXISTS inbound (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, given_id TEXT NOT NULL,
    content TEXT NOT NULL, answer TEXT, answer_sha256 TEXT, receptions INTEGER NOT NULL DEFAULT 0);
"""


class ReferralState(StrEnum):
    """Where a referral stands."""

    OPEN = "open"
    CANCELLED = "cancelled"
    USED = "used"
    REFUSED = "refused"


_TAKES: Final = {
    REFERRAL_CANCELLATION: ReferralState.CANCELLED,
    HOSPITALISATION: ReferralState.USED,
    REFUSAL: ReferralState.REFUSED,
}


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One packet the peer took; ``codes`` belong to a negative verdict, ``receptions`` counts arrivals."""

    number: int
    id: str
    organisation: str
    type: str
    operation: str
    object_id: str
    verdict: str
    codes: tuple[str, ...]
    sha256: str
    receptions: int
    confirmed: bool


@dataclass(frozen=True, slots=True)
class InboundEntry:
    """One inbound packet; ``answer`` is what the МО said of it, None until it did."""

    id: str
    content: str
    answer: str | None
    receptions: int


@dataclass(frozen=True, slots=True)
class ReadyAnswer:
    """An answer waiting to be fetched."""

    id: str
    given_id: str
    content: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An object that stands: inserted and not deleted."""

    npr_id: int
    referral: str


class Store(Memory):
    """The memory of one stand-in; any thread may use it, one at a time."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(path, _SCHEMA)

    # --- the ledger -----------------------------------------------------------------------------------------

    def known_sha256(self, packet_id: str) -> str | None:
        """SHA-256 of what came under this id first; None when it never came."""
        row = self._one("SELECT sha256 FROM ledger WHERE id = ?", packet_id)
        return None if row is None else str(row[0])

    def received_again(self, packet_id: str) -> None:
        """Count one more arrival; its answer is offered again."""
        self._db.execute("UPDATE ledger SET receptions = receptions + 1, confirmed = 0 WHERE id = ?", (packet_id,))

    def record(self, packet: Packet, codes: Sequence[str], answer: str, received_at: float) -> None:
        """Enter a fresh packet with its verdict and answer."""
        verdict = "ERROR" if codes else "OK"
        self._db.execute(
            "INSERT INTO ledger (id, given_id, organisation, type, operation, object_id, verdict, codes,"
            " sha256, receptions, received_at, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
            (
                packet.id,
                packet.given_id,
                packet.organisation,
                packet.type,
                packet.operation,
                packet.object_id,
                verdict,
                " ".join(codes),
                packet.sha256,
                received_at,
                answer,
            ),
        )

    def next_number(self) -> int:
        """Number that the next recorded packet gets."""
        row = self._one("SELECT seq + 1 FROM sqlite_sequence WHERE name = 'ledger'")
        return 1 if row is None else int(row[0])

    def answered(self, packet_id: str, delay_s: float) -> bool | None:
        """Tell whether the answer is ready; None when the packet never came."""
        row = self._one("SELECT received_at FROM ledger WHERE id = ?", packet_id)
        return None if row is None else bool(row[0] <= time.time() - delay_s)

    def ready_answers(self, organisation: str | None, limit: int, delay_s: float) -> list[ReadyAnswer]:
        """Ready answers not confirmed yet, oldest first."""
        rows = self._all(
            "SELECT id, given_id, answer FROM ledger WHERE confirmed = 0 AND received_at <= ?"
            " AND (? IS NULL OR organisation = ?) ORDER BY number LIMIT ?",
            time.time() - delay_s,
            organisation,
            organisation,
            limit,
        )
        return [ReadyAnswer(*row) for row in rows]

    def confirm(self, packet_id: str) -> bool:
        """Mark an answer as fetched for good; False when no such packet came."""
        return self._db.execute("UPDATE ledger SET confirmed = 1 WHERE id = ?", (packet_id,)).rowcount > 0

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every packet ever taken, in the order of arrival."""
        rows = self._all(
            "SELECT number, id, organisation, type, operation, object_id, verdict, codes, sha256, receptions,"
            " confirmed FROM ledger ORDER BY number"
        )
        return tuple(
            LedgerEntry(
                number,
                packet_id,
                mo,
                kind,
                operation,
                object_id,
                verdict,
                tuple(codes.split()),
                sha256,
                times,
                bool(done),
            )
            for number, packet_id, mo, kind, operation, object_id, verdict, codes, sha256, times, done in rows
        )

    # --- the objects that stand -----------------------------------------------------------------------------

    def standing(self, packet: Packet) -> Standing | None:
        """Return the packet's own object as it stands before the packet."""
        row = self._one(
            "SELECT npr_id, referral FROM objects WHERE type = ? AND organisation = ? AND object_id = ?",
            packet.type,
            packet.organisation,
            packet.object_id,
        )
        return None if row is None else Standing(*row)

    def apply(self, packet: Packet, npr_id: int) -> None:
        """Let an accepted packet take effect."""
        key = (packet.type, packet.organisation, packet.object_id)
        self._db.execute("DELETE FROM objects WHERE type = ? AND organisation = ? AND object_id = ?", key)
        if packet.operation != DELETE:
            closes = packet.type == MOTION and bool(packet.value("DTA_OUT"))
            self._db.execute(
                "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*key, npr_id, packet.value("NOM_NAP"), packet.hospitalisation_id, closes),
            )

    def referral_state(self, referral: str, asker: Packet) -> ReferralState | None:
        """Where a referral stands, whatever ``asker``'s own object did to it; None when there is none."""
        rows = self._all(
            "SELECT type FROM objects WHERE referral = ? AND NOT (type = ? AND organisation = ? AND object_id = ?)",
            referral,
            asker.type,
            asker.organisation,
            asker.object_id,
        )
        types = {str(row[0]) for row in rows}
        if REFERRAL not in types and asker.type != REFERRAL:
            return None
        return next((state for kind, state in _TAKES.items() if kind in types), ReferralState.OPEN)

    def referral_taken(self, referral: str, asker: Packet) -> bool:
        """Tell whether another referral has this number."""
        row = self._one(
            "SELECT 1 FROM objects WHERE referral = ? AND type = ? AND NOT (organisation = ? AND object_id = ?)",
            referral,
            REFERRAL,
            asker.organisation,
            asker.object_id,
        )
        return row is not None

    def hospitalisation_open(self, hospitalisation: str, asker: Packet) -> bool | None:
        """Tell whether no other motion closed it; None when it does not stand."""
        key = (asker.organisation, hospitalisation)
        if (
            self._one(
                "SELECT 1 FROM objects WHERE type = ? AND organisation = ? AND object_id = ?",
                HOSPITALISATION,
                *key,
            )
            is None
        ):
            return None
        closed = self._one(
            "SELECT 1 FROM objects WHERE type = ? AND organisation = ? AND hospitalisation = ? AND closes"
            " AND object_id <> ?",
            MOTION,
            *key,
            asker.object_id,
        )
        return closed is None

    def has_motions(self, asker: Packet) -> bool:
        """Tell whether motions stand on ``asker``'s hospitalisation."""
        row = self._one(
            "SELECT 1 FROM objects WHERE type = ? AND organisation = ? AND hospitalisation = ?",
            MOTION,
            asker.organisation,
            asker.object_id,
        )
        return row is not None

    # --- inbound packets ------------------------------------------------------------------------------------

    def queue_inbound(self, given_id: str, content: str) -> None:
        """Queue a packet for the МО."""
        self._db.execute(
            "INSERT INTO inbound (id, given_id, content) VALUES (?, ?, ?)",
            (given_id.lower(), given_id, content),
        )

    def offer_again(self, packet_id: str, content: str) -> None:
        """Forget the answer to an inbound packet and offer it anew with this content."""
        self._all(
            "UPDATE inbound SET content = ?, answer = NULL, answer_sha256 = NULL WHERE id = ?", content, packet_id
        )

    def waiting_inbound(self, limit: int) -> list[ReadyAnswer]:
        """Inbound packets without an answer, oldest first."""
        rows = self._all(
            "SELECT id, given_id, content FROM inbound WHERE answer IS NULL ORDER BY number LIMIT ?", limit
        )
        return [ReadyAnswer(*row) for row in rows]

    def inbound_answer_sha256(self, packet_id: str) -> str | None:
        """SHA-256 of the answer given, empty when none was; None when there is no such packet."""
        row = self._one("SELECT coalesce(answer_sha256, '') FROM inbound WHERE id = ?", packet_id)
        return None if row is None else str(row[0])

    def answer_inbound(self, answer: InboundAnswer, content: str) -> None:
        """Keep the answer of a МО; the same one again is only counted."""
        self._db.execute(
            "UPDATE inbound SET answer = ?, answer_sha256 = ?, receptions = receptions + 1 WHERE id = ?",
            (content, answer.sha256, answer.id),
        )

    def inbound(self) -> tuple[InboundEntry, ...]:
        """Every inbound packet, in order."""
        rows = self._all("SELECT id, content, answer, receptions FROM inbound ORDER BY number")
        return tuple(InboundEntry(*row) for row in rows)
