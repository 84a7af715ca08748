"""A report holds exactly what its list shows to the same viewer."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from lxml import etree

from gateway.domain.errors import InvalidRequest, NotFound
from gateway.journal import sessions
from gateway.journal.counters import CounterDeltas
from gateway.operations import journal
from gateway.operations.records import LaunchFilter, PacketFilter, PageRequest
from gateway.operations.report_orders import ReportOrder
from gateway.operations.reports import export_report
from gateway.operations.services import list_services
from gateway.reports.kinds import ReportKind
from gateway.xml.instants import parse_instant
from gateway.xml.namespaces import REPORT
from gateway.xml.parser import parse_text
from gateway.xml.schemas import validate
from tests.support.region import SEES, SERVICE, A, B, C, World
from tests.support.reporting import SCHEMA, records_of, total

ALL = PageRequest(limit=1000)


def xml(world: World, name: str, order: ReportOrder) -> str:
    found = export_report(world.ctx, world.viewer(name), order).xml
    assert found is not None
    assert validate(parse_text(found), SCHEMA) == ()
    return found


@pytest.mark.parametrize("name", SEES)
def test_packets_of_a_launch_are_those_of_the_list(world: World, name: str) -> None:
    for launch in world.launches():
        try:
            page = journal.list_packets(world.ctx, world.viewer(name), PacketFilter(launch_id=launch), ALL)
        except NotFound:
            with pytest.raises(NotFound):
                xml(world, name, ReportOrder(ReportKind.PACKETS, launch_id=launch))
            continue
        report = xml(world, name, ReportOrder(ReportKind.PACKETS, launch_id=launch))
        records = records_of(report)
        assert [UUID(r["id"]) for r in records] == [p.id for p in page.items]
        assert [(r["statusTitle"], r["packetTypeTitle"], r["operationTitle"]) for r in records] == [
            (p.status_title, p.packet_type_title, p.operation_title) for p in page.items
        ]
        assert total(report) == len(records)
        assert total(report, "packetsWithErrors") == sum(r["status"] == "REJECTED" for r in records) + sum(
            r["status"] in {"FORM_ERROR", "SEND_ERROR"} for r in records
        )


@pytest.mark.parametrize("name", SEES)
def test_launches_are_those_of_the_list(world: World, name: str) -> None:
    page = journal.list_launches(world.ctx, world.viewer(name), LaunchFilter(SERVICE), ALL)
    report = xml(world, name, ReportOrder(ReportKind.LAUNCHES, service_code=SERVICE))
    records = records_of(report)
    told = [(UUID(r["id"]), int(r["packetsTotal"]), r.get("organizationName"), r.get("resultText")) for r in records]
    assert told == [(it.id, it.packets_total, it.organization_name, it.result_text) for it in page.items]
    assert total(report, "packetsTotal") == sum(launch.packets_total for launch in page.items)


@pytest.mark.parametrize("name", SEES)
def test_services_are_those_of_the_list(world: World, name: str) -> None:
    for group in (None, "tfoms"):
        shown = list_services(world.ctx, world.viewer(name), group)
        records = records_of(xml(world, name, ReportOrder(ReportKind.SERVICES, group_code=group)))
        assert [(r["code"], r["title"]) for r in records] == [(s.code, s.title) for s in shown]
    (only,) = records_of(xml(world, name, ReportOrder(ReportKind.SERVICES, record_id=SERVICE, group_code="tfoms")))
    assert only["code"] == SERVICE


def test_the_chosen_record_is_printed_alone_and_only_to_those_who_see_it(world: World) -> None:
    packet = next(key for key, oid in world.packets().items() if oid == C)
    for name, sees in SEES.items():
        order = ReportOrder(ReportKind.PACKETS, record_id=str(packet))
        if C in sees:
            assert [r["id"] for r in records_of(xml(world, name, order))] == [str(packet)]
            continue
        with pytest.raises(NotFound):
            export_report(world.ctx, world.viewer(name), order)
    launch = world.launches()[1]
    (record,) = records_of(xml(world, "dc_admin", ReportOrder(ReportKind.LAUNCHES, record_id=str(launch))))
    assert record["id"] == str(launch)


@pytest.mark.parametrize("kind", [ReportKind.LAUNCHES, ReportKind.PACKETS, ReportKind.SERVICES])
@pytest.mark.parametrize("record", ["228fac21-409d-4be6-8a05-4febbd72a337", "не идентификатор"])
def test_a_record_nobody_has_is_not_found(world: World, kind: ReportKind, record: str) -> None:
    with pytest.raises(NotFound):
        export_report(world.ctx, world.viewer("dc_admin"), ReportOrder(kind, record_id=record))


def test_a_filter_narrows_a_report_as_it_narrows_the_list(world: World) -> None:
    launch = world.launches()[0]
    for wanted in ({"statuses": ("REJECTED",)}, {"organization_oid": B}, {"operation": "Delete"}, {"held": True}):
        page = journal.list_packets(world.ctx, world.viewer("mis"), PacketFilter(launch_id=launch, **wanted), ALL)
        order = ReportOrder(ReportKind.PACKETS, launch_id=launch, **wanted)
        assert [r["id"] for r in records_of(xml(world, "mis", order))] == [str(p.id) for p in page.items]
    with pytest.raises(InvalidRequest, match="createdFrom"):
        export_report(world.ctx, world.viewer("mis"), ReportOrder(ReportKind.PACKETS))
    with pytest.raises(NotFound):
        export_report(
            world.ctx, world.viewer("mo_admin"), ReportOrder(ReportKind.PACKETS, launch_id=launch, organization_oid=C)
        )


def test_a_status_named_twice_counts_once(world: World) -> None:
    once, twice = (PacketFilter(launch_id=world.launches()[0], statuses=("ACCEPTED",) * n) for n in (1, 2))
    pages = [journal.list_packets(world.ctx, world.viewer("dc_admin"), wanted, ALL) for wanted in (once, twice)]
    assert [(page.items, page.total) for page in pages] == [(pages[0].items, len(pages[0].items))] * 2
    order = ReportOrder(ReportKind.PACKETS, launch_id=once.launch_id, statuses=twice.statuses)
    assert total(xml(world, "dc_admin", order)) == pages[0].total > 0


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_filter_reaches_to_the_ends_of_the_calendar(world: World, at: str) -> None:
    order = ReportOrder(ReportKind.LAUNCHES, service_code=SERVICE, started_from=parse_instant(at))
    assert at in xml(world, "dc_admin", order)


def test_moments_of_a_filter_are_told_in_the_zone_of_the_site(world: World) -> None:
    order = ReportOrder(ReportKind.LAUNCHES, service_code=SERVICE, started_from=parse_instant("2026-03-02T09:00:00Z"))
    site = replace(world.ctx, time_zone="Asia/Kamchatka")
    told = export_report(site, world.viewer("dc_admin"), order).xml or ""
    assert ">2026-03-02T21:00:00+12:00</condition>" in told
    assert "+12:00</madeAt>" in told


def test_a_session_is_reported_event_by_event_and_error_by_error(world: World) -> None:
    launch = world.launches()[1]
    with world.engine.begin() as connection:
        (owner,) = connection.exec_driver_sql("SELECT id FROM organizations WHERE oid = %s", (C,)).scalars()
        for number in range(3):
            event = sessions.begin_event(connection, launch, str(number), f"Событие {number}", None)
            found = ("Проверка", f"Ошибка {number}", "Отделение")
            sessions.add_error(connection, CounterDeltas(SERVICE), launch, owner, event, found)
    events = records_of(xml(world, "mis_of_c", ReportOrder(ReportKind.SESSION_EVENTS, launch_id=launch)))
    assert [r["title"] for r in events] == ["Событие 2", "Событие 1", "Событие 0"]
    errors = records_of(xml(world, "dc_admin", ReportOrder(ReportKind.SESSION_ERRORS, launch_id=launch)))
    assert [r["eventId"] for r in errors] == [r["id"] for r in events[::-1]]
    one = ReportOrder(ReportKind.SESSION_EVENTS, launch_id=launch, record_id=events[1]["id"])
    assert records_of(xml(world, "dc_admin", one)) == [events[1]]
    with pytest.raises(NotFound):
        export_report(world.ctx, world.viewer("mo_admin"), ReportOrder(ReportKind.SESSION_EVENTS, launch_id=launch))


def test_notifications_of_a_service_that_sends_none_are_refused_with_the_reason(world: World) -> None:
    order = ReportOrder(ReportKind.NOTIFICATIONS, launch_id=world.launches()[0])
    with pytest.raises(InvalidRequest, match="не рассылает"):
        export_report(world.ctx, world.viewer("dc_admin"), order)


def test_the_header_says_who_when_and_under_which_filter(world: World) -> None:
    order = ReportOrder(ReportKind.PACKETS, launch_id=world.launches()[0], organization_oid=A, statuses=("REJECTED",))
    root = parse_text(xml(world, "mis_for_mo_admin", order))
    texts = {etree.QName(element).localname: element.text for element in root[0]}
    assert texts["service"] == "Передача сведений о госпитализации в ТФОМС"
    assert texts["madeBy"] == "mis (для операторА)"
    assert texts["role"] == "Медицинская информационная система, АРМ администратора МО"
    conditions = {c.get("title"): c.text for c in root.iter(f"{{{REPORT}}}condition")}
    assert conditions == {"Запуск": str(order.launch_id), "МО": A, "Статусы": "Отклонен ТФОМС"}
    columns = [c.text for c in root.iter(f"{{{REPORT}}}column")]
    assert columns[:3] == ["Не отправлять пакет", "Дата/время", "Тип пакета"]
