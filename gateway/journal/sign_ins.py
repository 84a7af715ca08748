"""Failures to sign in, counted for every web process together: each makes the next attempt wait longer.

A key stands for a login or for an address; it is a digest, since what is typed for a login may be a password. The table
is UNLOGGED: a crash of the server forgives everybody, and a guesser's attempts cost no WAL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, delete, select, text

from gateway.journal.registry_tables import sign_in_failures

FREE_FAILURES: Final = 5
"""Failures from which on there is a delay: 1 s, then twice as long each time."""
MAX_DELAY_S: Final = 300
FORGET_S: Final = 3600
"""Failures are forgotten so long after the last one's delay: an address is shared by many, all of whom mistype."""

_OLD: Final = f"until < clock_timestamp() - interval '{FORGET_S} seconds'"
_NOTE: Final = text(
    f"""
    INSERT INTO sign_in_failures AS known (key, failures, until)
    SELECT key, 1, clock_timestamp() FROM unnest(CAST(:keys AS bytea[])) AS k(key) ORDER BY key
    ON CONFLICT (key) DO UPDATE SET (failures, until) = (
      SELECT n, clock_timestamp() + make_interval(secs => CASE WHEN n < {FREE_FAILURES} THEN 0
        ELSE least({MAX_DELAY_S}, power(2, least(n - {FREE_FAILURES}, 30))) END)
      FROM (SELECT CASE WHEN known.{_OLD} THEN 1 ELSE known.failures + 1 END AS n) AS counted
    )
    """
)


def judge_alone(connection: Connection, key: bytes) -> None:
    """Wait until nobody else judges an attempt of this key, and let nobody until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"sign-in:{key.hex()}"})


def delays_s(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, float]:
    """Seconds that each of the keys with failures has still to wait, by key; not positive: it need not wait."""
    left = text("extract(epoch FROM until - clock_timestamp())::float8 AS left_s")
    rows = connection.execute(select(sign_in_failures.c.key, left).where(sign_in_failures.c.key.in_(keys)))
    return {bytes(row.key): float(row.left_s) for row in rows}


def note_failure(connection: Connection, keys: Sequence[bytes]) -> None:
    """Count a failure for each of the keys and forget a few old ones. The caller commits."""
    connection.execute(
        text(
            f"DELETE FROM sign_in_failures WHERE key IN (SELECT key FROM sign_in_failures WHERE {_OLD}"
            " ORDER BY until LIMIT 10 FOR UPDATE SKIP LOCKED)"
        )
    )
    connection.execute(_NOTE, {"keys": sorted(keys)})


def forgive(connection: Connection, key: bytes) -> None:
    """Clear the record of one key: its owner has proved who he is. The caller commits."""
    connection.execute(delete(sign_in_failures).where(sign_in_failures.c.key == key))


def forget_failures(connection: Connection) -> int:
    """Delete every record that no longer counts; return how many. The caller commits."""
    return connection.execute(delete(sign_in_failures).where(text(_OLD))).rowcount
