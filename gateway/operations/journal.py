"""Reading the journal: launches, packets, their data and answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection

from gateway.domain.errors import InvalidRequest, InvalidXml, NotFound, TooLarge
from gateway.domain.identifiers import uuid7_floor, uuid7_moment
from gateway.domain.roles import Viewer
from gateway.domain.statuses import Operation, PacketStatus
from gateway.journal import launch_queries, packet_queries, registry
from gateway.journal.launch_queries import FIRST, LAST, LaunchQuery
from gateway.journal.packet_queries import PacketQuery
from gateway.journal.packets import ANSWER, DATA
from gateway.operations import access, paging, presenting
from gateway.operations.bounds import require_codes
from gateway.operations.context import Context
from gateway.operations.records import (
    Field,
    Launch,
    LaunchFilter,
    Packet,
    PacketContent,
    PacketFilter,
    Page,
    PageRequest,
)
from gateway.xml.canonical import serialize
from gateway.xml.parser import parse
from gateway.xml.view import fields

MAX_PERIOD: Final = timedelta(days=366)
MAX_TEXT_PERIOD: Final = timedelta(days=31)


def list_launches(ctx: Context, viewer: Viewer, wanted: LaunchFilter, page: PageRequest) -> Page[Launch]:
    """«Лог запусков выбранного сервиса», newest first.

    Raises:
        NotFound: no such service or МО for this viewer.
        InvalidRequest: the limit, the cursor or a bound is wrong.
    """
    access.require_service(ctx.catalog, viewer, wanted.service_code)
    limit, before = paging.bounds(ctx, viewer, wanted, page, LAST)
    with ctx.engine.connect() as connection:
        query = launch_query(connection, viewer, wanted)
        asked = replace(query, limit=limit + 1, before=min(before, query.before))
        rows = launch_queries.page_of_launches(connection, asked)
        total = launch_queries.count_launches(connection, query)
        launches = presenting.launches(connection, ctx.catalog, viewer, rows)
    return paging.page_of(ctx, viewer, wanted, launches, limit, total)


def get_launch(ctx: Context, viewer: Viewer, launch_id: UUID) -> Launch:
    """One launch.

    Raises:
        NotFound: no such launch for this viewer.
    """
    with ctx.engine.connect() as connection:
        row = require_launch(ctx, connection, viewer, launch_id)
        (launch,) = presenting.launches(connection, ctx.catalog, viewer, [row])
    return launch


def require_launch(ctx: Context, connection: Connection, viewer: Viewer, launch_id: UUID) -> Any:
    """Row of a launch.

    Raises:
        NotFound: no such launch for this viewer.
    """
    found = launch_queries.find_launches(connection, [launch_id], viewer.organization_ids, viewer.account.id)
    row = found.get(launch_id)
    codes = access.service_codes(ctx.catalog, viewer)
    if row is None or (codes is not None and row.service_code not in codes):
        raise NotFound("Запуск не найден")
    return row


def list_packets(ctx: Context, viewer: Viewer, wanted: PacketFilter, page: PageRequest) -> Page[Packet]:
    """«Детальный лог работы сервисов», newest first.

    Raises:
        NotFound: no such launch, service or МО for this viewer.
        InvalidRequest: the filter names neither a launch nor a period, a period too long or reversed, an unknown status
            or operation, a limit or a cursor that is wrong.
    """
    limit, before = paging.bounds(ctx, viewer, wanted, page, LAST)
    with ctx.engine.connect() as connection:
        query = packet_query(ctx, connection, viewer, wanted)
        asked = replace(query, limit=limit + 1, before=min(before, query.before))
        rows = packet_queries.page_of_packets(connection, asked)
        total = packet_queries.count_packets(connection, query)
    packets = [presenting.packet(row, manifest=ctx.catalog.manifest(row.service_code), viewer=viewer) for row in rows]
    return paging.page_of(ctx, viewer, wanted, packets, limit, total)


def get_packet_data(ctx: Context, viewer: Viewer, packet_id: UUID) -> PacketContent:
    """«Данные пакета»; the look is audited.

    Raises:
        NotFound: no such packet for this viewer, or it was never formed.
    """
    return _content(ctx, viewer, packet_id, DATA, "look-packet-data", "Пакет не сформирован: данных пакета нет")


def get_packet_answer(ctx: Context, viewer: Viewer, packet_id: UUID) -> PacketContent:
    """«Ответ»; the look is audited.

    Raises:
        NotFound: no such packet for this viewer, or there is no answer yet.
    """
    return _content(ctx, viewer, packet_id, ANSWER, "look-packet-answer", "Ответа на пакет ещё нет")


def _content(ctx: Context, viewer: Viewer, packet_id: UUID, kind: str, action: str, absent: str) -> PacketContent:
    with ctx.engine.begin() as connection:
        row = access.visible_packets(connection, ctx.catalog, viewer, [packet_id]).get(packet_id)
        if row is None:
            raise NotFound("Пакет не найден")
        body = packet_queries.read_body(connection, packet_id, kind)
        if body is None:
            raise NotFound(absent)
        event = registry.AuditEvent(action, [str(packet_id)], row.organization_id)
        registry.audit(connection, viewer, event)
    media_type, raw = body
    try:
        root = parse(raw)
    except (InvalidXml, TooLarge):  # a peer answers as it likes; the bytes are shown whatever they are
        return PacketContent(packet_id, "application/octet-stream", raw, None, (), False)
    shown, truncated = fields(root)
    return PacketContent(
        packet_id=packet_id,
        media_type=media_type,
        raw=raw,
        xml=serialize(root).decode(),
        fields=tuple(Field(f.path, f.tag, f.value) for f in shown),
        fields_truncated=truncated,
    )


def _before(moment: datetime | None) -> UUID:
    return LAST if moment is None else uuid7_floor(moment)


def _organization_id(connection: Connection, viewer: Viewer, oid: str | None) -> int | None:
    return None if oid is None else access.require_organizations(connection, viewer, [oid])[0].id


def launch_query(connection: Connection, viewer: Viewer, wanted: LaunchFilter) -> LaunchQuery:
    """Query of a list of launches, cut to what the viewer may see; the caller has judged the service.

    Raises:
        NotFound: no such МО for this viewer.
        InvalidRequest: a period that ends before it begins.
    """
    _require_order("startedFrom – startedTo", wanted.started_from, wanted.started_to)
    return LaunchQuery(
        service_code=wanted.service_code,
        account_id=viewer.account.id,
        visible=viewer.organization_ids,
        organization_id=_organization_id(connection, viewer, wanted.organization_oid),
        result=wanted.result,
        since=uuid7_floor(wanted.started_from) if wanted.started_from else FIRST,
        before=_before(wanted.started_to),
    )


def _require_order(name: str, since: datetime | None, until: datetime | None) -> None:
    if since is not None and until is not None and since >= until:
        raise InvalidRequest(f"Период {name} должен быть положительным")


def _check_filter(wanted: PacketFilter) -> None:
    _require_order("createdFrom – createdTo", wanted.created_from, wanted.created_to)
    if wanted.launch_id is None:
        if wanted.created_from is None or wanted.created_to is None:
            raise InvalidRequest("Укажите launchId или период createdFrom – createdTo")
        if wanted.created_to - wanted.created_from > MAX_PERIOD:
            raise InvalidRequest("Период createdFrom – createdTo должен быть не длиннее 366 дней")
        if wanted.text is not None and wanted.created_to - wanted.created_from > MAX_TEXT_PERIOD:
            raise InvalidRequest("Поиск по тексту: укажите launchId или период не длиннее 31 дня")
    require_codes("statuses", "неизвестный статус пакета", wanted.statuses, tuple(PacketStatus))
    if wanted.operation is not None:
        require_codes("operation", "неизвестная операция", (wanted.operation,), tuple(Operation))


def packet_query(ctx: Context, connection: Connection, viewer: Viewer, wanted: PacketFilter) -> PacketQuery:
    """Query of a list of packets, cut to what the viewer may see.

    Raises:
        NotFound: no such launch, service or МО for this viewer.
        InvalidRequest: the filter names neither a launch nor a period, a period too long or reversed, an unknown status
            or operation.
    """
    _check_filter(wanted)
    codes = access.service_codes(ctx.catalog, viewer)
    since = uuid7_floor(wanted.created_from) if wanted.created_from else FIRST
    if wanted.service_code is not None:
        codes = (access.require_service(ctx.catalog, viewer, wanted.service_code).manifest.service.code,)
    if wanted.launch_id is not None:
        launch = require_launch(ctx, connection, viewer, wanted.launch_id)
        since = max(since, uuid7_floor(uuid7_moment(wanted.launch_id)))
        if codes is not None and launch.service_code not in codes:
            raise NotFound("Запуск не найден")
        codes = None
    visible = viewer.organization_ids
    if wanted.organization_oid is not None:
        found = _organization_id(connection, viewer, wanted.organization_oid)
        visible = frozenset() if found is None else frozenset({found})
    return PacketQuery(
        organization_ids=visible,
        service_codes=codes,
        launch_id=wanted.launch_id,
        packet_type=wanted.packet_type,
        operation=wanted.operation,
        statuses=wanted.statuses,
        held=wanted.held,
        object_id=wanted.object_id,
        changed_since=wanted.changed_since,
        fragment=wanted.text,
        since=since,
        before=_before(wanted.created_to),
    )
