"""Following a message: ids of the packets that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

_OF_LAUNCHES: Final = text(
    """
    SELECT p.id FROM unnest(CAST(:launches AS uuid[])) AS l(id)
    CROSS JOIN LATERAL (
      SELECT id FROM packets WHERE launch_id = l.id AND id >= l.id
        AND (CAST(:visible AS bigint[]) IS NULL OR organization_id = ANY(CAST(:visible AS bigint[])))
      ORDER BY id LIMIT :limit) p
    ORDER BY p.id LIMIT :limit
    """
)
_OF_OBJECTS: Final = text(
    """
    SELECT DISTINCT r.id FROM (
      SELECT DISTINCT service_code, organization_id, packet_type, object_id FROM packets
      WHERE id = ANY(CAST(:ids AS uuid[])) AND object_id IS NOT NULL
      UNION
      SELECT p.service_code, p.organization_id, p.packet_type, i.object_id
      FROM packets p JOIN packet_items i ON i.packet_id = p.id WHERE p.id = ANY(CAST(:ids AS uuid[]))) o
    CROSS JOIN LATERAL (
      SELECT p.id FROM (
        SELECT id, service_code, organization_id, packet_type FROM packets WHERE object_id = o.object_id
        UNION ALL
        SELECT of.id, of.service_code, of.organization_id, of.packet_type
        FROM packet_items i JOIN packets of ON of.id = i.packet_id WHERE i.object_id = o.object_id) p
      WHERE p.service_code = o.service_code AND p.organization_id IS NOT DISTINCT FROM o.organization_id
        AND p.packet_type = o.packet_type ORDER BY p.id LIMIT :limit) r
    ORDER BY r.id LIMIT :limit
    """
)
_OF_CLOSINGS: Final = text(
    """
    SELECT o.closed_by AS id FROM packets p JOIN source_objects o ON o.id = p.source_object_id
    WHERE p.id = ANY(CAST(:ids AS uuid[])) AND o.closed_by IS NOT NULL
    UNION
    SELECT r.id FROM source_objects o
    CROSS JOIN LATERAL (
      SELECT p.id FROM packets p WHERE p.object_id = o.object_id AND p.source_object_id = o.id
      ORDER BY p.id LIMIT :limit) r
    WHERE o.closed_by = ANY(CAST(:ids AS uuid[]))
    ORDER BY id LIMIT :limit
    """
)


def launches_of_track(connection: Connection, account_id: int, track_id: str, track: UUID | None) -> list[UUID]:
    """Launches named by a launch id, by a packet group id, or by the account's own request id."""
    rows = connection.execute(
        text(
            """
            SELECT id FROM launches WHERE id = :track OR packet_group_id = :track
            UNION SELECT unnest(launch_ids) FROM launch_requests
              WHERE account_id = :account AND request_id = :request
            """
        ),
        {"track": track, "account": account_id, "request": track_id},
    )
    return list(rows.scalars())


def packets_of_launches(
    connection: Connection, launch_ids: Sequence[UUID], visible: frozenset[int] | None, limit: int
) -> list[UUID]:
    """The first packets of these launches that are of the visible МО (None: all)."""
    seen = None if visible is None else sorted(visible)
    parameters = {"launches": list(launch_ids), "visible": seen, "limit": limit}
    return list(connection.execute(_OF_LAUNCHES, parameters).scalars())


def packets_of_same_objects(connection: Connection, packet_ids: Sequence[UUID], limit: int) -> list[UUID]:
    """The first packets made of the same source objects as these."""
    return list(connection.execute(_OF_OBJECTS, {"ids": list(packet_ids), "limit": limit}).scalars())


def packets_of_closings(connection: Connection, packet_ids: Sequence[UUID], limit: int) -> list[UUID]:
    """What ended the exchange of these packets' objects, and the packets of the objects that these ended."""
    return list(connection.execute(_OF_CLOSINGS, {"ids": list(packet_ids), "limit": limit}).scalars())
