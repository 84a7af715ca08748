"""Controlling services: launching them, banning packets from being sent and lifting the ban."""

from __future__ import annotations

import hashlib
from uuid import UUID

from sqlalchemy import Connection

from gateway.catalog.registry import Exchange
from gateway.domain.actions import Action, Facts
from gateway.domain.errors import Conflict, InvalidRequest
from gateway.domain.launches import OrganizationChoice, one_by_one
from gateway.domain.roles import Verb, Viewer
from gateway.journal import holds, registry
from gateway.journal import launches as launch_records
from gateway.journal.launches import Starter
from gateway.operations import access, presenting
from gateway.operations.bounds import MAX_KEY, MAX_REASON, require_length
from gateway.operations.context import Context
from gateway.operations.records import PacketOutcome
from gateway.operations.services import load_states, start_facts

MAX_IDS = 1000


def start_service(
    ctx: Context,
    viewer: Viewer,
    service_code: str,
    organization_oids: tuple[str, ...],
    request_id: str | None,
) -> tuple[UUID, ...]:
    """«Запуск»: write the launch and the wish to run it; commits.

    Without OIDs the launch covers every МО the viewer sees. With the same ``request_id`` as before the earlier launches
    are answered and nothing starts.

    Raises:
        NotFound: no such service or МО for this viewer.
        NotAllowed: the role may not launch the service.
        Conflict: an action rule refuses («Сервис уже выполняется»), or the request id was used for another request.
        InvalidRequest: the choice of МО does not fit the service.
    """
    if service_code in access.visible_groups(ctx.catalog, viewer):
        access.require(viewer, Action.START, Facts(is_group=True))
    exchange = access.require_service(ctx.catalog, viewer, service_code)
    access.require(viewer, Action.START, Facts(allowed=access.may_run(viewer, exchange.manifest)))
    require_length("requestId", request_id, MAX_KEY)
    with ctx.engine.begin() as connection:
        launch_records.lock_service(connection, service_code)
        asked = (service_code, sorted(set(organization_oids)), viewer.actor)
        fingerprint = hashlib.sha256(repr(asked).encode()).hexdigest()
        known = _answered_before(connection, viewer, request_id, fingerprint)
        if known is not None:
            return known
        scope = _scope(connection, viewer, exchange, organization_oids)
        facts = start_facts(load_states(connection, [exchange]), viewer, exchange, scope)
        access.require(viewer, Action.START, facts)
        per_organization = exchange.manifest.service.launch_per_organization and scope is not None
        scopes = one_by_one(scope or ()) if per_organization else [scope]
        made = launch_records.start(connection, service_code, scopes, Starter(viewer.account.id, viewer.name))
        if request_id is not None:
            launch_records.remember_request(connection, viewer.account.id, request_id, fingerprint, made)
        registry.audit(connection, viewer, registry.AuditEvent("start-service", [str(i) for i in made]))
    return tuple(made)


def _answered_before(
    connection: Connection, viewer: Viewer, request_id: str | None, fingerprint: str
) -> tuple[UUID, ...] | None:
    known = launch_records.find_request(connection, viewer.account.id, request_id) if request_id is not None else None
    if known is None:
        return None
    if known.fingerprint != fingerprint:
        raise Conflict("requestId уже использован для другого запроса")
    return tuple(known.launch_ids)


def _scope(
    connection: Connection, viewer: Viewer, exchange: Exchange, organization_oids: tuple[str, ...]
) -> frozenset[int] | None:
    service = exchange.manifest.service
    if service.organization_choice is OrganizationChoice.NONE:
        if organization_oids:
            raise InvalidRequest("Сервис запускается без выбора МО: уберите organizationOids")
        access.require(viewer, Action.START, Facts(for_all=viewer.organization_ids is not None))
        return None
    rows = access.require_organizations(connection, viewer, organization_oids)
    for row in rows:
        if not service.takes(row.oid):
            raise InvalidRequest(
                f"У МО «{row.name}» не указан OID или он записан неверно: сервис по ней не запускается"
            )
    if service.organization_choice is OrganizationChoice.ONE and len(rows) != 1:
        raise InvalidRequest("Сервис запускается по одной МО: укажите ровно один organizationOid")
    if rows:
        return frozenset(row.id for row in rows)
    if service.organizations_required:
        raise InvalidRequest("Не указаны МО")
    scope = viewer.organization_ids
    if service.launch_per_organization and scope is None:
        scope = frozenset(registry.load_organizations(connection))
    if scope is not None and not scope:
        raise Conflict("Нет ни одной МО, по которой можно запустить сервис")
    return scope


def hold_packets(
    ctx: Context, viewer: Viewer, packet_ids: tuple[UUID, ...], reason: str | None
) -> tuple[PacketOutcome, ...]:
    """«Не отправлять повторно»: ban packets and their objects from every later run; commits; audited with the reason.

    Raises:
        NotAllowed: the role may not ban packets.
        InvalidRequest: more than 1000 packets.
    """
    return _set_held(ctx, viewer, packet_ids, reason, held=True)


def release_packets(ctx: Context, viewer: Viewer, packet_ids: tuple[UUID, ...]) -> tuple[PacketOutcome, ...]:
    """«Снять запрет отправки»: lift the ban; a rejected object is sent again by the next run. Commits; audited.

    Raises:
        NotAllowed: the role may not lift the ban.
        InvalidRequest: more than 1000 packets.
    """
    return _set_held(ctx, viewer, packet_ids, None, held=False)


def _set_held(
    ctx: Context, viewer: Viewer, packet_ids: tuple[UUID, ...], reason: str | None, *, held: bool
) -> tuple[PacketOutcome, ...]:
    action = Action.HOLD if held else Action.RELEASE
    if not viewer.may(Verb.HOLD):
        access.require(viewer, action, Facts(allowed=False))
    require_length("reason", reason, MAX_REASON)
    wanted = list(dict.fromkeys(packet_ids))
    if not 1 <= len(wanted) <= MAX_IDS:
        raise InvalidRequest(f"packetIds: укажите от 1 до {MAX_IDS} пакетов")
    refusals: dict[UUID, str | None] = dict.fromkeys(wanted, "Пакет не найден")
    with ctx.engine.begin() as connection:
        for key, row in access.visible_packets(connection, ctx.catalog, viewer, wanted).items():
            manifest = ctx.catalog.manifest(row.service_code)
            facts = presenting.packet_facts(row, manifest=manifest, viewer=viewer)
            refusals[key] = access.refusal(viewer, action, facts)
        allowed = [key for key, why in refusals.items() if why is None]
        changed = holds.set_held(connection, allowed, held=held)
        for lost in set(allowed) - changed:
            refusals[lost] = "Пакет только что изменил другой пользователь: обновите список"
        if changed:
            name = "hold-packet" if held else "release-packet"
            detail = {"reason": reason} if reason else None
            objects = [str(key) for key in sorted(changed)]
            registry.audit(connection, viewer, registry.AuditEvent(name, objects, detail=detail))
    return tuple(PacketOutcome(key, refusals[key] is None, refusals[key]) for key in wanted)
