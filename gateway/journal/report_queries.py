"""Reading whole lists for reports: one snapshot of the journal, rows as they come, never all at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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
_UNWRITABLE: Final = r"[\u0001-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]"


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Which events or errors of a session to read: ids behind ``after`` and before ``before``."""

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


_MOMENT: Final = """to_char(timestamp 'epoch' + :offset_s * interval '1 second'
    + CAST(CAST('x' || translate(left(CAST(f.id AS text), 13), '-', '') AS bit(48)) AS bigint)
      * interval '1 millisecond', 'YYYY-MM-DD"T"HH24:MI:SS.MS') || :zone"""


def _escaped(text_sql: str) -> str:
    specials = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
    for special, entity in specials:
        text_sql = f"replace({text_sql}, '{special}', '{entity}')"
    return f"regexp_replace(replace({text_sql}, chr(13), '&#13;'), :unwritable, :replacement, 'g')"


def _title(of: str, code: str) -> str:
    of_service, of_all = f"concat(f.service_code, '/{of}/', {code})", f"concat('/{of}/', {code})"
    return f"coalesce(CAST(:titles AS jsonb) ->> {of_service}, CAST(:titles AS jsonb) ->> {of_all}, {code})"


PACKET_TEXTS: Final[dict[str, str]] = {
    "id": "f.id",
    "launchId": "f.launch_id",
    "serviceCode": "f.service_code",
    "createdAt": _MOMENT,
    "organizationOid": _escaped("g.oid"),
    "direction": "f.direction",
    "packetType": "f.packet_type",
    "packetTypeTitle": _title("type", "f.packet_type"),
    "operation": "f.operation",
    "operationTitle": _title("operation", "f.operation"),
    "status": "f.status",
    "statusTitle": _title("status", "f.status"),
    "resultText": _escaped("f.result_text"),
    "held": "f.held",
    "attempts": "f.attempts",
    "objectId": _escaped("f.object_id"),
    "itemsTotal": "f.items_total",
    "itemsNotAccepted": "f.items_not_accepted",
    "dataSize": "f.data_size",
    "answerSize": "f.answer_size",
}
"""Texts of a packet's elements in XML, made by the database: six times as fast as out of rows."""


@dataclass(frozen=True, slots=True)
class Lettering:
    """How records are written: their tag, elements in order, titles by ``service/kind/code``, seconds east of UTC.

    Titles are character data already; one without a service serves all services. ``zone`` ends every moment.
    """

    item: str
    elements: tuple[str, ...]
    titles: Mapping[str, str]
    offset_s: int
    zone: str


def stream_packets_as_xml(connection: Connection, query: PacketQuery, lettering: Lettering) -> Iterator[str]:
    """Yield every packet of the query, newest first, as the XML of its record."""
    selected, parameters = packet_queries.selection(replace(query, limit=_ALL), packet_queries.COLUMNS)
    # A missing value makes its whole element NULL, and concat passes over it.
    elements = ", ".join(f"'<{name}>' || {PACKET_TEXTS[name]} || '</{name}>'" for name in lettering.elements)
    statement = text(
        f"SELECT concat('<{lettering.item}>', {elements}, '</{lettering.item}>', chr(10)) FROM ({selected}) f"
        " LEFT JOIN organizations g ON g.id = f.organization_id ORDER BY f.id DESC"
    )
    parameters |= {"titles": json.dumps(dict(lettering.titles)), "offset_s": lettering.offset_s}
    parameters |= {"zone": lettering.zone, "unwritable": _UNWRITABLE, "replacement": "\ufffd"}
    with connection.execute(statement, parameters, execution_options={"yield_per": BATCH}) as rows:
        yield from rows.scalars()


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
    """Yield the events of a session, newest first."""
    before = query.before
    while True:
        page = sessions.events_of(connection, query.launch_id, before=before, after=query.after, limit=BATCH)
        yield from page
        if len(page) < BATCH:
            return
        before = page[-1].id


def stream_errors(connection: Connection, query: SessionQuery) -> Iterator[Row[Any]]:
    """Yield the errors of a session, oldest first."""
    after = query.after
    while True:
        page = sessions.errors_of(connection, query.launch_id, after=after, limit=BATCH)
        for row in page:
            if row.id >= query.before:
                return
            yield row
        if len(page) < BATCH:
            return
        after = page[-1].id
