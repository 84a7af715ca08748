"""Reports: «Печать выбранной записи», «Печать всего списка», and the links by which long reports are fetched.

A short report is made at once; a long one is made by a worker. What a report holds is settled when it is ordered; who
may fetch it is judged again at every fetch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import Connection, Row

from gateway.domain.errors import Conflict, InvalidRequest, NotFound, TooMany, Unavailable
from gateway.domain.identifiers import uuid7_moment
from gateway.domain.roles import Account, Actor, Role, Viewer
from gateway.journal import outbox, registry, reports
from gateway.journal.engine import database_now
from gateway.journal.report_queries import snapshot
from gateway.journal.reports import LIFETIME_S, ReportStatus
from gateway.journal.schema import load_secret
from gateway.operations import report_orders
from gateway.operations.context import Context
from gateway.operations.records import Service
from gateway.operations.report_orders import ReportOrder
from gateway.operations.services import list_services
from gateway.reports.heading import Made
from gateway.reports.kinds import ReportFormat, ReportKind
from gateway.reports.making import Order, gathered, make
from gateway.reports.printing import printable_page
from gateway.reports.sources import SOURCES, records_total
from gateway.reports.writers import Values, write

SHORT_RECORDS: Final = 1000
"""A report of up to so many records is made at once and answered whole."""

MAX_WAITING: Final = 5
"""Reports of one account that may wait for a worker at a time."""

PATH: Final = "/reports/"
MEDIA_TYPES: Final = {
    ReportFormat.XML: "application/xml; charset=utf-8",
    ReportFormat.CSV: "text/csv; charset=utf-8",
}
PAGE_TYPE: Final = "application/xhtml+xml; charset=utf-8"
_UNKNOWN: Final = "Отчёт не найден: ссылка неверна или её срок истёк"


@dataclass(frozen=True, slots=True)
class ReportReceipt:
    """Отчёт принят: короткий составлен сразу, длинный готовится."""

    report_id: Annotated[UUID, "Идентификатор отчёта"]
    xml: Annotated[str | None, "Отчёт XML, если он короткий"]
    download_url: Annotated[str | None, "Ссылка на отчёт, действует сутки; пока отчёт готовится, отвечает 503"]


class OpenedReport(NamedTuple):
    """A report on its way to whoever fetches it; ``size`` in bytes."""

    filename: str
    media_type: str
    size: int
    content: Iterator[bytes]


def export_report(ctx: Context, viewer: Viewer, order: ReportOrder) -> ReportReceipt:
    """«Печать»: make a short report, order a long one of a worker; commits; audited.

    Raises:
        NotFound: no such service, launch, МО or record for this viewer.
        InvalidRequest: the filter is wrong or of another list, or the list has no report.
        TooMany: five reports of this account wait already.
    """
    report_orders.check(order)
    if order.kind is ReportKind.SERVICES:
        return _store(ctx, viewer, order, {}, b"".join(_services_report(ctx, viewer, order)))
    with snapshot(ctx.engine) as connection:
        wanted, number = _wanted(ctx, connection, viewer, order)
        content = b"".join(make(connection, ctx.catalog, wanted)) if number <= SHORT_RECORDS else None
    return _store(ctx, viewer, order, wanted.to_json(), content)


def stream_report(ctx: Context, viewer: Viewer, order: ReportOrder) -> Iterator[bytes]:
    """Make a report of any length for one who reads it right away; commits the audit first.

    Raises: as :func:`export_report`, before the first piece.
    """
    report_orders.check(order)
    with ctx.engine.begin() as connection:
        registry.audit(connection, viewer, _event("export-report", order))
    if order.kind is ReportKind.SERVICES:
        yield from _services_report(ctx, viewer, order)
        return
    with snapshot(ctx.engine, timeout_s=3600) as connection:
        wanted, _ = _wanted(ctx, connection, viewer, order)
        yield from make(connection, ctx.catalog, wanted)


def _wanted(ctx: Context, connection: Connection, viewer: Viewer, order: ReportOrder) -> tuple[Order, int]:
    manifest, query, session_title = report_orders.resolve(ctx, connection, viewer, order)
    source = SOURCES[order.kind]
    number = source.count(connection, query) if order.record_id is None else source.totals(connection, query)[0].value
    if order.record_id is not None and number == 0:
        raise NotFound("Запись не найдена")
    return Order(report_orders.heading(ctx, viewer, order, manifest, session_title), query), number


def _services_report(ctx: Context, viewer: Viewer, order: ReportOrder) -> Iterator[bytes]:
    shown = list_services(ctx, viewer, order.group_code)
    if order.record_id is not None:
        shown = tuple(service for service in shown if service.code == order.record_id)
        if not shown:
            raise NotFound("Запись не найдена")
    with ctx.engine.connect() as connection:
        made = Made.now(database_now(connection), (records_total(len(shown)),), ctx.time_zone)
    return gathered(write(report_orders.heading(ctx, viewer, order, None), made, map(_service, shown)))


def _service(service: Service) -> Values:
    last = service.last_launch
    return (
        service.code,
        service.title,
        service.group_code,
        service.is_group,
        service.enabled,
        service.manual_start,
        service.schedule,
        service.next_start_at,
        last.started_at if last else None,
        last.finished_at if last else None,
        last.result_title if last else None,
    )


def _store(
    ctx: Context, viewer: Viewer, order: ReportOrder, wanted: dict[str, Any], content: bytes | None
) -> ReportReceipt:
    account = viewer.account
    with ctx.engine.begin() as connection:
        if content is None and reports.count_waiting(connection, account.id) >= MAX_WAITING:
            raise TooMany(f"Уже готовятся отчёты: {MAX_WAITING}; дождитесь их готовности")
        report_id = reports.add_report(
            connection, reports.ReportOrder(account.id, _snapshot(viewer), order.kind, order.format, wanted)
        )
        if content is None:
            outbox.post_report(connection, report_id)
        else:
            reports.put_chunk(connection, report_id, 0, content)
            reports.complete(connection, report_id, len(content))
        registry.audit(connection, viewer, _event("export-report", order, report_id))
    xml = content.decode() if content is not None and order.format is ReportFormat.XML else None
    return ReportReceipt(report_id, xml, f"{ctx.public_url}{PATH}{_links(ctx).dumps([report_id.hex, account.id])}")


def _event(action: str, order: ReportOrder, report_id: UUID | None = None) -> registry.AuditEvent:
    detail = {"kind": order.kind, "format": order.format, "service": order.service_code, "record": order.record_id}
    return registry.AuditEvent(action, [str(report_id)] if report_id else (), detail=detail)


def _links(ctx: Context) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(load_secret(ctx.engine), salt="report-link")


def _snapshot(viewer: Viewer) -> dict[str, Any]:
    """Who ordered, as the rights stood: what is compared at every fetch."""
    account, actor = viewer.account, viewer.actor
    limits = account.organization_ids
    return {
        "login": account.login,
        "role": account.role.value,
        "organization_ids": None if limits is None else sorted(limits),
        "actor": None if actor is None else [actor.login, actor.role.value, actor.organization_id],
    }


def open_report(ctx: Context, token: str, *, printable: bool = False, address: str | None = None) -> OpenedReport:
    """Open a report by its link; audited, commits. ``printable`` asks for the page instead of the report.

    Raises:
        NotFound: the link is forged or over a day old, or its account is disabled or has other rights by now.
        Unavailable: the report is still being made; ask again.
        Conflict: it could not be made; the message says why.
        InvalidRequest: a printable page of a CSV report.
        TooLarge: the report is too large for a page.
    """
    with ctx.engine.begin() as connection:
        row, viewer = _fetched(connection, _links(ctx), token, address)
        if row.status == ReportStatus.WAITING:
            raise Unavailable("Отчёт готовится: повторите запрос через несколько секунд")
        if row.status == ReportStatus.FAILED:
            raise Conflict(f"Отчёт не составлен: {row.error}")
        if printable and row.format != ReportFormat.XML:
            raise InvalidRequest("Печатная страница есть только у отчёта XML")
        action = "print-report" if printable else "download-report"
        registry.audit(connection, viewer, registry.AuditEvent(action, [str(row.id)]))
    name = f"{row.kind.lower().replace('_', '-')}-{uuid7_moment(row.id):%Y%m%d}-{row.id.hex[-8:]}"
    content = reports.read_content(ctx.engine, row.id)
    if printable:
        page = printable_page(row.size, content)
        return OpenedReport(f"{name}.xhtml", PAGE_TYPE, len(page), iter((page,)))
    return OpenedReport(f"{name}.{row.format.lower()}", MEDIA_TYPES[ReportFormat(row.format)], row.size, content)


def _fetched(
    connection: Connection, links: URLSafeTimedSerializer, token: str, address: str | None
) -> tuple[Row[Any], Viewer]:
    try:
        report, account_id = links.loads(token, max_age=LIFETIME_S)
    except BadData:
        raise NotFound(_UNKNOWN) from None
    row = reports.find_report(connection, UUID(hex=report))
    if row is None or row.account_id != account_id:
        raise NotFound(_UNKNOWN)
    stored = registry.find_account(connection, row.viewer["login"])
    if stored is None or stored.disabled or stored.account.id != account_id:
        raise NotFound(_UNKNOWN)
    viewer = _as_ordered(stored.account, row.viewer["actor"], address)
    if viewer is None or _snapshot(viewer) != row.viewer:
        raise NotFound(_UNKNOWN)
    return row, viewer


def _as_ordered(account: Account, actor: list[Any] | None, address: str | None) -> Viewer | None:
    """The viewer who ordered, or None when the account may no longer act for people."""
    if actor is None:
        return Viewer(account, address=address)
    login, role, organization_id = actor
    return Viewer(account, Actor(login, Role(role), organization_id), address) if account.may_act else None
