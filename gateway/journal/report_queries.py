"""Reading whole lists for reports: one snapshot of the journal, rows as they come, never all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, text

from gateway.domain.statuses import ERROR_STATUSES
from gateway.journal import launch_queries, packet_queries, sessions
from gateway.journal.launch_queries import FIRST, LAST, LaunchQuery
from gateway.journal.packet_queries import PacketQuery

BATCH: Final = 500
"""Rows fetched from the server at a time."""

_ALL: Final = 2**62


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which events or errors of a session to read, oldest first: ids behind ``after`` and before ``before``."""

    launch_id: UUID
    after: UUID = FIRST
    before: UUID = LAST


@contextmanager
def snapshot(engine: Engine, *, timeout_s: int = 60) -> Iterator[Connection]:
    """Give a connection that sees the journal as it is now, to the end of the block; it cannot write.

    ``timeout_s`` bounds one statement, and how long a slow taker of rows may keep the snapshot waiting.
    """
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {setting} = '{timeout_s}s'"))
        yield connection


def stream_packets(connection: Connection, query: PacketQuery) -> Iterator[Row[Any]]:
    """Yield every packet of the query, newest first, with the OID of its МО, through a cursor of the server."""
    statement, parameters = packet_queries.page_statement(replace(query, limit=_ALL))
    with connection.execute(statement, parameters, execution_options={"yield_per": BATCH}) as rows:
        yield from rows


def count_all_packets(connection: Connection, query: PacketQuery) -> tuple[int, int]:
    """Count every packet of the query, and those «с ошибками»."""
    selected, parameters = packet_queries.selection(replace(query, limit=_ALL), "p.id, p.status")
    counted = text(f"SELECT count(*), count(*) FILTER (WHERE f.status = ANY(:errors)) FROM ({selected}) f")
    total, with_errors = connection.execute(counted, {**parameters, "errors": sorted(ERROR_STATUSES)}).one()
    return total, with_errors


def stream_launches(connection: Connection, query: LaunchQuery) -> Iterator[Row[Any]]:
    """Yield every launch of the query with counters, newest first."""
    while True:
        page = launch_queries.page_of_launches(connection, replace(query, limit=BATCH))
        yield from page
        if len(page) < BATCH:
            return
        query = replace(query, before=page[-1].id)


def stream_events(connection: Connection, query: SessionQuery) -> Iterator[Row[Any]]:
    """Yield the events of a session, oldest first."""
    return _stream_session(sessions.events_of, connection, query)


def stream_errors(connection: Connection, query: SessionQuery) -> Iterator[Row[Any]]:
    """Yield the errors of a session, oldest first."""
    return _stream_session(sessions.errors_of, connection, query)


def _stream_session(
    page_of: Callable[..., Sequence[Row[Any]]], connection: Connection, query: SessionQuery
) -> Iterator[Row[Any]]:
    after = query.after
    while True:
        page = page_of(connection, query.launch_id, after=after, limit=BATCH)
        for row in page:
            if row.id >= query.before:
                return
            yield row
        if len(page) < BATCH:
            return
        after = page[-1].id
