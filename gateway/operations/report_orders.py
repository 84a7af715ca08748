"""What a report may be ordered of: the filter of each list, judged and cut exactly as the list itself."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Annotated, Any, Final, NamedTuple, TypeVar, get_type_hints
from uuid import UUID

from sqlalchemy import Connection

from gateway.catalog.manifest import Manifest, Titled
from gateway.domain.errors import InvalidRequest, NotFound
from gateway.domain.launches import RESULT_TITLES, LaunchResult, LogKind
from gateway.domain.roles import ROLE_TITLES, Viewer
from gateway.domain.statuses import NOTIFICATION_TITLES, STATUS_TITLES, NotificationStatus, PacketStatus
from gateway.domain.zones import time_zone
from gateway.journal.launch_queries import LaunchQuery
from gateway.journal.notification_queries import NotificationQuery
from gateway.journal.packet_queries import PacketQuery
from gateway.journal.report_queries import SessionQuery
from gateway.operations import access
from gateway.operations.bounds import require_notification_statuses
from gateway.operations.context import Context
from gateway.operations.journal import launch_query, packet_query, require_launch
from gateway.operations.records import LaunchFilter, PacketFilter
from gateway.operations.sessions import require_session
from gateway.reports.heading import Condition, Heading
from gateway.reports.kinds import LISTINGS, Column, ReportFormat, ReportKind
from gateway.xml.instants import format_instant

F = TypeVar("F", LaunchFilter, PacketFilter)


@dataclass(frozen=True, slots=True)
class ReportOrder:
    """Отчёт по списку журнала: «Печать всего списка» или «Печать выбранной записи»."""

    kind: Annotated[ReportKind, "Список: SERVICES, LAUNCHES, PACKETS, SESSION_EVENTS, SESSION_ERRORS, NOTIFICATIONS"]
    format: Annotated[ReportFormat, "Вид отчёта: XML или CSV"] = ReportFormat.XML
    record_id: Annotated[str | None, "Запись: идентификатор выбранной записи, для списка сервисов – код сервиса"] = None
    group_code: Annotated[str | None, "Группа сервисов: код"] = None
    service_code: Annotated[str | None, "Сервис: код"] = None
    launch_id: Annotated[UUID | None, "Запуск: идентификатор"] = None
    started_from: Annotated[datetime | None, "Запуск не раньше"] = None
    started_to: Annotated[datetime | None, "Запуск раньше"] = None
    created_from: Annotated[datetime | None, "Создан не раньше"] = None
    created_to: Annotated[datetime | None, "Создан раньше: период не длиннее 366 дней"] = None
    organization_oid: Annotated[str | None, "МО: OID"] = None
    result: Annotated[LaunchResult | None, "Результат: код"] = None
    packet_type: Annotated[str | None, "Тип пакета: код"] = None
    operation: Annotated[str | None, "Операция: код"] = None
    statuses: Annotated[tuple[str, ...], "Статусы: коды"] = ()
    held: Annotated[bool | None, "Не отправлять пакет: признак"] = None
    object_id: Annotated[str | None, "Исходный документ: идентификатор в МИС"] = None
    changed_since: Annotated[datetime | None, "Изменён не раньше"] = None
    text: Annotated[str | None, "Текст: в результате или идентификаторе"] = None


_COMMON: Final = frozenset({"kind", "format", "record_id"})
_OF_LAUNCH: Final = frozenset({"launch_id"})
FILTERS: Final[dict[ReportKind, frozenset[str]]] = {
    ReportKind.SERVICES: frozenset({"group_code"}),
    ReportKind.LAUNCHES: frozenset(field.name for field in fields(LaunchFilter)),
    ReportKind.PACKETS: frozenset(field.name for field in fields(PacketFilter)),
    ReportKind.SESSION_EVENTS: _OF_LAUNCH,
    ReportKind.SESSION_ERRORS: _OF_LAUNCH,
    ReportKind.NOTIFICATIONS: _OF_LAUNCH | {"statuses"},
}
"""Fields that belong to the filter of each list; a filter of another list is refused, never passed over."""


def check(order: ReportOrder) -> None:
    """Judge the shape of an order.

    Raises:
        InvalidRequest: a field of another list's filter, or a record that does not fit the list.
    """
    given = {field.name for field in fields(ReportOrder) if getattr(order, field.name) not in (None, ())}
    foreign = given - FILTERS[order.kind] - _COMMON
    if foreign:
        titles = ", ".join(f"«{_title(name)}»" for name in sorted(foreign))
        raise InvalidRequest(f"Отбор {titles} не относится к списку «{LISTINGS[order.kind].title}»")
    if order.kind in {ReportKind.SESSION_EVENTS, ReportKind.SESSION_ERRORS, ReportKind.NOTIFICATIONS}:
        _require(order, "launch_id")


def _require(order: ReportOrder, name: str) -> None:
    if getattr(order, name) is None:
        raise InvalidRequest(f"Укажите отбор «{_title(name)}»: без него список не составить")


def heading(
    ctx: Context, viewer: Viewer, order: ReportOrder, manifest: Manifest | None, session_title: str | None = None
) -> Heading:
    """What stands above the report; ``manifest`` is that of its service, None when it is of several."""
    listing = LISTINGS[order.kind]
    return Heading(
        kind=order.kind,
        format=order.format,
        made_by=viewer.name,
        role=", ".join(ROLE_TITLES[role] for role in sorted(viewer.roles)),
        service_code=manifest.service.code if manifest else None,
        service_title=manifest.service.title if manifest else None,
        conditions=tuple(_conditions(order, manifest, time_zone(ctx.time_zone))),
        columns=listing.chosen(tuple(Column(c.code, c.title) for c in _manifest_columns(order.kind, manifest))),
        session_title=session_title,
        time_zone=ctx.time_zone,
    )


def _manifest_columns(kind: ReportKind, manifest: Manifest | None) -> tuple[Titled, ...]:
    if manifest is None or kind in {ReportKind.SERVICES, ReportKind.SESSION_ERRORS}:
        return ()
    return manifest.launch_columns if kind is ReportKind.LAUNCHES else manifest.detail_columns


def _conditions(order: ReportOrder, manifest: Manifest | None, zone: tzinfo) -> list[Condition]:
    found = []
    for field in fields(ReportOrder):
        value = getattr(order, field.name)
        if field.name not in {"kind", "format"} and value not in (None, ()):
            shown = _moment(value, zone) if isinstance(value, datetime) else _shown(field.name, value, manifest)
            found.append(Condition(_camel(field.name), _title(field.name), shown))
    return found


def _shown(name: str, value: Any, manifest: Manifest | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, LaunchResult):
        return RESULT_TITLES[value]
    if isinstance(value, tuple) and manifest is not None and manifest.service.log is LogKind.NOTIFICATIONS:
        return ", ".join(NOTIFICATION_TITLES[NotificationStatus(c)] for c in value if c in set(NotificationStatus))
    if isinstance(value, tuple):
        known = [PacketStatus(code) for code in value if code in set(PacketStatus)]
        return ", ".join(manifest.status_title(s) if manifest else STATUS_TITLES[s] for s in known)
    if name == "packet_type" and manifest is not None:
        return manifest.packet_type_titles.get(value, str(value))
    return str(value)


def _moment(value: datetime, zone: tzinfo) -> str:
    """In the zone; in UTC at the calendar's ends and where the zone still went by the sun to the second."""
    try:
        return format_instant(value.astimezone(zone))
    except (OverflowError, ValueError):
        return format_instant(value.astimezone(UTC))


@cache
def _titles() -> dict[str, str]:
    hints = get_type_hints(ReportOrder, include_extras=True)
    return {name: hint.__metadata__[0].partition(":")[0] for name, hint in hints.items()}


def _title(name: str) -> str:
    return _titles()[name]


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


class Resolved(NamedTuple):
    """Of what a report is: its service's manifest, None when it is of several; the query of its list, cut to what the
    viewer may see; what its session is called, where it is of one that has a name."""

    manifest: Manifest | None
    query: LaunchQuery | PacketQuery | SessionQuery | NotificationQuery
    session_title: str | None = None


def resolve(ctx: Context, connection: Connection, viewer: Viewer, order: ReportOrder) -> Resolved:
    """Find what a report is made of.

    Raises:
        NotFound: no such service, launch, МО or record for this viewer.
        InvalidRequest: the list has no report, or its filter is wrong.
    """
    record = _record_id(order)
    if order.kind is ReportKind.LAUNCHES:
        return _launches(ctx, connection, viewer, order, record)
    if order.kind is ReportKind.PACKETS:
        return _packets(ctx, connection, viewer, order, record)
    launch = require_launch(ctx, connection, viewer, order.launch_id or UUID(int=0))
    manifest = ctx.catalog.manifest(launch.service_code)
    if order.kind is ReportKind.NOTIFICATIONS:
        return Resolved(manifest, _notifications(viewer, order, launch.id, manifest, record))
    require_session(ctx, connection, viewer, launch.id)
    query = SessionQuery(launch.id)
    if record is not None:
        query = replace(query, after=_beside(record, -1), before=_beside(record, 1))
    return Resolved(manifest, query, manifest.service.titled(launch.organization_name) if manifest else None)


def _notifications(
    viewer: Viewer, order: ReportOrder, launch_id: UUID, manifest: Manifest | None, record: UUID | None
) -> NotificationQuery:
    if manifest is None or manifest.service.log is not LogKind.NOTIFICATIONS:
        raise InvalidRequest("Сервис не рассылает уведомлений")
    require_notification_statuses(order.statuses)
    whole = NotificationQuery(launch_id, viewer.organization_ids, order.statuses)
    return whole if record is None else replace(whole, after=_beside(record, -1), before=_beside(record, 1))


def _record_id(order: ReportOrder) -> UUID | None:
    if order.record_id is None:
        return None
    try:
        return UUID(order.record_id)
    except ValueError:
        raise NotFound("Запись не найдена") from None


def _beside(record: UUID, step: int) -> UUID:
    return UUID(int=min(max(record.int + step, 0), 2**128 - 1))


def _launches(
    ctx: Context, connection: Connection, viewer: Viewer, order: ReportOrder, record: UUID | None
) -> Resolved:
    if record is not None and order.service_code is None:
        order = replace(order, service_code=require_launch(ctx, connection, viewer, record).service_code)
    _require(order, "service_code")
    wanted = _narrow(LaunchFilter, order)
    manifest = access.require_service(ctx.catalog, viewer, wanted.service_code).manifest
    return Resolved(manifest, _only(launch_query(connection, viewer, wanted), record))


def _packets(ctx: Context, connection: Connection, viewer: Viewer, order: ReportOrder, record: UUID | None) -> Resolved:
    if record is not None and order.launch_id is None:
        row = access.visible_packets(connection, ctx.catalog, viewer, [record]).get(record)
        if row is None:
            raise NotFound("Запись не найдена")
        order = replace(order, launch_id=row.launch_id)
    query = packet_query(ctx, connection, viewer, _narrow(PacketFilter, order))
    code = order.service_code
    if order.launch_id is not None:
        code = require_launch(ctx, connection, viewer, order.launch_id).service_code
    return Resolved(ctx.catalog.manifest(code) if code else None, _only(query, record))


def _narrow(kind: type[F], order: ReportOrder) -> F:
    return kind(**{field.name: getattr(order, field.name) for field in fields(kind)})


Q = TypeVar("Q", LaunchQuery, PacketQuery)


def _only(query: Q, record: UUID | None) -> Q:
    """The same query, of one record."""
    if record is None:
        return query
    return replace(query, since=max(query.since, record), before=min(query.before, _beside(record, 1)))
