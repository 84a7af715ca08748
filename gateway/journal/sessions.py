"""Session events and errors: the log of services that talk to their peer in sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, text, update

from gateway.domain.actions import ATTEMPT_EVENTS
from gateway.domain.statuses import PacketStatus
from gateway.journal.copying import copy_rows
from gateway.journal.counters import CounterDeltas
from gateway.journal.engine import new_ids
from gateway.journal.launch_queries import COUNT_CAP, FIRST
from gateway.journal.tables import launch_counters, launches, session_errors, session_events


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event about to begin; ``about`` is what it is about, in the operators' words."""

    code: str
    title: str
    about: str | None = None


@dataclass(frozen=True, slots=True)
class EventTimes:
    """When an event of one request began, when its bytes left and when its answer came; by the database's clock."""

    id: UUID
    started_at: datetime
    sent_at: datetime | None
    answered_at: datetime | None


def begin_event(connection: Connection, launch_id: UUID, code: str, title: str, about: str | None) -> UUID:
    """Write an event as begun and make it the launch's last one; return its id. The caller commits.

    An event that begins an attempt also begins the counting of errors anew.
    """
    (event_id,) = begin_events(connection, launch_id, [NewEvent(code, title, about)])
    return event_id


def begin_events(connection: Connection, launch_id: UUID, events: Sequence[NewEvent]) -> list[UUID]:
    """Write events as begun, in this order; see :func:`begin_event`."""
    ids = list(islice(new_ids(connection), len(events)))
    rows = ((i, launch_id, e.code, e.title, e.about) for i, e in zip(ids, events, strict=True))
    copy_rows(connection, "session_events", ("id", "launch_id", "code", "title", "about"), rows)
    values: dict[str, Any] = {"last_event_code": events[-1].code}
    if any(event.code in ATTEMPT_EVENTS for event in events):
        values["attempt"] = launches.c.attempt + 1
        of_launch = launch_counters.c.launch_id == launch_id
        connection.execute(update(launch_counters).where(of_launch).values(error_count=0))
    connection.execute(update(launches).where(launches.c.id == launch_id).values(values))
    return ids


def stamp_event(
    connection: Connection, event_id: UUID, moment: Literal["sent_at", "answered_at", "finished_at"]
) -> None:
    """Set one of an event's times to now: of several requests the first counts, of their answers the last.

    The caller commits.
    """
    first = [session_events.c.sent_at.is_(None)] if moment == "sent_at" else []
    of_event = update(session_events).where(session_events.c.id == event_id, *first)
    connection.execute(of_event.values({moment: text("clock_timestamp()")}))


def stamp_requests(connection: Connection, times: Sequence[EventTimes]) -> None:
    """Set the times of events of one request each; those that were answered are over. The caller commits."""
    connection.execute(
        text(
            """
            UPDATE session_events e SET started_at = n.started_at, sent_at = n.sent_at, answered_at = n.answered_at,
              finished_at = CASE WHEN n.answered_at IS NOT NULL THEN clock_timestamp() END
            FROM unnest(CAST(:ids AS uuid[]), CAST(:started AS timestamptz[]), CAST(:sent AS timestamptz[]),
                CAST(:answered AS timestamptz[])) AS n(id, started_at, sent_at, answered_at)
            WHERE e.id = n.id
            """
        ),
        {
            "ids": [one.id for one in times],
            "started": [one.started_at for one in times],
            "sent": [one.sent_at for one in times],
            "answered": [one.answered_at for one in times],
        },
    )


def add_error(
    connection: Connection,
    counters: CounterDeltas,
    launch_id: UUID,
    organization_id: int | None,
    event_id: UUID,
    found: tuple[str, str, str | None],
) -> None:
    """Register an error (stage, message, object) of a session's event and count it. The caller commits.

    ``organization_id`` is None in a session without a МО: only who sees every МО sees what it counts.
    """
    stage, message, about = found
    attempt = select(launches.c.attempt).where(launches.c.id == launch_id).scalar_subquery()
    connection.execute(
        insert(session_errors).values(
            id=next(new_ids(connection)),
            launch_id=launch_id,
            event_id=event_id,
            stage=stage,
            message=message,
            about=about,
            attempt=attempt,
        )
    )
    counters.add(launch_id, organization_id, errors=1)
    counters.write(connection)


def open_packets(
    connection: Connection, service_code: str, organization_id: int | None, status: PacketStatus, limit: int
) -> list[Row[Any]]:
    """Requests of one МО (None: of sessions without a МО) in an open status: id, packet_type, operation, object_id."""
    statement = text(
        """
        SELECT id, packet_type, operation, object_id FROM packets
        WHERE service_code = :service AND status = :status
          AND organization_id IS NOT DISTINCT FROM CAST(:organization AS bigint)
        ORDER BY operation, packet_type, id LIMIT :limit
        """
    )
    parameters = {"service": service_code, "status": status, "organization": organization_id, "limit": limit}
    return list(connection.execute(statement, parameters))


def packets_in_doubt(connection: Connection, service_code: str, organization_id: int | None) -> list[Row[Any]]:
    """Requests of one МО (None: of sessions without a МО) whose outcome is unknown: id, packet_type, operation,
    object_id, content as it is kept."""
    statement = text(
        """
        SELECT p.id, p.packet_type, p.operation, p.object_id, b.content
        FROM packets p JOIN packet_bodies b ON b.packet_id = p.id AND b.kind = 'DATA'
        WHERE p.service_code = :service AND p.status = 'IN_DOUBT'
          AND p.organization_id IS NOT DISTINCT FROM CAST(:organization AS bigint)
        ORDER BY p.operation, p.packet_type, p.id
        """
    )
    return list(connection.execute(statement, {"service": service_code, "organization": organization_id}))


def next_attempt(connection: Connection, packet_id: UUID, error: str) -> None:
    """Close the open attempt of a request that certainly did not arrive, and begin another. The caller commits."""
    connection.execute(
        text(
            """
            WITH closed AS (
              UPDATE attempts SET finished_at = clock_timestamp(), outcome = 'FORMED', error_text = :error
              WHERE packet_id = :packet AND finished_at IS NULL),
            again AS (
              UPDATE packets SET attempts = attempts + 1, tries = tries + 1, changed_at = clock_timestamp()
              WHERE id = :packet RETURNING attempts)
            INSERT INTO attempts (packet_id, number, started_at)
            SELECT :packet, attempts, clock_timestamp() FROM again
            """
        ),
        {"packet": packet_id, "error": error},
    )


def events_of(
    connection: Connection, launch_id: UUID, *, before: UUID, limit: int, after: UUID = FIRST
) -> Sequence[Row[Any]]:
    """Events of a launch, newest first: ids before ``before`` and behind ``after``."""
    of_launch = (session_events.c.launch_id == launch_id, session_events.c.id < before, session_events.c.id > after)
    query = select(session_events).where(*of_launch)
    return connection.execute(query.order_by(session_events.c.id.desc()).limit(limit)).all()


def errors_of(connection: Connection, launch_id: UUID, *, after: UUID, limit: int) -> Sequence[Row[Any]]:
    """Errors of a launch's latest attempt, oldest first, after the given id."""
    latest = select(launches.c.attempt).where(launches.c.id == launch_id).scalar_subquery()
    of_launch = (session_errors.c.launch_id == launch_id, session_errors.c.id > after)
    query = select(session_errors).where(*of_launch, session_errors.c.attempt == latest)
    return connection.execute(query.order_by(session_errors.c.id).limit(limit)).all()


def count_events(connection: Connection, launch_id: UUID) -> int:
    """Count a launch's events up to ``COUNT_CAP`` + 1."""
    return _count(connection, "session_events", launch_id)


def count_errors(connection: Connection, launch_id: UUID) -> int:
    """Count the errors of a launch's latest attempt up to ``COUNT_CAP`` + 1."""
    latest = "AND attempt = (SELECT attempt FROM launches WHERE id = :launch)"
    return _count(connection, "session_errors", launch_id, latest)


def _count(connection: Connection, table: str, launch_id: UUID, more: str = "") -> int:
    statement = text(f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE launch_id = :launch {more} LIMIT :cap) n")
    return int(connection.execute(statement, {"launch": launch_id, "cap": COUNT_CAP + 1}).scalar_one())
