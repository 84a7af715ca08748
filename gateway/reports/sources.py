"""Where the records of each list come from: the journal's own queries, already cut to what the viewer may see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection

from gateway.catalog.registry import Catalog
from gateway.domain.identifiers import uuid7_moment
from gateway.domain.launches import RESULT_TITLES, LaunchResult, told
from gateway.domain.statuses import NOTIFICATION_TITLES, STATUS_TITLES, NotificationStatus, Operation, PacketStatus
from gateway.journal import launch_queries, notification_queries, packet_queries, report_queries, sessions
from gateway.journal.launch_queries import LaunchQuery
from gateway.journal.notification_queries import NotificationQuery
from gateway.journal.packet_queries import PacketQuery
from gateway.journal.report_queries import Lettering, SessionQuery
from gateway.reports.heading import Made, Total
from gateway.reports.kinds import LISTINGS, ReportKind
from gateway.reports.writers import Values
from gateway.xml.text import escape


@dataclass(frozen=True, slots=True)
class Source:
    """How a list is read: the type of its query, a count that stops at some thousands, exact totals, the records.

    ``xml`` reads the records as XML, where the database writes it faster than we do.
    """

    query: type
    count: Callable[[Connection, Any], int]
    totals: Callable[[Connection, Any], tuple[Total, ...]]
    records: Callable[[Connection, Any, Catalog], Iterator[Values]]
    xml: Callable[[Connection, Any, Catalog, Made], Iterator[str]] | None = None


def records_total(number: int) -> Total:
    """The total that every report has."""
    return Total("records", "Всего записей", number)


def _launch_totals(connection: Connection, query: LaunchQuery) -> tuple[Total, ...]:
    launches = packets = with_errors = 0
    for row in report_queries.stream_launches(connection, query):
        launches += 1
        packets += row.packets_total
        with_errors += row.packets_with_errors
    return records_total(launches), *_packet_numbers(packets, with_errors)


def _packet_numbers(packets: int, with_errors: int) -> tuple[Total, Total]:
    return (
        Total("packetsTotal", "Всего пакетов", packets),
        Total("packetsWithErrors", "Пакетов с ошибками", with_errors),
    )


def _launches(connection: Connection, query: LaunchQuery, catalog: Catalog) -> Iterator[Values]:
    del catalog
    for row in report_queries.stream_launches(connection, query):
        named = query.visible is None or row.organization_id in query.visible
        yield (
            str(row.id),
            row.service_code,
            row.started_at,
            row.finished_at,
            row.organization_oid if named else None,
            row.organization_name if named else None,
            row.result,
            RESULT_TITLES[LaunchResult(row.result)],
            told(row.result_text, row.result_counts, row.scope and frozenset(row.scope), query.visible, row.remark),
            str(row.packet_group_id) if row.packet_group_id else None,
            row.packets_total,
            row.packets_with_errors,
            row.error_count,
            row.notifications_formed,
            row.notifications_sent,
            row.started_by,
        )


def _packet_totals(connection: Connection, query: PacketQuery) -> tuple[Total, ...]:
    packets, with_errors = report_queries.count_all_packets(connection, query)
    return records_total(packets), _packet_numbers(packets, with_errors)[1]


def _packets(connection: Connection, query: PacketQuery, catalog: Catalog) -> Iterator[Values]:
    @cache
    def titles(service_code: str, packet_type: str, operation: str, status: str) -> tuple[str, str, str]:
        manifest = catalog.manifest(service_code)
        if manifest is None:
            return packet_type, operation, STATUS_TITLES[PacketStatus(status)]
        type_title = manifest.packet_type_titles.get(packet_type, packet_type)
        operation_title = manifest.operations.get(Operation(operation), operation)
        return type_title, operation_title, manifest.status_title(PacketStatus(status))

    for row in report_queries.stream_packets(connection, query):
        type_title, operation_title, status_title = titles(row.service_code, row.packet_type, row.operation, row.status)
        yield (
            str(row.id),
            str(row.launch_id),
            row.service_code,
            uuid7_moment(row.id),
            row.organization_oid,
            row.direction,
            row.packet_type,
            type_title,
            row.operation,
            operation_title,
            row.status,
            status_title,
            row.result_text,
            row.held,
            row.attempts,
            row.object_id,
            row.items_total,
            row.items_not_accepted,
            row.data_size,
            row.answer_size,
        )


def _packets_as_xml(connection: Connection, query: PacketQuery, catalog: Catalog, made: Made) -> Iterator[str]:
    titles = {f"/status/{status}": title for status, title in STATUS_TITLES.items()}
    for code, exchange in catalog.exchanges.items():
        manifest = exchange.manifest
        titles |= {f"{code}/type/{kind}": title for kind, title in manifest.packet_type_titles.items()}
        titles |= {f"{code}/operation/{operation}": title for operation, title in manifest.operations.items()}
        titles |= {f"{code}/status/{status}": manifest.status_title(status) for status in PacketStatus}
    listing = LISTINGS[ReportKind.PACKETS]
    lettering = Lettering(
        listing.item,
        listing.elements,
        {key: escape(title) for key, title in titles.items()},
        int(made.offset.total_seconds()),
        made.zone,
    )
    return report_queries.stream_packets_as_xml(connection, query, lettering)


def _session_totals(
    stream: Callable[[Connection, SessionQuery], Iterator[Any]],
) -> Callable[[Connection, SessionQuery], tuple[Total, ...]]:
    return lambda connection, query: (records_total(sum(1 for _ in stream(connection, query))),)


def _events(connection: Connection, query: SessionQuery, catalog: Catalog) -> Iterator[Values]:
    del catalog
    for row in report_queries.stream_events(connection, query):
        times = (row.started_at, row.sent_at, row.answered_at, row.finished_at)
        yield (str(row.id), row.code, row.title, row.about, *times)


def _errors(connection: Connection, query: SessionQuery, catalog: Catalog) -> Iterator[Values]:
    del catalog
    for row in report_queries.stream_errors(connection, query):
        yield (str(row.id), str(row.event_id), row.stage, row.message, row.about, row.at)


def _notification_totals(connection: Connection, query: NotificationQuery) -> tuple[Total, ...]:
    total, formed, sent = notification_queries.count_all_notifications(connection, query)
    return (
        records_total(total),
        Total("notificationsFormed", "Сформировано уведомлений", formed),
        Total("notificationsSent", "Отправлено уведомлений", sent),
    )


def _notifications(connection: Connection, query: NotificationQuery, catalog: Catalog) -> Iterator[Values]:
    del catalog
    for row in notification_queries.stream_notifications(connection, query, report_queries.BATCH):
        status = NotificationStatus(row.status)
        yield (
            str(row.id),
            str(row.launch_id),
            uuid7_moment(row.id),
            row.patient_name,
            row.patient_birth_date,
            row.channel,
            row.sent_at,
            row.status,
            NOTIFICATION_TITLES[status],
            row.error_text if status is NotificationStatus.SEND_ERROR else None,
        )


SOURCES: Final[dict[ReportKind, Source]] = {
    ReportKind.LAUNCHES: Source(LaunchQuery, launch_queries.count_launches, _launch_totals, _launches),
    ReportKind.PACKETS: Source(PacketQuery, packet_queries.count_packets, _packet_totals, _packets, _packets_as_xml),
    ReportKind.SESSION_EVENTS: Source(
        SessionQuery,
        lambda connection, query: sessions.count_events(connection, query.launch_id),
        _session_totals(report_queries.stream_events),
        _events,
    ),
    ReportKind.SESSION_ERRORS: Source(
        SessionQuery,
        lambda connection, query: sessions.count_errors(connection, query.launch_id),
        _session_totals(report_queries.stream_errors),
        _errors,
    ),
    ReportKind.NOTIFICATIONS: Source(
        NotificationQuery,
        lambda connection, query: notification_queries.count_notifications(
            connection, query.launch_id, query.visible, query.statuses
        ),
        _notification_totals,
        _notifications,
    ),
}
"""Lists that are read from the database. Services come from the catalog."""
