"""What a peer held before this journal began: staged whole, then told to the objects of one МО after another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from gateway.journal.copying import copy_rows
from gateway.journal.objects import lock_submissions

_COLUMNS: Final = ("position", "place", "organization_id", "object_type", "object_id", "accepted_hash")


@dataclass(frozen=True, slots=True)
class Held:
    """One object that the peer holds, and the place in the file that says so."""

    place: str
    organization_id: int
    object_type: str
    object_id: str
    accepted_hash: bytes


@dataclass(frozen=True, slots=True)
class Applied:
    """What a baseline changed: objects that now count as accepted, and lines kept for objects that are yet to come."""

    objects: int = 0
    kept: int = 0

    def __add__(self, other: Applied) -> Applied:
        return Applied(self.objects + other.objects, self.kept + other.kept)


def stage(connection: Connection, lines: Iterable[Held]) -> int:
    """Put lines where only this connection sees them (COPY, as they come); return how many."""
    connection.execute(text("DROP TABLE IF EXISTS pg_temp.staged_baseline"))
    connection.execute(
        text(
            """
            CREATE TEMPORARY TABLE staged_baseline (position integer, place text, organization_id bigint,
              object_type text, object_id text, accepted_hash bytea)
            """
        )
    )
    rows = (
        (position, line.place, line.organization_id, line.object_type, line.object_id, line.accepted_hash)
        for position, line in enumerate(lines)
    )
    copy_rows(connection, "pg_temp.staged_baseline", _COLUMNS, rows)
    connection.execute(text("CREATE INDEX ON staged_baseline (organization_id, object_type, object_id)"))
    connection.execute(text("ANALYZE staged_baseline"))
    return int(connection.execute(text("SELECT count(*) FROM staged_baseline")).scalar_one())


def repeated(connection: Connection, limit: int) -> list[str]:
    """Places of staged lines that tell of an object told of before, in the order of the file."""
    rows = connection.execute(
        text(
            """
            SELECT place FROM (
              SELECT place, position,
                row_number() OVER (PARTITION BY organization_id, object_type, object_id ORDER BY position) AS n
              FROM staged_baseline) s WHERE n > 1 ORDER BY position LIMIT :limit
            """
        ),
        {"limit": limit},
    )
    return list(rows.scalars())


def staged_organizations(connection: Connection) -> list[int]:
    """МО of the staged lines, in the order of their ids."""
    rows = connection.execute(text("SELECT DISTINCT organization_id FROM staged_baseline ORDER BY organization_id"))
    return list(rows.scalars())


def apply(connection: Connection, service_code: str, organization_id: int) -> Applied:
    """Tell the staged lines of one МО to its objects; those not submitted yet are kept until they come.

    What the peer accepted from this journal stands above a baseline. Submissions of the МО wait. The caller commits.
    Each line is looked up by the whole key of its object, whatever the server knows of how many there are.
    """
    lock_submissions(connection, service_code, organization_id)
    parameters = {"service": service_code, "organization": organization_id}
    told = connection.execute(_TELL, parameters).rowcount
    kept = connection.execute(_KEEP, parameters).rowcount
    return Applied(told, kept)


_TELL: Final = text(
    """
    WITH named AS MATERIALIZED (
      SELECT o.id, s.accepted_hash FROM staged_baseline s CROSS JOIN LATERAL (
        SELECT id FROM source_objects WHERE service_code = :service AND organization_id = s.organization_id
          AND object_type = s.object_type AND object_id = s.object_id LIMIT 1) o
      WHERE s.organization_id = :organization),
    mine AS (
      SELECT o.id, n.accepted_hash FROM named n JOIN source_objects o ON o.id = n.id
      WHERE o.accepted_hash IS DISTINCT FROM n.accepted_hash
        AND (o.last_packet_id IS NULL OR o.accepted_hash IS NULL AND o.last_status <> 'ACCEPTED')
      ORDER BY o.id FOR UPDATE OF o)
    UPDATE source_objects o SET accepted_hash = mine.accepted_hash FROM mine WHERE o.id = mine.id
    """
)

_KEEP: Final = text(
    """
    INSERT INTO baseline_objects (service_code, organization_id, object_type, object_id, accepted_hash)
    SELECT :service, s.organization_id, s.object_type, s.object_id, s.accepted_hash
    FROM staged_baseline s LEFT JOIN LATERAL (
      SELECT id FROM source_objects WHERE service_code = :service AND organization_id = s.organization_id
        AND object_type = s.object_type AND object_id = s.object_id LIMIT 1) o ON true
    WHERE s.organization_id = :organization AND o.id IS NULL
    ON CONFLICT (service_code, organization_id, object_type, object_id)
      DO UPDATE SET accepted_hash = excluded.accepted_hash
      WHERE baseline_objects.accepted_hash <> excluded.accepted_hash
    """
)


def drop_staged(connection: Connection) -> None:
    """Forget the staged lines."""
    connection.execute(text("DROP TABLE pg_temp.staged_baseline"))
