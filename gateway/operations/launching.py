"""Stopping a running launch and resuming a session that stopped at its check."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from gateway.catalog.registry import Exchange
from gateway.domain.actions import Action, Facts, refusal
from gateway.domain.errors import Conflict, NotAllowed
from gateway.domain.launches import LaunchResult
from gateway.domain.roles import Viewer
from gateway.journal import launches as launch_records
from gateway.journal import registry
from gateway.operations import access
from gateway.operations.context import Context
from gateway.operations.journal import require_launch


def stop_launch(ctx: Context, viewer: Viewer, launch_id: UUID) -> UUID:
    """Ask a running launch to stop: it ends «Остановлен оператором» before its next step. Commits; audited.

    Raises:
        NotFound: no such launch for this viewer.
        NotAllowed: the role may not, or the launch also covers МО of others.
        Conflict: an action rule refuses.
    """
    with ctx.engine.begin() as connection:
        row, _ = _require_own(ctx, connection, viewer, launch_id)
        facts = Facts(result=LaunchResult(row.result), stop_requested=row.stop_requested_at is not None)
        reason = refusal(Action.STOP, facts)
        if reason is not None:
            raise Conflict(reason)
        launch_records.request_stop(connection, launch_id)
        registry.audit(connection, viewer, registry.AuditEvent("stop-launch", [str(launch_id)]))
    return launch_id


def resume_transfer(ctx: Context, viewer: Viewer, launch_id: UUID) -> UUID:
    """«Возобновить передачу»: the same session goes on with a new check. Commits; audited.

    Raises:
        NotFound: no such launch for this viewer.
        NotAllowed: the role may not, or the launch also covers МО of others.
        Conflict: an action rule refuses.
    """
    with ctx.engine.begin() as connection:
        row, exchange = _require_own(ctx, connection, viewer, launch_id)
        launch_records.lock_service(connection, row.service_code)
        state = launch_records.load(connection, launch_id)
        scopes = launch_records.running_scopes(connection, [row.service_code])
        facts = Facts(
            resumable=exchange.manifest.service.resumable,
            result=LaunchResult(row.result),
            last_event_code=row.last_event_code,
            error_count=row.error_count,
            running=launch_records.is_running(scopes, row.service_code, state.scope),
        )
        reason = refusal(Action.RESUME, facts)
        if reason is not None:
            raise Conflict(reason)
        launch_records.resume(connection, launch_id, row.service_code)
        registry.audit(connection, viewer, registry.AuditEvent("resume-transfer", [str(launch_id)]))
    return launch_id


def _require_own(ctx: Context, connection: Connection, viewer: Viewer, launch_id: UUID) -> tuple[Row[Any], Exchange]:
    row: Row[Any] = require_launch(ctx, connection, viewer, launch_id)
    exchange = access.require_service(ctx.catalog, viewer, row.service_code)
    scope = launch_records.load(connection, launch_id).scope
    own = viewer.organization_ids
    if not access.may_run(viewer, exchange):
        raise access.forbidden(viewer, "Управление запусками не разрешено")
    if own is not None and (scope is None or not scope <= own):
        raise NotAllowed("Запуск относится и к другим МО: им управляет администратор ЦОД")
    return row, exchange
