"""What is still to be done, and who is doing it: the outbox and its leases.

A row is a wish: run a launch, collect late answers of a service, or make a report. It is written in the transaction
that makes it necessary and deleted in the one that makes it done. The broker only carries its id; it may lose
everything.

A worker leases the row (heartbeat 3 s, lease 10 s, the database's clock only). Every transaction of that worker begins
with :func:`leased`, which locks the row ``FOR KEY SHARE`` and compares the fencing token; taking a lease over needs
``FOR UPDATE``. So whoever lost its lease cannot write, and the heartbeat never waits for a long transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import InterfaceError, OperationalError, PendingRollbackError

from gateway.domain.errors import Conflict
from gateway.journal.engine import WORKER, new_ids

LEASE_S: Final = 10.0
HEARTBEAT_S: Final = 3.0
REPUBLISH_S: Final = 10.0
LATE_S: Final = 60.0
CHANNEL: Final = "gateway_outbox"

_FREE: Final = f"""(lease_until IS NULL OR lease_until < clock_timestamp()
    OR lease_until > clock_timestamp() + make_interval(secs => {LEASE_S + HEARTBEAT_S}))"""
"""Nobody works on the row. A lease that is longer than any was given before the clock was set back, by more than a
heartbeat: whoever lives renews it, and the fencing token bars him who is overtaken before."""

DATABASE_AWAY: Final = (OperationalError, InterfaceError, PendingRollbackError, psycopg.OperationalError)
"""What a connection that breaks or a transaction that the server cut short raises: no fault of the work itself."""


class Task(StrEnum):
    """Kind of work in the outbox."""

    LAUNCH = "launch"
    ANSWERS = "answers"
    REPORT = "report"


class LeaseLost(Conflict):
    """Another worker has taken this work over; whoever gets this stops at once and writes nothing."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one row of the outbox until another worker takes it over.

    ``failures`` of the peer and ``crashes`` of the run in a row so far; ``deaths`` of workers that held the row.
    """

    id: UUID
    task: Task
    service_code: str
    launch_id: UUID | None
    token: int
    failures: int
    crashes: int
    deaths: int


@dataclass(frozen=True, slots=True)
class Attendance:
    """Whether workers are connected to this database, and how many rows nobody has taken for ``LATE_S``."""

    workers: bool
    late: int


def attendance(connection: Connection) -> Attendance:
    """Look who is there to work, and what waits for them."""
    row = connection.execute(
        text(
            """
            SELECT EXISTS (SELECT FROM pg_stat_activity
                           WHERE datname = current_database() AND application_name = :worker) AS workers,
              (SELECT count(*) FROM outbox
               WHERE greatest(not_before, lease_until) < clock_timestamp() - make_interval(secs => :late)) AS late
            """
        ),
        {"worker": WORKER, "late": LATE_S},
    ).one()
    return Attendance(row.workers, row.late)


def post(connection: Connection, task: Task, service_code: str, launch_id: UUID | None = None) -> None:
    """Write a wish; the relay is woken when the caller commits. A second wish of one service for answers is no news.

    Setting a key column locks the earlier wish ``FOR UPDATE``: when its worker is just about to find it fulfilled and
    to delete it, this waits for that and the wish is written anew.
    """
    connection.execute(
        text(
            "INSERT INTO outbox (id, task, service_code, launch_id) VALUES (:id, :task, :service, :launch)"
            " ON CONFLICT (service_code) WHERE task = 'answers' DO UPDATE SET id = outbox.id"
        ),
        {"id": next(new_ids(connection)), "task": task, "service": service_code, "launch": launch_id},
    )
    connection.execute(text(f"NOTIFY {CHANNEL}"))


def publish_due(engine: Engine, limit: int = 100) -> list[UUID]:
    """Mark the wishes that a broker should carry now as published, commit, and return their ids.

    Due is what was never published, what lost its worker (lease over), and what a broker has carried for
    ``REPUBLISH_S`` without anybody taking it, or since a moment that the clock, set back, has not reached yet.
    """
    statement = text(
        f"""
        UPDATE outbox SET published_at = clock_timestamp() WHERE id IN (
          SELECT id FROM outbox
          WHERE not_before <= clock_timestamp() AND {_FREE}
            AND (published_at IS NULL OR published_at < lease_until OR published_at > clock_timestamp()
                 OR published_at < clock_timestamp() - make_interval(secs => :republish))
          ORDER BY not_before LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING id
        """
    )
    with engine.begin() as connection:
        return list(connection.execute(statement, {"limit": limit, "republish": REPUBLISH_S}).scalars())


def take(engine: Engine, work_id: UUID, owner: str) -> Lease | None:
    """Lease a row, or return None when it is done, not due, or in another worker's hands. Commits."""
    with engine.begin() as connection:
        row = connection.execute(
            text(
                "SELECT id, task, service_code, launch_id, failures, crashes FROM outbox WHERE id = :id"
                f" AND not_before <= clock_timestamp() AND {_FREE} FOR UPDATE SKIP LOCKED"
            ),
            {"id": work_id},
        ).one_or_none()
        if row is None:
            return None
        token, deaths = connection.execute(
            text(
                "UPDATE outbox SET lease_owner = :owner, lease_token = lease_token + 1,"
                " deaths = deaths + (lease_until IS NOT NULL)::int,"
                " lease_until = clock_timestamp() + make_interval(secs => :lease)"
                " WHERE id = :id RETURNING lease_token, deaths"
            ),
            {"id": work_id, "owner": owner, "lease": LEASE_S},
        ).one()
    return Lease(row.id, Task(row.task), row.service_code, row.launch_id, token, row.failures, row.crashes, deaths)


def renew(engine: Engine, leases: list[Lease]) -> set[UUID]:
    """Heartbeat: prolong the leases that are still ours, commit, and return their ids."""
    statement = text(
        "UPDATE outbox o SET lease_until = clock_timestamp() + make_interval(secs => :lease)"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:tokens AS bigint[])) AS mine(id, token)"
        " WHERE o.id = mine.id AND o.lease_token = mine.token RETURNING o.id"
    )
    with engine.begin() as connection:
        parameters = {"lease": LEASE_S, "ids": [x.id for x in leases], "tokens": [x.token for x in leases]}
        return set(connection.execute(statement, parameters).scalars())


@contextmanager
def leased(engine: Engine, lease: Lease) -> Iterator[Connection]:
    """One transaction of a worker; commits when the block ends.

    Raises:
        LeaseLost: another worker has the row; nothing is written.
    """
    with engine.begin() as connection:
        held = connection.execute(
            text("SELECT 1 FROM outbox WHERE id = :id AND lease_token = :token FOR KEY SHARE"),
            {"id": lease.id, "token": lease.token},
        ).one_or_none()
        if held is None:
            raise LeaseLost("Работу продолжает другой исполнитель")
        yield connection


def postpone(connection: Connection, lease: Lease, seconds: float, *, failures: int, crashes: int = 0) -> None:
    """Give the lease back and ask to be called again after a pause; remember the failures in a row so far."""
    connection.execute(
        text(
            "UPDATE outbox SET not_before = clock_timestamp() + make_interval(secs => :pause), published_at = NULL,"
            " lease_owner = NULL, lease_until = NULL, failures = :failures, crashes = :crashes"
            " WHERE id = :id AND lease_token = :token"
        ),
        {"id": lease.id, "token": lease.token, "pause": seconds, "failures": failures, "crashes": crashes},
    )


def post_report(connection: Connection, report_id: UUID) -> None:
    """Write the wish to make a report; it has the report's id. The relay is woken when the caller commits."""
    connection.execute(
        text("INSERT INTO outbox (id, task, service_code) VALUES (:id, :task, 'reports')"),
        {"id": report_id, "task": Task.REPORT},
    )
    connection.execute(text(f"NOTIFY {CHANNEL}"))


def finish(connection: Connection, lease: Lease) -> None:
    """The wish is fulfilled: delete it in the transaction that fulfils it."""
    connection.execute(text("DELETE FROM outbox WHERE id = :id"), {"id": lease.id})
