"""A strict client generated from the published WSDL calls every operation in both versions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID
from wsgiref.types import WSGIApplication

import pytest
import requests
from zeep import Client, Settings
from zeep.exceptions import Fault
from zeep.transports import Transport

from gateway.domain.errors import Conflict, Finding, GatewayError, Unavailable
from gateway.domain.launches import LaunchResult, OrganizationChoice
from gateway.domain.statuses import Direction
from gateway.operations import log_records as logs
from gateway.operations import records as r
from gateway.operations.inbox import InboundDocument, InboundOutcome
from gateway.operations.reports import ReportReceipt
from gateway.reports.kinds import ReportFormat, ReportKind
from gateway.soap import contract as c
from gateway.soap.contract import SERVICES, PacketOutcomes, StartServiceResult, SubmitObjectsResult
from gateway.soap.versions import VERSIONS, Version
from tests.integration.soap.stubbed import LOGIN, PASSWORD, URL, Behaviour, Stub, WsgiAdapter

ID = UUID("0190a1a0-0000-7000-8000-000000000001")
AT = datetime(2026, 1, 31, 23, 59, 59, 123456, UTC)
HARD = "Ёлка «№ 5» & <b> ]]> \"'\n\t конец"

LAUNCH = r.Launch(
    ID, "frmo", AT, None, "1.2.643.1", HARD, LaunchResult.RUNNING, "Выполняется", None, None, 3, 1, 2, 0, 0,
    "по расписанию", False, "Сервис уже выполняется",
)  # fmt: skip
COLUMNS = (r.Column("startedAt", "Запуск"), r.Column("result", "Результат"))
SERVICE = r.Service(
    "frmo", HARD, None, False, True, True, OrganizationChoice.MANY, True, None, "0 3 * * *", AT, LAUNCH, COLUMNS, ()
)
ORGANIZATION = r.Organization("1.2.643.1", HARD, (r.OrganizationCode("tfoms", "540001"),), AT, True, None)
PACKET = r.Packet(
    ID, ID, "frmo", AT, None, Direction.EXPORT, "ORG", "Организация", "Insert", "Добавление", "REJECTED", "Отклонен",
    HARD, False, True, False, None, 2, "77", None, None, 0, None,
)  # fmt: skip
CONTENT = r.PacketContent(ID, "application/xml", bytes(range(256)) * 2000, f"<a>{HARD}</a>", (), False)
SUBMITTED = r.SubmitOutcome("77", "Referral", r.SubmitResult.INVALID, (Finding("/Referral", 1, "XSD", HARD),))

EVENT = logs.SessionEvent(ID, "60", "60. Проверка данных МО перед отправкой", HARD, AT, None, AT, None)
ERROR = logs.SessionError(ID, ID, "Проверка", HARD, None, AT)
NOTICE = logs.Notification(ID, ID, AT, HARD, date(1960, 2, 29), "SMS", None, "NEW", "Сформировано", None)
INBOUND = InboundDocument(ID, "fri-disabled", "ВыпискаФРИ", AT, None, f"<a>{HARD}</a>")

ACTOR = {"login": "operator", "role": "mo_admin", "organizationOid": "1.2.643.1"}
PERIOD = datetime(2026, 1, 1, 10, 30, tzinfo=timezone(-timedelta(hours=3, minutes=30)))
CALLS: dict[str, tuple[dict[str, Any], object]] = {
    "ListServices": ({}, r.Page((SERVICE,), None, 1, True)),
    "ListOrganizations": ({"serviceCode": "frmo"}, r.Page((ORGANIZATION,), None, 1, True)),
    "ListLaunches": (
        {"serviceCode": "frmo", "startedFrom": PERIOD, "result": "FAILED", "page": {"limit": 2}, "actor": ACTOR},
        r.Page((LAUNCH, LAUNCH), "далее", 10_000, False),
    ),
    "GetLaunch": ({"launchId": str(ID)}, LAUNCH),
    "ListPackets": (
        {"launchId": str(ID), "statuses": {"status": ["REJECTED", "SENT"]}, "held": False, "text": HARD},
        r.Page((), None, 0, True),
    ),
    "GetPacketData": ({"packetId": str(ID)}, CONTENT),
    "GetPacketAnswer": ({"packetId": str(ID)}, dataclasses.replace(CONTENT, raw=b"", xml=None)),
    "ListSessionEvents": ({"launchId": str(ID), "page": {"limit": 1}}, r.Page((EVENT, EVENT), "далее", 2, True)),
    "ListSessionErrors": ({"launchId": str(ID), "actor": ACTOR}, r.Page((ERROR,), None, 1, True)),
    "ListNotifications": (
        {"launchId": str(ID), "statuses": {"status": ["NEW"]}},
        r.Page((NOTICE,), None, 1, True),
    ),
    "GetJournal": ({"trackId": HARD, "findRelated": True}, logs.Trail((PACKET,), (LAUNCH,), False)),
    "ExportReport": ({"kind": "LAUNCHES", "serviceCode": "frmo"}, ReportReceipt(ID, f"<a>{HARD}</a>", URL)),
    "ResumeTransfer": ({"launchId": str(ID)}, c.LaunchReference(ID)),
    "StopLaunch": ({"launchId": str(ID), "actor": ACTOR}, c.LaunchReference(ID)),
    "TakeInbound": ({"limit": 3}, c.InboundDocuments((INBOUND,))),
    "ConfirmInbound": (
        {"ids": {"id": [str(ID)]}, "accepted": False, "reason": HARD},
        c.InboundOutcomes((InboundOutcome(ID, False, HARD),)),
    ),
    "StartService": ({"serviceCode": "frmo", "organizationOids": {"organizationOid": ["1.2.643.1"]}},
                     StartServiceResult((ID,))),
    "HoldPackets": ({"packetIds": {"packetId": [str(ID)]}, "reason": HARD},
                    PacketOutcomes((r.PacketOutcome(ID, True, None),))),
    "ReleasePackets": ({"packetIds": {"packetId": [str(ID)]}}, PacketOutcomes((r.PacketOutcome(ID, False, HARD),))),
    "SubmitObjects": (
        {
            "serviceCode": "tfoms-hosp",
            "organizationOid": "1.2.643.1",
            "objects": {
                "object": [
                    {"objectId": "77", "objectType": "Referral", "changedAt": PERIOD, "content": f"<a>{HARD}</a>"},
                    {"objectId": "78", "objectType": "Referral", "changedAt": PERIOD, "deleted": True},
                    {"objectId": "79", "objectType": "Referral", "changedAt": AT, "contentBase64": b"\x00\xff" * 9},
                ]
            },
        },
        SubmitObjectsResult((SUBMITTED,)),
    ),
}  # fmt: skip
ONE_PART = (
    c.LaunchReference,
    StartServiceResult,
    PacketOutcomes,
    SubmitObjectsResult,
    c.InboundDocuments,
    c.InboundOutcomes,
)
SERVICE_OF = {operation.name: service.code for service in SERVICES for operation in service.operations}


@pytest.fixture(scope="module")
def session(app: WSGIApplication) -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.auth = (LOGIN, PASSWORD)
        opened.mount(URL, WsgiAdapter(app))
        yield opened


@pytest.fixture(scope="module")
def clients(session: requests.Session) -> dict[tuple[str, str], Any]:
    make_client: Any = Client  # zeep is published without types
    make_transport: Any = Transport
    settings, transport = Settings(strict=True, xml_huge_tree=True), make_transport(session=session)
    return {
        (service.code, version.code): make_client(
            f"{URL}{version.root}/{service.code}?wsdl", transport=transport, settings=settings
        ).service
        for service in SERVICES
        for version in VERSIONS
    }


def giving(answer: object) -> Behaviour:
    return lambda _: answer


def plain(value: Any) -> Any:
    """What zeep should make of a record: codes and identifiers are text, an empty element is None."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value] or None
    if value == b"":
        return None
    return value if isinstance(value, bytes | bool | int | date | None) else str(value)


def seen(value: Any) -> Any:
    """What the client got, with wrappers taken off and names in snake_case."""
    if isinstance(value, list):
        return [seen(item) for item in value]
    if not hasattr(value, "__values__"):
        return value
    members = value.__values__
    names = {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): seen(got) for name, got in members.items()}
    only = next(iter(names.values())) if len(names) == 1 else None
    declared_list = type(value).__name__.endswith("Array")
    return only if declared_list else names


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CALLS)
def test_every_operation_round_trips(clients: Any, stub: Stub, version: Version, name: str) -> None:
    asked, answer = CALLS[name]
    stub.behaviour[name] = giving(answer)
    got = seen(getattr(clients[SERVICE_OF[name], version.code], name)(**asked))
    expected = plain(answer)
    if isinstance(answer, r.Page):
        items = expected.pop("items")
        assert got.pop(next(iter(got))) == items
    if isinstance(answer, ONE_PART):
        expected = expected if isinstance(got, dict) else next(iter(expected.values()))
    assert got == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_values_arrive_as_they_were_sent(clients: Any, stub: Stub, version: Version) -> None:
    for name in ("ListPackets", "ListLaunches", "SubmitObjects"):
        asked, answer = CALLS[name]
        stub.behaviour[name] = giving(answer)
        getattr(clients[SERVICE_OF[name], version.code], name)(**asked)
    packets, launches, submitted = stub.requests
    assert (packets.launch_id, packets.statuses, packets.held, packets.text) == (ID, ("REJECTED", "SENT"), False, HARD)
    assert (launches.started_from, launches.page.limit, launches.result) == (PERIOD, 2, LaunchResult.FAILED)
    assert stub.claims[1] == r.ActorClaim("operator", "mo_admin", "1.2.643.1")
    first, second, third = submitted.objects
    assert (first.content, first.content_base64, first.deleted) == (f"<a>{HARD}</a>", None, False)
    assert (second.content, second.deleted) == (None, True)
    assert (third.content_base64, third.changed_at) == (b"\x00\xff" * 9, AT)


def test_no_operation_is_left_out() -> None:
    assert CALLS.keys() == SERVICE_OF.keys()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("error", [Conflict("Сервис уже выполняется"), Unavailable("Журнал недоступен")])
def test_faults_arrive_typed(clients: Any, stub: Stub, version: Version, name: str, error: GatewayError) -> None:
    def fail(_: object) -> object:
        raise error

    stub.behaviour[name] = fail
    with pytest.raises(Fault) as caught:
        getattr(clients[SERVICE_OF[name], version.code], name)(**CALLS[name][0])
    assert caught.value.message == error.message
    (detail,) = caught.value.detail
    assert detail.tag == f"{{urn:service-journal:{SERVICE_OF[name]}:1}}gatewayFault"
    assert [child.text for child in detail][:2] == [error.code, error.message]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_text_given_empty_is_a_text_left_out(clients: Any, stub: Stub, version: Version) -> None:
    stub.behaviour["StartService"] = giving(StartServiceResult((ID,)))
    stub.behaviour["ListPackets"] = giving(r.Page((), None, 0, True))
    clients["control", version.code].StartService(
        serviceCode="", requestId="", organizationOids={"organizationOid": [""]}
    )
    page = {"limit": 1, "cursor": ""}
    clients["journal", version.code].ListPackets(launchId="", objectId="", text="", statuses={"status": []}, page=page)
    started, listed = stub.requests
    assert (started.service_code, started.request_id) == ("", None), "a key of no characters is none"
    assert started.organization_oids == ("",), "an item of a list stays"
    assert (listed.launch_id, listed.object_id, listed.text, listed.statuses, listed.page.cursor) == (None,) * 3 + (
        (),
        None,
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_codes_of_lists_that_may_grow_are_plain_text(clients: Any, stub: Stub, version: Version) -> None:
    stub.behaviour["ExportReport"] = giving(ReportReceipt(ID, None, None))
    clients["journal", version.code].ExportReport(kind="SERVICES", format="CSV")
    assert (stub.requests[0].kind, stub.requests[0].format) == (ReportKind.SERVICES, ReportFormat.CSV)
    with pytest.raises(Fault) as caught:
        clients["journal", version.code].ExportReport(kind="LAUNCHES", format="PDF")
    (finding,) = caught.value.detail[0].iterfind("{*}findings/{*}finding")
    path, _, code, message = (part.text for part in finding)
    assert (path, code, message) == ("/ExportReport/format", "VALUE", "Допустимые значения: XML, CSV.")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_largest_page_arrives(clients: Any, stub: Stub, version: Version) -> None:
    stub.behaviour["ListPackets"] = lambda _: r.Page((PACKET,) * r.MAX_LIMIT, None, r.MAX_LIMIT, True)
    got = clients["journal", version.code].ListPackets(launchId=str(ID))
    assert len(got.packets.packet) == got.total == r.MAX_LIMIT
