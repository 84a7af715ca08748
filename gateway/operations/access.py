"""What exists for a viewer: services, МО and packets. What it may not see is NOT_FOUND, everywhere alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row

from gateway.catalog.manifest import Manifest
from gateway.catalog.registry import Catalog, Exchange
from gateway.domain.actions import Action, Facts, refusing
from gateway.domain.errors import Conflict, NotAllowed, NotFound
from gateway.domain.roles import ROLE_TITLES, Role, Verb, Viewer
from gateway.journal import packet_queries, registry
from gateway.journal.registry import OrganizationRow

_ROLE: Final = " вашей роли"


def sees_service(viewer: Viewer, exchange: Exchange) -> bool:
    """Tell whether the service exists for every role of this call."""
    return viewer.roles <= exchange.manifest.service.visible_to


def visible_exchanges(catalog: Catalog, viewer: Viewer) -> list[Exchange]:
    """Exchanges whose services exist for the viewer."""
    return [e for e in catalog.exchanges.values() if sees_service(viewer, e)]


def service_codes(catalog: Catalog, viewer: Viewer) -> tuple[str, ...] | None:
    """Codes of the visible services, or None when the viewer sees even services no longer in the catalog."""
    visible = visible_exchanges(catalog, viewer)
    if viewer.roles == {Role.DC_ADMIN}:
        return None
    return tuple(e.manifest.service.code for e in visible)


def require_service(catalog: Catalog, viewer: Viewer, code: str) -> Exchange:
    """The exchange of a service.

    Raises:
        NotFound: no such service for this viewer.
    """
    exchange = catalog.exchanges.get(code)
    if exchange is None or not sees_service(viewer, exchange):
        raise NotFound("Сервис не найден: проверьте код сервиса в ответе ListServices")
    return exchange


def require_organizations(connection: Connection, viewer: Viewer, oids: Iterable[str]) -> list[OrganizationRow]:
    """МО by OID, in the given order, once each.

    Raises:
        NotFound: one of them does not exist for this viewer.
    """
    wanted = list(dict.fromkeys(oids))
    found = registry.find_organizations(connection, wanted)
    rows = [found[oid] for oid in wanted if oid in found and viewer.sees_organization(found[oid].id)]
    if len(rows) != len(wanted):
        raise NotFound("МО не найдена: проверьте OID")
    return rows


def visible_packets(
    connection: Connection, catalog: Catalog, viewer: Viewer, ids: Sequence[UUID]
) -> dict[UUID, Row[Any]]:
    """Those of the packets that exist for the viewer, by id."""
    codes = service_codes(catalog, viewer)
    rows = packet_queries.find_packets(connection, ids)
    return {
        key: row
        for key, row in rows.items()
        if viewer.sees_organization(row.organization_id) and (codes is None or row.service_code in codes)
    }


def visible_groups(catalog: Catalog, viewer: Viewer) -> set[str]:
    """Codes of the groups that hold a visible service."""
    return {e.manifest.group.code for e in visible_exchanges(catalog, viewer) if e.manifest.group}


def may_run(viewer: Viewer, manifest: Manifest | None) -> bool:
    """Tell whether the viewer's roles may launch this service at all; None: it is no longer in the catalog."""
    allowed_to_mis = Role.MIS not in viewer.roles or (manifest is not None and manifest.service.mis_may_start)
    return viewer.may(Verb.RUN) and allowed_to_mis


def refused(viewer: Viewer, action: Action, facts: Facts) -> NotAllowed | Conflict | None:
    """The refusal of a deed by the action rules, None where it is allowed: lists tell its text, faults raise it.

    A МИС that acts for a person needs the right of both: an operator would look for the fault in his own role alone.
    """
    rule = refusing(action, facts)
    if rule is None:
        return None
    if not rule.of_rights:
        return Conflict(rule.reason)
    if viewer.actor is None or not rule.reason.endswith(_ROLE):
        return NotAllowed(rule.reason)
    both = " и ".join(f"«{ROLE_TITLES[role]}»" for role in (viewer.account.role, viewer.actor.role))
    deed = rule.reason.removesuffix(_ROLE)
    return NotAllowed(f"{deed}: при действии от имени пользователя нужны права обеих ролей, {both}")


def refusal(viewer: Viewer, action: Action, facts: Facts) -> str | None:
    """Why a deed is refused, as lists tell it; None where it is allowed."""
    error = refused(viewer, action, facts)
    return None if error is None else error.message


def require(viewer: Viewer, action: Action, facts: Facts) -> None:
    """Let an allowed deed pass.

    Raises:
        NotAllowed: a rule of rights refuses it.
        Conflict: another rule does.
    """
    error = refused(viewer, action, facts)
    if error is not None:
        raise error
