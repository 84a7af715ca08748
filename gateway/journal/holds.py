"""«Не отправлять повторно» and «Снять запрет отправки» in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text


def set_held(connection: Connection, packet_ids: Sequence[UUID], *, held: bool) -> set[UUID]:
    """Set or lift the flag on packets that do not have it so yet; return the ids that changed. The caller commits.

    The ban is of the object: banning the newest packet bars its object (each of them, in a packet of many) from every
    later run, lifting the ban of the newest packet frees it, and a rejected object whose ban is lifted is formed again
    although unchanged.
    """
    rows = connection.execute(
        text(
            """
            WITH mine AS (
              SELECT id FROM packets WHERE id = ANY(CAST(:ids AS uuid[])) AND held <> :held ORDER BY id FOR UPDATE)
            UPDATE packets p SET held = :held, changed_at = clock_timestamp() FROM mine
            WHERE p.id = mine.id AND p.held <> :held RETURNING p.id
            """
        ),
        {"ids": list(packet_ids), "held": held},
    )
    changed = set(rows.scalars())
    connection.execute(
        text(
            """
            WITH mine AS (
              SELECT id FROM source_objects
              WHERE id IN (SELECT source_object_id FROM packets WHERE id = ANY(CAST(:ids AS uuid[]))
                           UNION ALL
                           SELECT source_object_id FROM packet_items WHERE packet_id = ANY(CAST(:ids AS uuid[])))
                AND last_packet_id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE)
            UPDATE source_objects o SET held = :held,
              repeat_requested = CASE WHEN :held THEN false ELSE o.last_status = 'REJECTED' END
            FROM mine WHERE o.id = mine.id
            """
        ),
        {"ids": list(changed), "held": held},
    )
    return changed
