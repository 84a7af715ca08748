"""What a service of notifications still has to do, what waits for its next launch, what may be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

PARTS_DAYS: Final = 14
KEYS_DAYS: Final = 400
PARKED: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""``not_before`` of what waits for the next launch, since an operator stopped its own."""


def park(connection: Connection, launch_id: UUID) -> None:
    """Let what a launch still has to send wait for the next launch. The caller commits."""
    connection.execute(
        text(
            "UPDATE notifications SET not_before = :parked"
            " WHERE launch_id = :launch AND id >= :launch AND not_before IS NOT NULL"
        ),
        {"parked": PARKED, "launch": launch_id},
    )


def unpark(connection: Connection, service_code: str, scope: frozenset[int] | None) -> None:
    """Let what waits for a launch be sent now. The caller commits."""
    connection.execute(
        text(
            """
            UPDATE notifications SET not_before = clock_timestamp() WHERE service_code = :service
              AND not_before >= :parked
              AND (CAST(:scope AS bigint[]) IS NULL OR organization_id = ANY(CAST(:scope AS bigint[])))
            """
        ),
        {"service": service_code, "parked": PARKED, "scope": None if scope is None else sorted(scope)},
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a service still has to do: seconds until its next sending (None: nothing to send), words awaited or not."""

    next_s: float | None
    words: bool
    interrupted: bool

    @property
    def is_over(self) -> bool:
        """Nothing is left to be done."""
        return self.next_s is None and not self.words and not self.interrupted


def waiting(connection: Connection, service_code: str) -> Waiting:
    """Look what is still to be done, by three partial indexes."""
    row = connection.execute(
        text(
            """
            SELECT (SELECT extract(epoch FROM min(not_before) - clock_timestamp()) FROM notifications
                    WHERE service_code = :service AND not_before < :parked) AS next_s,
              EXISTS (SELECT FROM notifications WHERE service_code = :service AND await_until IS NOT NULL) AS words,
              EXISTS (SELECT FROM notifications WHERE service_code = :service AND status = 'SENDING'
                AND sender IS NOT NULL) AS interrupted
            """
        ),
        {"service": service_code, "parked": PARKED},
    ).one()
    return Waiting(None if row.next_s is None else max(0.0, float(row.next_s)), row.words, row.interrupted)


def count_waiting(connection: Connection, launch_id: UUID) -> tuple[int, int]:
    """Count a launch's notifications that wait to be sent, and those in doubt."""
    row = connection.execute(
        text(
            """
            SELECT count(*) FILTER (WHERE status IN ('NEW', 'SEND_ERROR') AND not_before IS NOT NULL),
              count(*) FILTER (WHERE status = 'SENDING') FROM notifications
            WHERE launch_id = :launch AND id >= :launch AND status IN ('NEW', 'SEND_ERROR', 'SENDING')
            """
        ),
        {"launch": launch_id},
    ).one()
    return int(row[0]), int(row[1])


def forget_notices(connection: Connection) -> None:
    """Delete peers' ids older than ``PARTS_DAYS`` and keys of events ``KEYS_DAYS`` past. The caller commits."""
    connection.execute(
        text("DELETE FROM notification_parts WHERE created_at < now() - make_interval(days => :days)"),
        {"days": PARTS_DAYS},
    )
    connection.execute(
        text("DELETE FROM notification_keys WHERE planned_on < current_date - CAST(:days AS int)"), {"days": KEYS_DAYS}
    )
