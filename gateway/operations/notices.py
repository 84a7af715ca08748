"""Notifications to patients of one launch; the look is audited."""

from __future__ import annotations

from uuid import UUID

from gateway.domain.identifiers import uuid7_moment
from gateway.domain.roles import Viewer
from gateway.domain.statuses import NOTIFICATION_TITLES, NotificationStatus
from gateway.journal import notification_queries, registry
from gateway.journal.launch_queries import FIRST
from gateway.operations import paging
from gateway.operations.bounds import require_notification_statuses
from gateway.operations.context import Context
from gateway.operations.journal import require_launch
from gateway.operations.log_records import Notification
from gateway.operations.records import Page, PageRequest


def list_notifications(
    ctx: Context, viewer: Viewer, launch_id: UUID, statuses: tuple[str, ...], page: PageRequest
) -> Page[Notification]:
    """«Детальный лог» of the SMS and e-mail services, oldest first.

    Raises:
        NotFound: no such launch for this viewer.
        InvalidRequest: an unknown status, the limit or the cursor is wrong.
    """
    require_notification_statuses(statuses)
    wanted = ("notifications", launch_id, statuses)
    limit, after = paging.bounds(ctx, viewer, wanted, page, FIRST)
    visible = viewer.organization_ids
    with ctx.engine.begin() as connection:
        require_launch(ctx, connection, viewer, launch_id)
        rows = notification_queries.page_of_notifications(
            connection, launch_id, visible, statuses, after=after, limit=limit + 1
        )
        total = notification_queries.count_notifications(connection, launch_id, visible, statuses)
        if rows:
            event = registry.AuditEvent("look-notifications", [str(launch_id)])
            registry.audit(connection, viewer, event)
    records = [
        Notification(
            id=row.id,
            launch_id=row.launch_id,
            formed_at=uuid7_moment(row.id),
            patient_name=row.patient_name,
            patient_birth_date=row.patient_birth_date,
            channel=row.channel,
            sent_at=row.sent_at,
            status=row.status,
            status_title=NOTIFICATION_TITLES[NotificationStatus(row.status)],
            error_text=row.error_text if row.status == NotificationStatus.SEND_ERROR else None,
        )
        for row in rows
    ]
    return paging.page_of(ctx, viewer, wanted, records, limit, total)
