"""Rows of the journal → records people and programs read: titles, allowed actions, reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row

from gateway.catalog.manifest import Manifest, Titled
from gateway.catalog.registry import Catalog
from gateway.domain.actions import Action, Facts
from gateway.domain.identifiers import uuid7_moment
from gateway.domain.launches import RESULT_TITLES, LaunchResult, told
from gateway.domain.roles import Verb, Viewer
from gateway.domain.statuses import STATUS_TITLES, Direction, Operation, PacketStatus
from gateway.journal.launches import Scopes, is_running, running_scopes
from gateway.operations import access
from gateway.operations.records import Column, Launch, OrganizationCode, Packet


def columns(titled: tuple[Titled, ...]) -> tuple[Column, ...]:
    """Columns of a log, as the manifest names them."""
    return tuple(Column(c.code, c.title) for c in titled)


def organization_codes(codes: Mapping[str, str]) -> tuple[OrganizationCode, ...]:
    """Codes of a МО, by system."""
    return tuple(OrganizationCode(system, value) for system, value in sorted(codes.items()))


def launch_facts(row: Row[Any], *, manifest: Manifest | None, viewer: Viewer, running: Scopes) -> Facts:
    """What the rules of «Возобновить передачу» and of stopping look at."""
    scope, own = _scope(row), viewer.organization_ids
    return Facts(
        allowed=access.may_run(viewer, manifest),
        foreign=own is not None and (scope is None or not scope <= own),
        resumable=manifest is not None and manifest.service.resumable,
        running=is_running(running, row.service_code, scope),
        result=LaunchResult(row.result),
        stop_requested=row.stop_requested_at is not None,
        last_event_code=row.last_event_code,
        error_count=row.error_count,
    )


def _scope(row: Row[Any]) -> frozenset[int] | None:
    return None if row.scope is None else frozenset(row.scope)


def launches(connection: Connection, catalog: Catalog, viewer: Viewer, rows: Iterable[Row[Any]]) -> tuple[Launch, ...]:
    """Launches with counters and allowed actions, in the given order."""
    shown = list(rows)
    running = running_scopes(connection, list({row.service_code for row in shown}))
    return tuple(
        launch(row, manifest=catalog.manifest(row.service_code), viewer=viewer, running=running) for row in shown
    )


def launch(row: Row[Any], *, manifest: Manifest | None, viewer: Viewer, running: Scopes) -> Launch:
    """A launch with counters; its МО is named only to those who see it."""
    result = LaunchResult(row.result)
    facts = launch_facts(row, manifest=manifest, viewer=viewer, running=running)
    resume_refusal = access.refusal(viewer, Action.RESUME, facts)
    stop_refusal = access.refusal(viewer, Action.STOP, facts)
    named = row.organization_id is not None and viewer.sees_organization(row.organization_id)
    return Launch(
        id=row.id,
        service_code=row.service_code,
        started_at=row.started_at,
        finished_at=row.finished_at,
        organization_oid=row.organization_oid if named else None,
        organization_name=row.organization_name if named else None,
        result=result,
        result_title=RESULT_TITLES[result],
        result_text=told(row.result_text, row.result_counts, _scope(row), viewer.organization_ids, row.remark),
        packet_group_id=row.packet_group_id,
        packets_total=row.packets_total,
        packets_with_errors=row.packets_with_errors,
        error_count=row.error_count,
        notifications_formed=row.notifications_formed,
        notifications_sent=row.notifications_sent,
        started_by=row.started_by,
        can_resume=resume_refusal is None,
        resume_refusal=resume_refusal,
        session_title=manifest.service.titled(row.organization_name) if manifest and named else None,
        can_stop=stop_refusal is None,
        stop_refusal=stop_refusal,
    )


def packet_facts(row: Row[Any], *, manifest: Manifest | None, viewer: Viewer) -> Facts:
    """What the rules of «Не отправлять повторно» and «Снять запрет отправки» look at."""
    return Facts(
        allowed=viewer.may(Verb.HOLD),
        holdable=manifest is not None and manifest.service.holdable,
        direction=Direction(row.direction),
        held=row.held,
    )


def packet(row: Row[Any], *, manifest: Manifest | None, viewer: Viewer) -> Packet:
    """A packet with titles and allowed actions; a code the manifest no longer knows is its own title."""
    status = PacketStatus(row.status)
    types = manifest.packet_type_titles if manifest else {}
    operations = manifest.operations if manifest else {}
    facts = packet_facts(row, manifest=manifest, viewer=viewer)
    hold, release = (access.refusal(viewer, action, facts) for action in (Action.HOLD, Action.RELEASE))
    return Packet(
        id=row.id,
        launch_id=row.launch_id,
        service_code=row.service_code,
        created_at=uuid7_moment(row.id),
        organization_oid=row.organization_oid,
        direction=facts.direction,
        packet_type=row.packet_type,
        packet_type_title=types.get(row.packet_type, row.packet_type),
        operation=row.operation,
        operation_title=operations.get(Operation(row.operation), row.operation),
        status=status,
        status_title=manifest.status_title(status) if manifest else STATUS_TITLES[status],
        result_text=row.result_text,
        held=row.held,
        can_hold=hold is None,
        can_release=release is None,
        refusal=None if hold is None or release is None else (release if row.held else hold),
        attempts=row.attempts,
        object_id=row.object_id,
        items_total=row.items_total,
        items_not_accepted=row.items_not_accepted,
        data_size=row.data_size,
        answer_size=row.answer_size,
    )
