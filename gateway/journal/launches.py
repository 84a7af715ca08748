"""Writing launches: start, stop, stages, end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update

from gateway.domain.launches import STOPPED_TEXT, LaunchResult, scopes_intersect
from gateway.journal import outbox
from gateway.journal.engine import database_now, new_ids
from gateway.journal.tables import launch_requests, launches


class Stage(StrEnum):
    """How far a launch has come; a stage begins again from its start after a crash and does nothing twice."""

    REARM = "REARM"
    FORM = "FORM"
    SEND = "SEND"
    ANSWERS = "ANSWERS"


@dataclass(frozen=True, slots=True)
class LaunchState:
    """A launch as a worker needs it. ``scope`` is None for every МО."""

    id: UUID
    service_code: str
    started_at: datetime
    scope: frozenset[int] | None
    stage: Stage
    organization_id: int | None
    stop_requested: bool
    answers_until: datetime | None


@dataclass(frozen=True, slots=True)
class Starter:
    """Who starts a launch; ``account_id`` is None for the schedule."""

    account_id: int | None
    name: str


def lock_service(connection: Connection, service_code: str) -> None:
    """Serialise starts of one service until the transaction ends."""
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"start:{service_code}"}
    )


Scopes = Mapping[str, Sequence[frozenset[int] | None]]
"""МО of running launches by service code; None stands for every МО."""


def running_scopes(connection: Connection, service_codes: Sequence[str]) -> Scopes:
    """МО of the running launches of these services."""
    rows = connection.execute(
        select(launches.c.service_code, launches.c.scope).where(
            launches.c.service_code.in_(service_codes), launches.c.result == text("'RUNNING'")
        )
    )
    found: dict[str, list[frozenset[int] | None]] = {code: [] for code in service_codes}
    for code, scope in rows:
        found[code].append(None if scope is None else frozenset(scope))
    return found


def is_running(scopes: Scopes, service_code: str, scope: frozenset[int] | None) -> bool:
    """Tell whether a running launch of the service touches any of these МО."""
    return any(scopes_intersect(scope, other) for other in scopes[service_code])


def start(
    connection: Connection, service_code: str, scopes: Sequence[frozenset[int] | None], by: Starter
) -> list[UUID]:
    """Write launches with the wish to run them; the service must be locked. The caller commits."""
    now = database_now(connection)
    ids = new_ids(connection)
    made = []
    for scope in scopes:
        launch_id = next(ids)
        single = next(iter(scope)) if scope is not None and len(scope) == 1 else None
        connection.execute(
            insert(launches).values(
                id=launch_id,
                service_code=service_code,
                started_at=now,
                result=LaunchResult.RUNNING,
                scope=None if scope is None else sorted(scope),
                organization_id=single,
                account_id=by.account_id,
                started_by=by.name,
            )
        )
        outbox.post(connection, outbox.Task.LAUNCH, service_code, launch_id)
        made.append(launch_id)
    return made


def remember_request(
    connection: Connection, account_id: int, request_id: str, fingerprint: str, launch_ids: Sequence[UUID]
) -> None:
    """Keep the idempotency key of a start with what it made; ``fingerprint`` is of what was asked."""
    connection.execute(
        insert(launch_requests).values(
            account_id=account_id, request_id=request_id, fingerprint=fingerprint, launch_ids=list(launch_ids)
        )
    )


def find_request(connection: Connection, account_id: int, request_id: str) -> Row[Any, Any] | None:
    """Return (fingerprint, launch ids) of an earlier start with this key, or None."""
    return connection.execute(
        select(launch_requests.c.fingerprint, launch_requests.c.launch_ids).where(
            launch_requests.c.account_id == account_id, launch_requests.c.request_id == request_id
        )
    ).one_or_none()


def load(connection: Connection, launch_id: UUID) -> LaunchState:
    """Read a launch for its worker."""
    row = connection.execute(select(launches).where(launches.c.id == launch_id)).one()
    return LaunchState(
        id=row.id,
        service_code=row.service_code,
        started_at=row.started_at,
        scope=None if row.scope is None else frozenset(row.scope),
        stage=Stage(row.stage),
        organization_id=row.organization_id,
        stop_requested=row.stop_requested_at is not None,
        answers_until=row.answers_until,
    )


def newest(connection: Connection, service_code: str) -> UUID | None:
    """The launch of a service that was started last."""
    statement = text("SELECT id FROM launches WHERE service_code = :service ORDER BY id DESC LIMIT 1")
    return connection.execute(statement, {"service": service_code}).scalar_one_or_none()


def waiting_for_answers(launch: LaunchState, until: datetime) -> LaunchState:
    """The same launch in its last stage."""
    return replace(launch, stage=Stage.ANSWERS, answers_until=until)


def enter(connection: Connection, launch_id: UUID, stage: Stage, **values: object) -> None:
    """Remember that a stage has begun, with other columns that change with it. The caller commits."""
    connection.execute(update(launches).where(launches.c.id == launch_id).values(stage=stage, **values))


def end(
    connection: Connection, launch_id: UUID, result: LaunchResult, result_text: str | None, counts: str | None = None
) -> None:
    """Close a running launch; one already closed stays as it is. The caller commits.

    ``counts`` is the part of the text that numbers packets of every МО of the launch: only who sees them all may read
    it. Without it the one noted by :func:`enter` stays with a success.
    """
    connection.execute(
        update(launches)
        .where(launches.c.id == launch_id, launches.c.result == LaunchResult.RUNNING)
        .values(
            result=result,
            result_text=result_text,
            result_counts=counts if result is LaunchResult.FAILED else func.coalesce(counts, launches.c.result_counts),
            finished_at=text("clock_timestamp()"),
        )
    )


def stop_requested(connection: Connection, launch_id: UUID) -> bool:
    """Tell whether an operator asked a launch to stop."""
    return (
        connection.execute(select(launches.c.stop_requested_at).where(launches.c.id == launch_id)).scalar_one()
        is not None
    )


def request_stop(connection: Connection, launch_id: UUID) -> None:
    """Ask the worker of a running launch to stop before its next step. The caller commits."""
    connection.execute(
        update(launches)
        .where(launches.c.id == launch_id, launches.c.stop_requested_at.is_(None))
        .values(stop_requested_at=text("clock_timestamp()"), result_text=STOPPED_TEXT)
    )


def note_success(connection: Connection, service_code: str, launch_id: UUID) -> None:
    """Set «Дата последней успешной выгрузки» of every МО that had packets without error in this launch.

    The caller commits.
    """
    connection.execute(
        text(
            """
            INSERT INTO service_organizations (service_code, organization_id, last_success_at)
            SELECT :service, organization_id, clock_timestamp() FROM launch_counters
            WHERE launch_id = :launch AND (packets_total > packets_with_errors OR notifications_sent > 0)
              AND organization_id IS NOT NULL
            ORDER BY organization_id
            ON CONFLICT (service_code, organization_id) DO UPDATE SET last_success_at = excluded.last_success_at
            """
        ),
        {"service": service_code, "launch": launch_id},
    )


def resume(connection: Connection, launch_id: UUID, service_code: str) -> None:
    """Open an ended launch again, with the wish to run it; the service must be locked. The caller commits."""
    emptied = dict.fromkeys(("result_text", "result_counts", "finished_at", "stop_requested_at"))
    connection.execute(
        update(launches)
        .where(launches.c.id == launch_id, launches.c.result == LaunchResult.FAILED)
        .values(result=LaunchResult.RUNNING, **emptied)
    )
    outbox.post(connection, outbox.Task.LAUNCH, service_code, launch_id)


def forget_requests(connection: Connection, older_than_days: int) -> int:
    """Delete idempotency keys older than so many days; return how many. The caller commits."""
    old = text("created_at < now() - make_interval(days => :days)").bindparams(days=older_than_days)
    return connection.execute(delete(launch_requests).where(old)).rowcount
