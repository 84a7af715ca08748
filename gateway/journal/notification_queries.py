"""Reading notifications of a launch, in the order in which they were formed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from gateway.journal.launch_queries import COUNT_CAP
from gateway.journal.tables import notifications


def page_of_notifications(
    connection: Connection,
    launch_id: UUID,
    visible: frozenset[int] | None,
    statuses: Sequence[str],
    *,
    after: UUID,
    limit: int,
) -> Sequence[Row[Any]]:
    """Read up to ``limit`` notifications of the visible МО (None: all) after the given id; no status means any."""
    wanted = _wanted(launch_id, visible, statuses)
    query = select(notifications).where(*wanted, notifications.c.id > after).order_by(notifications.c.id)
    return connection.execute(query.limit(limit)).all()


def count_notifications(
    connection: Connection, launch_id: UUID, visible: frozenset[int] | None, statuses: Sequence[str]
) -> int:
    """Count them up to ``COUNT_CAP`` + 1."""
    found = select(notifications.c.id).where(*_wanted(launch_id, visible, statuses)).limit(COUNT_CAP + 1)
    return int(connection.execute(select(func.count()).select_from(found.subquery())).scalar_one())


def _wanted(launch_id: UUID, visible: frozenset[int] | None, statuses: Sequence[str]) -> list[Any]:
    conditions: list[Any] = [notifications.c.launch_id == launch_id, notifications.c.id >= launch_id]
    if visible is not None:
        conditions.append(notifications.c.organization_id.in_(visible))
    if statuses:
        conditions.append(notifications.c.status.in_(statuses))
    return conditions
