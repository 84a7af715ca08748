"""Rows of the journal → records people and programs read: titles, allowed actions, reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from gateway.catalog.manifest import Manifest, Titled
from gateway.domain.actions import Action, Facts, refusal
from gateway.domain.identifiers import uuid7_moment
from gateway.domain.launches import RESULT_TITLES, LaunchResult, told
from gateway.domain.roles import Verb, Viewer
from gateway.domain.statuses import STATUS_TITLES, Direction, Operation, PacketStatus
from gateway.operations.records import Column, Launch, OrganizationCode, Packet


def columns(titled: tuple[Titled, ...]) -> tuple[Column, ...]:
    """Columns of a log, as the manifest names them."""
    return tuple(Column(c.code, c.title) for c in titled)


def organization_codes(codes: Mapping[str, str]) -> tuple[OrganizationCode, ...]:
    """Codes of a МО, by system."""
    return tuple(OrganizationCode(system, value) for system, value in sorted(codes.items()))


def launch(row: Row[Any], *, manifest: Manifest | None, viewer: Viewer) -> Launch:
    """A launch with counters; its МО is named only to those who see it."""
    result = LaunchResult(row.result)
    resume_refusal = refusal(
        Action.RESUME,
        Facts(
            allowed=viewer.may(Verb.RUN),
            resumable=manifest is not None and manifest.service.resumable,
            result=result,
            last_event_code=row.last_event_code,
            error_count=row.error_count,
        ),
    )
    scope = None if row.scope is None else frozenset(row.scope)
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
        result_text=told(row.result_text, row.result_counts, scope, viewer.organization_ids, row.remark),
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
    kind = manifest.packet_type(row.packet_type) if manifest else None
    operations = manifest.operations if manifest else {}
    facts = packet_facts(row, manifest=manifest, viewer=viewer)
    hold, release = refusal(Action.HOLD, facts), refusal(Action.RELEASE, facts)
    return Packet(
        id=row.id,
        launch_id=row.launch_id,
        service_code=row.service_code,
        created_at=uuid7_moment(row.id),
        organization_oid=row.organization_oid,
        direction=facts.direction,
        packet_type=row.packet_type,
        packet_type_title=kind.title if kind else row.packet_type,
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
