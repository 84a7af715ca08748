"""The trail of one message, and of what it is related to."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from gateway.domain.errors import InvalidRequest, NotFound
from gateway.domain.roles import Viewer
from gateway.journal import launch_queries, trails
from gateway.operations import access, presenting
from gateway.operations.context import Context
from gateway.operations.log_records import Trail

MAX_PACKETS: Final = 1000


def get_journal(
    ctx: Context, viewer: Viewer, message_id: UUID | None, track_id: str | None, find_related: bool
) -> Trail:
    """Follow a packet, or all packets of a launch, a packet group or an own request; oldest first.

    With ``find_related`` also every other packet of the same source objects, and the peer's documents that ended their
    exchange. At most 1000 packets.

    Raises:
        InvalidRequest: neither or both of ``message_id`` and ``track_id``.
        NotFound: nothing of that id exists for this viewer.
    """
    if (message_id is None) == (track_id is None):
        raise InvalidRequest("Укажите либо messageId, либо trackId")
    visible = viewer.organization_ids
    with ctx.engine.connect() as connection:
        ids = [message_id] if message_id is not None else []
        launch_ids: list[UUID] = []
        if track_id is not None:
            launch_ids = trails.launches_of_track(connection, viewer.account.id, track_id, _as_uuid(track_id))
            ids = trails.packets_of_launches(connection, launch_ids, visible, MAX_PACKETS + 1)
        packets = access.visible_packets(connection, ctx.catalog, viewer, ids)
        if find_related:
            related = trails.packets_of_same_objects(connection, list(packets), MAX_PACKETS + 1)
            related += trails.packets_of_closings(connection, [*packets, *related], MAX_PACKETS + 1)
            packets |= access.visible_packets(connection, ctx.catalog, viewer, related)
        rows = sorted(packets.values(), key=lambda row: row.id)
        launch_ids += [row.launch_id for row in rows]
        found = launch_queries.find_launches(connection, launch_ids, visible, viewer.account.id)
        codes = access.service_codes(ctx.catalog, viewer)
        seen = (row for _, row in sorted(found.items()) if codes is None or row.service_code in codes)
        shown = presenting.launches(connection, ctx.catalog, viewer, seen)
    if not rows and not shown:
        raise NotFound("Сообщение не найдено")
    manifest = ctx.catalog.manifest
    told = (presenting.packet(r, manifest=manifest(r.service_code), viewer=viewer) for r in rows[:MAX_PACKETS])
    return Trail(tuple(told), shown, len(rows) > MAX_PACKETS)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
