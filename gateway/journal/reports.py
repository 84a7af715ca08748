"""Reports in the making and made: the order, its state, the content in compressed pieces.

The wish to make a report is a row of the outbox with the report's own id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, text, update

from gateway.journal.bodies import pack, unpack
from gateway.journal.engine import new_ids
from gateway.journal.report_tables import report_chunks, reports

LIFETIME_S: Final = 24 * 3600
"""A report and the link to it live for a day."""


class ReportStatus(StrEnum):
    """State of a report."""

    WAITING = "WAITING"
    READY = "READY"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """What was ordered: by whom (``viewer``, as then), and what to read and to write (``wanted``), as JSON."""

    account_id: int
    viewer: Mapping[str, Any]
    kind: str
    format: str
    wanted: Mapping[str, Any]


def add_report(connection: Connection, order: ReportOrder) -> UUID:
    """Write a report as waiting; return its id. The caller commits."""
    report_id = next(new_ids(connection))
    connection.execute(
        insert(reports).values(
            id=report_id,
            account_id=order.account_id,
            viewer=dict(order.viewer),
            kind=order.kind,
            format=order.format,
            filter=dict(order.wanted),
            status=ReportStatus.WAITING,
        )
    )
    return report_id


def find_report(connection: Connection, report_id: UUID) -> Row[Any] | None:
    """Read a report that has not outlived its day, without its content."""
    fresh = reports.c.created_at > text(f"now() - interval '{LIFETIME_S} seconds'")
    return connection.execute(select(reports).where(reports.c.id == report_id, fresh)).one_or_none()


def count_waiting(connection: Connection, account_id: int) -> int:
    """Count the reports of an account that are still to be made."""
    waiting = (reports.c.account_id == account_id) & (reports.c.status == text(f"'{ReportStatus.WAITING}'"))
    return int(connection.execute(select(func.count()).where(waiting)).scalar_one())


def drop_content(connection: Connection, report_id: UUID) -> None:
    """Forget what an interrupted worker has written of a report. The caller commits."""
    connection.execute(delete(report_chunks).where(report_chunks.c.report_id == report_id))


def put_chunk(connection: Connection, report_id: UUID, position: int, content: bytes) -> None:
    """Write the next piece of a report, counted from 0. The caller commits."""
    connection.execute(insert(report_chunks).values(report_id=report_id, position=position, content=pack(content)))


def complete(connection: Connection, report_id: UUID, size: int) -> None:
    """Make a report ready; ``size`` is that of the whole document in bytes. The caller commits."""
    _close(connection, report_id, status=ReportStatus.READY, size=size)


def fail(connection: Connection, report_id: UUID, error: str) -> None:
    """Close a report that could not be made, and forget its content. The caller commits."""
    drop_content(connection, report_id)
    _close(connection, report_id, status=ReportStatus.FAILED, error=error)


def _close(connection: Connection, report_id: UUID, **values: object) -> None:
    closed = update(reports).where(reports.c.id == report_id).values(finished_at=text("clock_timestamp()"), **values)
    connection.execute(closed)


def read_content(engine: Engine, report_id: UUID) -> Iterator[bytes]:
    """Yield the content piece by piece; no connection is held while a slow reader takes one."""
    position = 0
    while True:
        wanted = (report_chunks.c.report_id == report_id) & (report_chunks.c.position == position)
        with engine.connect() as connection:
            packed = connection.execute(select(report_chunks.c.content).where(wanted)).scalar_one_or_none()
        if packed is None:
            return
        yield unpack(packed)
        position += 1


def delete_expired(connection: Connection) -> int:
    """Delete the reports that have outlived their day, with their content; return how many. The caller commits."""
    old = reports.c.created_at <= text(f"now() - interval '{LIFETIME_S} seconds'")
    return connection.execute(delete(reports).where(old)).rowcount
