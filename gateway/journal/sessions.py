"""Session events and errors: the log of services that talk to their peer in sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, text, update

from gateway.journal.counters import CounterDeltas
from gateway.journal.engine import new_ids
from gateway.journal.launch_queries import COUNT_CAP
from gateway.journal.tables import launches, session_errors, session_events


def begin_event(connection: Connection, launch_id: UUID, code: str, title: str, about: str | None) -> UUID:
    """Write an event as begun and make it the launch's last one; return its id. The caller commits."""
    event_id = next(new_ids(connection))
    connection.execute(
        insert(session_events).values(id=event_id, launch_id=launch_id, code=code, title=title, about=about)
    )
    connection.execute(update(launches).where(launches.c.id == launch_id).values(last_event_code=code))
    return event_id


def stamp_event(
    connection: Connection, event_id: UUID, moment: Literal["sent_at", "answered_at", "finished_at"]
) -> None:
    """Set one of an event's times to now, once. The caller commits."""
    column = session_events.c[moment]
    connection.execute(
        update(session_events)
        .where(session_events.c.id == event_id, column.is_(None))
        .values({moment: text("clock_timestamp()")})
    )


def add_error(
    connection: Connection,
    counters: CounterDeltas,
    launch_id: UUID,
    organization_id: int,
    event_id: UUID,
    found: tuple[str, str, str | None],
) -> None:
    """Register an error (stage, message, object) of a session's event and count it. The caller commits."""
    stage, message, about = found
    connection.execute(
        insert(session_errors).values(
            id=next(new_ids(connection)),
            launch_id=launch_id,
            event_id=event_id,
            stage=stage,
            message=message,
            about=about,
        )
    )
    counters.add(launch_id, organization_id, errors=1)
    counters.write(connection)


def events_of(connection: Connection, launch_id: UUID, *, after: UUID, limit: int) -> Sequence[Row[Any]]:
    """Events of a launch, oldest first, after the given id."""
    query = select(session_events).where(session_events.c.launch_id == launch_id, session_events.c.id > after)
    return connection.execute(query.order_by(session_events.c.id).limit(limit)).all()


def errors_of(connection: Connection, launch_id: UUID, *, after: UUID, limit: int) -> Sequence[Row[Any]]:
    """Errors of a launch, oldest first, after the given id."""
    query = select(session_errors).where(session_errors.c.launch_id == launch_id, session_errors.c.id > after)
    return connection.execute(query.order_by(session_errors.c.id).limit(limit)).all()


def count_events(connection: Connection, launch_id: UUID) -> int:
    """Count a launch's events up to ``COUNT_CAP`` + 1."""
    return _count(connection, "session_events", launch_id)


def count_errors(connection: Connection, launch_id: UUID) -> int:
    """Count a launch's errors up to ``COUNT_CAP`` + 1."""
    return _count(connection, "session_errors", launch_id)


def _count(connection: Connection, table: str, launch_id: UUID) -> int:
    statement = text(f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE launch_id = :launch LIMIT :cap) n")
    return int(connection.execute(statement, {"launch": launch_id, "cap": COUNT_CAP + 1}).scalar_one())
