"""The contract as one table: every operation of every service, a row each.

A row names the request element, the shape of ``result`` and the operation behind it; types, WSDL, dispatch, reading
and writing all follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from gateway.domain.errors import ConfigurationError
from gateway.domain.roles import Viewer
from gateway.operations import control, inbox, intake, journal, launching, notices, reports, services, sessions, trails
from gateway.operations.context import Context
from gateway.operations.inbox import InboundDocument, InboundOutcome
from gateway.operations.log_records import Notification, SessionError, SessionEvent, Trail
from gateway.operations.records import (
    Launch,
    LaunchFilter,
    Organization,
    Packet,
    PacketContent,
    PacketFilter,
    PacketOutcome,
    Page,
    PageRequest,
    Service,
    SubmitOutcome,
)
from gateway.operations.report_orders import ReportOrder
from gateway.operations.reports import ReportReceipt
from gateway.soap import requests
from gateway.soap.shapes import Record, listing, record
from gateway.xml import namespaces
from gateway.xml.limits import BULK_LIMITS, QUESTION_LIMITS, RequestLimits

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StartServiceResult:
    """Начатые запуски."""

    launch_ids: Annotated[tuple[UUID, ...], "Идентификаторы запусков, по одному на МО"]


@dataclass(frozen=True, slots=True)
class LaunchReference:
    """Запуск, с которым выполнено действие."""

    launch_id: Annotated[UUID, "Идентификатор запуска"]


@dataclass(frozen=True, slots=True)
class InboundDocuments:
    """Входящие документы."""

    documents: Annotated[tuple[InboundDocument, ...], "Документы, старые первыми"]


@dataclass(frozen=True, slots=True)
class InboundOutcomes:
    """Результаты подтверждения документов."""

    outcomes: Annotated[tuple[InboundOutcome, ...], "Результат по каждому документу"]


@dataclass(frozen=True, slots=True)
class PacketOutcomes:
    """Результаты действия с пакетами."""

    outcomes: Annotated[tuple[PacketOutcome, ...], "Результат по каждому пакету"]


@dataclass(frozen=True, slots=True)
class SubmitObjectsResult:
    """Результаты приёма документов."""

    outcomes: Annotated[tuple[SubmitOutcome, ...], "Результат по каждому документу"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: ``call`` takes the context, the viewer and the request, and returns what ``answer`` shapes."""

    request: Record
    answer: Record
    call: Callable[[Context, Viewer, Any], object]

    @property
    def name(self) -> str:
        """Name of the operation, which is also that of its request element."""
        return self.request.name


@dataclass(frozen=True, slots=True)
class ServiceContract:
    """One service: ``code`` stands in its addresses, ``limits`` hold for each operation that a site gives no others."""

    code: str
    namespace: str
    documentation: str
    limits: RequestLimits
    operations: tuple[Operation, ...]

    @property
    def title(self) -> str:
        """Stem of the names in the WSDL."""
        return self.code.capitalize()


def operation_limits(
    services: Sequence[ServiceContract], given: Mapping[str, Mapping[str, int]]
) -> dict[str, RequestLimits]:
    """Limits of every operation by its name; ``given`` names operations and limits in any case.

    Raises:
        ConfigurationError: no such operation, no such limit, or one that the parser cannot keep.
    """
    limits = {operation.name: service.limits for service in services for operation in service.operations}
    names = {name.lower(): name for name in limits}
    for name, changes in given.items():
        try:
            operation = names[name.lower()]
            limits[operation] = replace(limits[operation], **{key.lower(): value for key, value in changes.items()})
        except (KeyError, TypeError, ValueError):
            raise ConfigurationError(f"Настройка limits.{name}: нет такой операции или такого предела") from None
    return limits


def _row(request: type, answer: Record, call: Callable[[Context, Viewer, Any], object]) -> Operation:
    return Operation(record(request), answer, call)


def _whole(items: tuple[T, ...]) -> Page[T]:
    return Page(items, None, len(items), True)


def _narrow(kind: type[T], request: Any) -> T:
    """Take the filter out of a list request, so that the operation sees neither page nor actor."""
    names = (field.name for field in fields(kind))  # type: ignore[arg-type]  # T is always a dataclass here
    return kind(**{name: getattr(request, name) for name in names})


_FIRST_PAGE: Final = PageRequest()

SNAPSHOT_URL: Final = "https://gateway.example"
"""Address in the WSDL snapshots, which are those of no installation."""

SERVICES: Final = (
    ServiceContract(
        "journal",
        namespaces.JOURNAL,
        "Журнал работы сервисов: сервисы, запуски, пакеты.",
        QUESTION_LIMITS,
        (
            _row(
                requests.ListServices,
                listing("services", Service),
                lambda ctx, viewer, asked: _whole(services.list_services(ctx, viewer, asked.group_code)),
            ),
            _row(
                requests.ListOrganizations,
                listing("organizations", Organization),
                lambda ctx, viewer, asked: _whole(services.list_organizations(ctx, viewer, asked.service_code)),
            ),
            _row(
                requests.ListLaunches,
                listing("launches", Launch),
                lambda ctx, viewer, asked: journal.list_launches(
                    ctx, viewer, _narrow(LaunchFilter, asked), asked.page or _FIRST_PAGE
                ),
            ),
            _row(
                requests.GetLaunch,
                record(Launch),
                lambda ctx, viewer, asked: journal.get_launch(ctx, viewer, asked.launch_id),
            ),
            _row(
                requests.ListPackets,
                listing("packets", Packet),
                lambda ctx, viewer, asked: journal.list_packets(
                    ctx, viewer, _narrow(PacketFilter, asked), asked.page or _FIRST_PAGE
                ),
            ),
            _row(
                requests.GetPacketData,
                record(PacketContent),
                lambda ctx, viewer, asked: journal.get_packet_data(ctx, viewer, asked.packet_id),
            ),
            _row(
                requests.GetPacketAnswer,
                record(PacketContent),
                lambda ctx, viewer, asked: journal.get_packet_answer(ctx, viewer, asked.packet_id),
            ),
            _row(
                requests.ListSessionEvents,
                listing("events", SessionEvent),
                lambda ctx, viewer, asked: sessions.list_session_events(
                    ctx, viewer, asked.launch_id, asked.page or _FIRST_PAGE
                ),
            ),
            _row(
                requests.ListSessionErrors,
                listing("errors", SessionError),
                lambda ctx, viewer, asked: sessions.list_session_errors(
                    ctx, viewer, asked.launch_id, asked.page or _FIRST_PAGE
                ),
            ),
            _row(
                requests.ListNotifications,
                listing("notifications", Notification),
                lambda ctx, viewer, asked: notices.list_notifications(
                    ctx, viewer, asked.launch_id, asked.statuses, asked.page or _FIRST_PAGE
                ),
            ),
            _row(
                requests.GetJournal,
                record(Trail),
                lambda ctx, viewer, asked: trails.get_journal(
                    ctx, viewer, asked.message_id, asked.track_id, asked.find_related
                ),
            ),
            _row(
                requests.ExportReport,
                record(ReportReceipt),
                lambda ctx, viewer, asked: reports.export_report(ctx, viewer, _narrow(ReportOrder, asked)),
            ),
        ),
    ),
    ServiceContract(
        "control",
        namespaces.CONTROL,
        "Управление сервисами: запуск, запрет и разрешение отправки пакетов.",
        QUESTION_LIMITS,
        (
            _row(
                requests.StartService,
                record(StartServiceResult),
                lambda ctx, viewer, asked: StartServiceResult(
                    control.start_service(ctx, viewer, asked.service_code, asked.organization_oids, asked.request_id)
                ),
            ),
            _row(
                requests.ResumeTransfer,
                record(LaunchReference),
                lambda ctx, viewer, asked: LaunchReference(launching.resume_transfer(ctx, viewer, asked.launch_id)),
            ),
            _row(
                requests.StopLaunch,
                record(LaunchReference),
                lambda ctx, viewer, asked: LaunchReference(launching.stop_launch(ctx, viewer, asked.launch_id)),
            ),
            _row(
                requests.HoldPackets,
                record(PacketOutcomes),
                lambda ctx, viewer, asked: PacketOutcomes(
                    control.hold_packets(ctx, viewer, asked.packet_ids, asked.reason)
                ),
            ),
            _row(
                requests.ReleasePackets,
                record(PacketOutcomes),
                lambda ctx, viewer, asked: PacketOutcomes(control.release_packets(ctx, viewer, asked.packet_ids)),
            ),
        ),
    ),
    ServiceContract(
        "intake",
        namespaces.INTAKE,
        "Приём исходных документов от МИС.",
        BULK_LIMITS,
        (
            _row(
                requests.SubmitObjects,
                record(SubmitObjectsResult),
                lambda ctx, viewer, asked: SubmitObjectsResult(
                    intake.submit_objects(
                        ctx, viewer, asked.service_code, asked.organization_oid, asked.objects, asked.batch_id
                    )
                ),
            ),
            _row(
                requests.TakeInbound,
                record(InboundDocuments),
                lambda ctx, viewer, asked: InboundDocuments(
                    inbox.take_inbound(ctx, viewer, asked.service_code, asked.limit)
                ),
            ),
            _row(
                requests.ConfirmInbound,
                record(InboundOutcomes),
                lambda ctx, viewer, asked: InboundOutcomes(
                    inbox.confirm_inbound(ctx, viewer, asked.ids, asked.accepted, asked.reason)
                ),
            ),
        ),
    ),
)
