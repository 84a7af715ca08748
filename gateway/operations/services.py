"""«Список сервисов» and the МО among which a launch may choose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row

from gateway.catalog.registry import Exchange
from gateway.catalog.schedule import schedule_of
from gateway.domain.actions import Action, Facts
from gateway.domain.errors import NotFound
from gateway.domain.launches import OrganizationChoice
from gateway.domain.roles import Viewer
from gateway.journal import launch_queries, registry
from gateway.journal import launches as launch_records
from gateway.journal.launch_queries import LaunchQuery
from gateway.journal.registry import OrganizationRow
from gateway.operations import access, presenting
from gateway.operations.context import Context
from gateway.operations.records import Organization, Service


@dataclass(frozen=True, slots=True)
class ServiceStates:
    """Stored settings and running launches of services, read once for a whole list."""

    settings: dict[str, registry.ServiceSettings]
    running: launch_records.Scopes


def load_states(connection: Connection, exchanges: list[Exchange]) -> ServiceStates:
    """Read the states of these exchanges' services in two statements."""
    codes = [e.manifest.service.code for e in exchanges]
    return ServiceStates(registry.load_service_settings(connection), launch_records.running_scopes(connection, codes))


def start_facts(states: ServiceStates, viewer: Viewer, exchange: Exchange, scope: frozenset[int] | None) -> Facts:
    """What the rules of «Запуск» look at, for a launch over these МО (None: every МО)."""
    service = exchange.manifest.service
    stored = states.settings.get(service.code)
    for_all = service.organization_choice is OrganizationChoice.NONE and viewer.organization_ids is not None
    return Facts(
        allowed=access.may_run(viewer, exchange.manifest),
        for_all=for_all,
        enabled=stored is None or stored.enabled,
        manual_start=service.manual_start,
        running=launch_records.is_running(states.running, service.code, scope),
    )


def list_services(ctx: Context, viewer: Viewer, group_code: str | None) -> tuple[Service, ...]:
    """«Список сервисов»: services and groups of the top, or the services of one group, in the order of the catalog.

    Raises:
        NotFound: no such group for this viewer.
    """
    visible = access.visible_exchanges(ctx.catalog, viewer)
    if group_code is not None and group_code not in access.visible_groups(ctx.catalog, viewer):
        raise NotFound("Группа сервисов не найдена")
    shown = [e for e in visible if (e.manifest.group.code if e.manifest.group else None) == group_code]
    codes = [e.manifest.service.code for e in shown]
    query = LaunchQuery("", viewer.account.id, viewer.organization_ids)
    with ctx.engine.connect() as connection:
        states = load_states(connection, shown)
        choice = _choice(connection, viewer, states, shown)
        newest = launch_queries.newest_launches(connection, query, codes)
    services = {e.manifest.service.code: _service(states, viewer, e, newest, choice, ctx.time_zone) for e in shown}
    listed = shown if group_code is not None else visible
    return tuple(
        services.get(code) or _group(ctx, viewer, code) for code in dict.fromkeys(_entry(e, group_code) for e in listed)
    )


def _choice(
    connection: Connection, viewer: Viewer, states: ServiceStates, exchanges: Iterable[Exchange]
) -> Sequence[OrganizationRow]:
    """МО among which a launch may choose: while one of them is busy, the service may still be started for another.

    Read only where it is asked: some service that must be told its МО is running.
    """
    required = [e.manifest.service.code for e in exchanges if e.manifest.service.organizations_required]
    if not any(states.running[code] for code in required):
        return ()
    return list(registry.load_organizations(connection, viewer.organization_ids).values())


def _entry(exchange: Exchange, group_code: str | None) -> str:
    """Code under which an exchange stands in a list: in the top one a group stands for its services."""
    manifest = exchange.manifest
    return manifest.group.code if manifest.group and group_code is None else manifest.service.code


def _group(ctx: Context, viewer: Viewer, code: str) -> Service:
    reason = access.refusal(viewer, Action.START, Facts(is_group=True))
    return Service(
        code=code,
        title=ctx.catalog.groups[code].title,
        group_code=None,
        is_group=True,
        enabled=True,
        manual_start=False,
        organization_choice=OrganizationChoice.NONE,
        start_allowed=False,
        start_refusal=reason,
        schedule=None,
        next_start_at=None,
        last_launch=None,
        launch_columns=(),
        detail_columns=(),
    )


def _service(
    states: ServiceStates,
    viewer: Viewer,
    exchange: Exchange,
    newest: Mapping[str, Row[Any]],
    choice: Sequence[OrganizationRow],
    zone: str,
) -> Service:
    manifest = exchange.manifest
    service = manifest.service
    last = newest.get(service.code)
    facts = start_facts(states, viewer, exchange, viewer.organization_ids)
    if service.organizations_required and facts.running:
        chosen = (frozenset({one.id}) for one in choice if service.takes(one.oid))
        facts = replace(facts, running=all(launch_records.is_running(states.running, service.code, c) for c in chosen))
    reason = access.refusal(viewer, Action.START, facts)
    settings = states.settings.get(service.code, registry.ServiceSettings())
    schedule = schedule_of(service.schedule, settings, zone)
    planned = schedule is not None and settings.next_start_of == schedule.mark
    return Service(
        code=service.code,
        title=service.title,
        group_code=manifest.group.code if manifest.group else None,
        is_group=False,
        enabled=facts.enabled,
        manual_start=service.manual_start,
        organization_choice=service.organization_choice,
        start_allowed=reason is None,
        start_refusal=reason,
        schedule=schedule.title if schedule else None,
        next_start_at=settings.next_start_at if planned and facts.enabled else None,
        last_launch=presenting.launch(last, manifest=manifest, viewer=viewer, running=states.running) if last else None,
        launch_columns=presenting.columns(manifest.launch_columns),
        detail_columns=presenting.columns(manifest.detail_columns),
    )


def list_organizations(ctx: Context, viewer: Viewer, service_code: str) -> tuple[Organization, ...]:
    """МО among which a launch of the service may choose, by name; without OID none where the service needs it.

    Raises:
        NotFound: no such service for this viewer.
    """
    exchange = access.require_service(ctx.catalog, viewer, service_code)
    with ctx.engine.connect() as connection:
        rows = registry.load_organizations(connection, viewer.organization_ids)
        successes = launch_queries.last_successes(connection, service_code, list(rows))
        states = load_states(connection, [exchange])
    facts = start_facts(states, viewer, exchange, frozenset())
    answer = []
    for row in rows.values():
        if not exchange.manifest.service.takes(row.oid):
            continue
        busy = launch_records.is_running(states.running, service_code, frozenset({row.id}))
        reason = access.refusal(viewer, Action.START, replace(facts, running=busy))
        codes = presenting.organization_codes(row.codes)
        answer.append(Organization(row.oid, row.name, codes, successes.get(row.id), reason is None, reason))
    return tuple(answer)
