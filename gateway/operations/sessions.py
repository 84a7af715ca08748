"""Session events of a launch, newest first, and its errors, in the order in which they were found."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from gateway.domain.errors import NotFound
from gateway.domain.roles import Viewer
from gateway.journal import sessions
from gateway.journal.launch_queries import FIRST, LAST
from gateway.operations import paging
from gateway.operations.context import Context
from gateway.operations.journal import require_launch
from gateway.operations.log_records import SessionError, SessionEvent
from gateway.operations.records import Page, PageRequest


def list_session_events(ctx: Context, viewer: Viewer, launch_id: UUID, page: PageRequest) -> Page[SessionEvent]:
    """«Детальный лог» of a service that talks in sessions, newest first.

    Raises:
        NotFound: no such launch for this viewer.
        InvalidRequest: the limit or the cursor is wrong.
    """
    limit, before = paging.bounds(ctx, viewer, ("events, newest first", launch_id), page, LAST)
    with ctx.engine.connect() as connection:
        require_session(ctx, connection, viewer, launch_id)
        rows = sessions.events_of(connection, launch_id, before=before, limit=limit + 1)
        total = sessions.count_events(connection, launch_id)
    return paging.page_of(ctx, viewer, ("events, newest first", launch_id), [_event(row) for row in rows], limit, total)


def list_session_errors(ctx: Context, viewer: Viewer, launch_id: UUID, page: PageRequest) -> Page[SessionError]:
    """What the link «Кол-во ошибок» opens: errors of the latest attempt, oldest first.

    Raises:
        NotFound: no such launch for this viewer.
        InvalidRequest: the limit or the cursor is wrong.
    """
    limit, after = paging.bounds(ctx, viewer, ("errors", launch_id), page, FIRST)
    with ctx.engine.connect() as connection:
        require_session(ctx, connection, viewer, launch_id)
        rows = sessions.errors_of(connection, launch_id, after=after, limit=limit + 1)
        total = sessions.count_errors(connection, launch_id)
    return paging.page_of(ctx, viewer, ("errors", launch_id), [_error(row) for row in rows], limit, total)


def require_session(ctx: Context, connection: Connection, viewer: Viewer, launch_id: UUID) -> None:
    """Judge a launch whose events or errors are asked for.

    A session is of one МО; a launch of several has no events, so there is nothing foreign to show.

    Raises:
        NotFound: no such launch for this viewer.
    """
    launch = require_launch(ctx, connection, viewer, launch_id)
    if launch.organization_id is not None and not viewer.sees_organization(launch.organization_id):
        raise NotFound("Запуск не найден")


def _event(row: Row[Any]) -> SessionEvent:
    times = (row.started_at, row.sent_at, row.answered_at, row.finished_at)
    return SessionEvent(row.id, row.code, row.title, row.about, *times)


def _error(row: Row[Any]) -> SessionError:
    return SessionError(row.id, row.event_id, row.stage, row.message, row.about, row.at)
