"""Month partitions of all that grows, made ahead of time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, text

from gateway.domain.identifiers import uuid7_floor
from gateway.journal.engine import database_now
from gateway.journal.tables import PARTITIONED

MONTHS_AHEAD: Final = 3
_LOCK: Final = 5_180_001


def month_start(moment: datetime, offset: int = 0) -> datetime:
    """First moment of the month that lies ``offset`` months after that of ``moment``, UTC."""
    months = moment.year * 12 + moment.month - 1 + offset
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def ensure_partitions(connection: Connection, *, months_behind: int = 1, months_ahead: int = MONTHS_AHEAD) -> int:
    """Create the missing month partitions from last month to ``months_ahead`` months ahead; return how many were made.

    Safe to run at any time from any number of processes. The caller commits.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    there = set(
        connection.execute(
            text("SELECT inhrelid::regclass::text FROM pg_inherits JOIN pg_class c ON c.oid = inhparent")
        ).scalars()
    )
    now = database_now(connection)
    made = 0
    for offset in range(-months_behind, months_ahead + 1):
        start, end = month_start(now, offset), month_start(now, offset + 1)
        for table in PARTITIONED:
            name = f"{table.name}_{start:%Y_%m}"
            if name not in there:
                bounds = f"FROM ('{uuid7_floor(start)}') TO ('{uuid7_floor(end)}')"
                connection.execute(text(f'CREATE TABLE "{name}" PARTITION OF "{table.name}" FOR VALUES {bounds}'))
                made += 1
    return made
