"""«Не отправлять повторно» and «Снять запрет отправки» in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text


def set_held(connection: Connection, packet_ids: Sequence[UUID], *, held: bool) -> set[UUID]:
    """Set or lift the flag on packets that do not have it so yet; return the ids that changed. The caller commits.

    The ban is of the object: banning any of its packets bans the newest too and bars the object (each of them, in a
    packet of many that is their newest) from every later run. Lifting the ban of any of them lifts it from all of them
    and frees the object; a rejected object whose ban is lifted is formed again although unchanged.
    """
    meant = [*packet_ids, *_others(connection, packet_ids, held=held)]
    rows = connection.execute(
        text(
            """
            WITH mine AS (
              SELECT id FROM packets WHERE id = ANY(CAST(:ids AS uuid[])) AND held <> :held ORDER BY id FOR UPDATE)
            UPDATE packets p SET held = :held, changed_at = clock_timestamp() FROM mine
            WHERE p.id = mine.id AND p.held <> :held RETURNING p.id
            """
        ),
        {"ids": meant, "held": held},
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


def _others(connection: Connection, packet_ids: Sequence[UUID], *, held: bool) -> list[UUID]:
    """Packets of the same objects that share the ban: the newest, and when it is lifted all that bear it."""
    newest = """SELECT o.last_packet_id FROM packets p JOIN source_objects o ON o.id = p.source_object_id
        WHERE p.id = ANY(CAST(:ids AS uuid[])) AND o.last_packet_id IS NOT NULL"""
    banned = """SELECT f.id FROM packets p JOIN packets f
        ON f.object_id = p.object_id AND f.source_object_id = p.source_object_id
        WHERE p.id = ANY(CAST(:ids AS uuid[])) AND f.held"""
    rows = connection.execute(text(newest if held else banned), {"ids": list(packet_ids)})
    return list(rows.scalars())
