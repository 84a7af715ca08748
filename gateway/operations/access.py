"""What exists for a viewer: services, МО and packets. What it may not see is NOT_FOUND, everywhere alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from gateway.catalog.registry import Catalog, Exchange
from gateway.domain.errors import NotAllowed, NotFound
from gateway.domain.roles import ROLE_TITLES, Role, Verb, Viewer
from gateway.journal import packet_queries, registry
from gateway.journal.registry import OrganizationRow


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


def may_run(viewer: Viewer, exchange: Exchange) -> bool:
    """Tell whether the viewer's roles may launch this service at all."""
    allowed_to_mis = exchange.manifest.service.mis_may_start or Role.MIS not in viewer.roles
    return viewer.may(Verb.RUN) and allowed_to_mis


def forbidden(viewer: Viewer, refused: str) -> NotAllowed:
    """The refusal of a deed (``refused``: «Запуск сервиса не разрешён») that the roles of this call do not allow.

    A МИС that acts for a person needs the right of both: an operator would look for the fault in his own role alone.
    """
    if viewer.actor is None:
        return NotAllowed(f"{refused} вашей роли")
    both = " и ".join(f"«{ROLE_TITLES[role]}»" for role in (viewer.account.role, viewer.actor.role))
    return NotAllowed(f"{refused}: при действии от имени пользователя нужны права обеих ролей, {both}")
