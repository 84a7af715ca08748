"""Stopping a running launch and resuming a session that stopped at its check."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from gateway.domain.actions import Action
from gateway.domain.roles import Viewer
from gateway.journal import launches as launch_records
from gateway.journal import registry
from gateway.operations import access, presenting
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
        _require(ctx, connection, viewer, Action.STOP, launch_id)
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
        service_code = _require(ctx, connection, viewer, Action.RESUME, launch_id)
        launch_records.resume(connection, launch_id, service_code)
        registry.audit(connection, viewer, registry.AuditEvent("resume-transfer", [str(launch_id)]))
    return launch_id


def _require(ctx: Context, connection: Connection, viewer: Viewer, action: Action, launch_id: UUID) -> str:
    """Let an allowed deed with a launch pass and return the launch's service, whose starts wait until it is done."""
    service_code: str = require_launch(ctx, connection, viewer, launch_id).service_code
    launch_records.lock_service(connection, service_code)
    row = require_launch(ctx, connection, viewer, launch_id)
    running = launch_records.running_scopes(connection, [service_code])
    facts = presenting.launch_facts(row, manifest=ctx.catalog.manifest(service_code), viewer=viewer, running=running)
    access.require(viewer, action, facts)
    return service_code
