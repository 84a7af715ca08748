"""Making a long report: read over one snapshot of the journal, written piece by piece, each in a fenced transaction.

A worker that dies leaves pieces behind; the next one drops them and begins again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Engine

from gateway.catalog.registry import Catalog
from gateway.journal import outbox, reports
from gateway.journal.outbox import Lease, leased
from gateway.journal.report_queries import snapshot
from gateway.reports.making import Order, make
from workers.runs.surroundings import Pause

STATEMENT_S: Final = 600


def run_report(engine: Engine, catalog: Catalog, lease: Lease, stopping: Callable[[], bool]) -> Pause | None:
    """Make the report whose id is the lease's own; commits piece by piece. Asked to stop, it begins again later.

    Raises:
        LeaseLost: another worker goes on.
    """
    with leased(engine, lease) as connection:
        row = reports.find_report(connection, lease.id)
        reports.drop_content(connection, lease.id)
        if row is None:  # nobody can fetch it any more
            outbox.finish(connection, lease)
            return None
    size = position = 0
    with snapshot(engine, timeout_s=STATEMENT_S) as reading:
        for piece in make(reading, catalog, Order.from_json(row.filter)):
            if stopping():
                return Pause(0.0, lease.failures, lease.crashes)
            with leased(engine, lease) as connection:
                reports.put_chunk(connection, lease.id, position, piece)
            position += 1
            size += len(piece)
    with leased(engine, lease) as connection:
        reports.complete(connection, lease.id, size)
        outbox.finish(connection, lease)
    return None
