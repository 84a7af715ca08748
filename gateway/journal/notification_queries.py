"""Reading notifications of a launch, in the order in which they were formed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from gateway.domain.notices import LEFT
from gateway.domain.statuses import NotificationStatus
from gateway.journal.launch_queries import COUNT_CAP, FIRST, LAST
from gateway.journal.notification_tables import notifications


@dataclass(frozen=True, slots=True)
class NotificationQuery:
    """Which notifications of a launch to read, oldest first: of the visible МО (None: all) and the statuses (none:
    any), ids behind ``after`` and before ``before``."""

    launch_id: UUID
    visible: frozenset[int] | None
    statuses: tuple[str, ...] = ()
    after: UUID = FIRST
    before: UUID = LAST


_n = notifications.c
_SHOWN: Final[tuple[Any, ...]] = (
    _n.id,
    _n.launch_id,
    _n.patient_name,
    _n.patient_birth_date,
    _n.channel,
    _n.sent_at,
    _n.status,
    _n.error_text,
)


def stream_notifications(connection: Connection, query: NotificationQuery, batch: int) -> Iterator[Row[Any]]:
    """Yield every notification of the query, through a cursor of the server that fetches ``batch`` rows at a time."""
    wanted = _wanted(query.launch_id, query.visible, query.statuses)
    of_query = (*wanted, notifications.c.id > query.after, notifications.c.id < query.before)
    statement = select(*_SHOWN).where(*of_query).order_by(notifications.c.id)
    with connection.execute(statement, execution_options={"yield_per": batch}) as rows:
        yield from rows


def count_all_notifications(connection: Connection, query: NotificationQuery) -> tuple[int, int, int]:
    """Count every notification of the query, those formed (all but the cancelled), and those sent."""
    wanted = _wanted(query.launch_id, query.visible, query.statuses)
    status = notifications.c.status
    counted = select(
        func.count(),
        func.count().filter(status != NotificationStatus.CANCELLED),
        func.count().filter(status.in_(LEFT)),
    ).where(*wanted, notifications.c.id > query.after, notifications.c.id < query.before)
    total, formed, sent = connection.execute(counted).one()
    return total, formed, sent


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
    query = select(*_SHOWN).where(*wanted, notifications.c.id > after).order_by(notifications.c.id)
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
