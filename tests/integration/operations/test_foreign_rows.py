"""Rows without a МО, sessions, notifications, packets of many, documents of peers: everybody finds his own of them, by
whatever operation, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.operations.reports import ReportReceipt
from gateway.reports.kinds import ReportKind
from tests.support.marked import (
    AUTHORITIES,
    COUNTED,
    MANY,
    NOBODY,
    OBJECT,
    OWNERS,
    RECEIVED,
    SESSIONS,
    TOLD,
    Marked,
    add_marked,
    mark,
)
from tests.support.region import OPERATIONS, SEES, A, C, World

KINDS = {RECEIVED: (A, C, NOBODY), MANY: (A, C), SESSIONS: (A, C), TOLD: (A, C), AUTHORITIES: (NOBODY,)}
HIDDEN = {"statistician": {SESSIONS, TOLD, AUTHORITIES}, "mo_admin": {AUTHORITIES}, "mis": {AUTHORITIES}}
NOT_FOUND = str(ErrorCode.NOT_FOUND)
every_caller = pytest.mark.parametrize("caller", SEES)


@pytest.fixture
def marked(world: World) -> Marked:
    return add_marked(world)


def own(caller: str) -> dict[str, set[str]]:
    """Kinds that the caller may see, with the owners whose rows exist for it."""
    hidden = HIDDEN.get(caller, set())
    seen = SEES[caller] | ({NOBODY} if caller == "dc_admin" else set())
    return {kind: seen & set(oids) for kind, oids in KINDS.items() if kind not in hidden and seen & set(oids)}


def questions(marked: Marked) -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that may be asked of these rows by reading."""
    now = datetime.now(UTC)
    period = {"created_from": now - timedelta(days=1), "created_to": now + timedelta(days=1)}
    yield "ListServices", {}
    yield "TakeInbound", {}
    for more in ({}, {"text": "mark"}, {"object_id": OBJECT}, {"packet_type": "DN"}, {"statuses": ("REJECTED",)}):
        yield "ListPackets", period | more
        yield "ExportReport", {"kind": ReportKind.PACKETS} | period | more
    yield "GetJournal", {"track_id": str(marked.group), "find_related": True}
    for kind in KINDS:
        yield "ListLaunches", {"service_code": kind}
        yield "ExportReport", {"kind": ReportKind.LAUNCHES, "service_code": kind}
    for launch in marked.launches.values():
        yield "GetJournal", {"track_id": str(launch), "find_related": True}
        for name in ("GetLaunch", "ListPackets", "ListSessionEvents", "ListSessionErrors", "ListNotifications"):
            yield name, {"launch_id": launch}
        for report in set(ReportKind) - {ReportKind.SERVICES, ReportKind.LAUNCHES}:
            yield "ExportReport", {"kind": report, "launch_id": launch}
    for packet in marked.packets.values():
        yield "GetJournal", {"message_id": packet, "find_related": True}
        yield "GetPacketData", {"packet_id": packet}
        yield "GetPacketAnswer", {"packet_id": packet}
        yield "ExportReport", {"kind": ReportKind.PACKETS, "record_id": str(packet)}


def told(answer: object) -> str:
    """All that an answer or a fault says."""
    if isinstance(answer, ReportReceipt):
        return answer.xml or ""
    return f"{answer.message} {answer.findings}" if isinstance(answer, GatewayError) else repr(answer)


@every_caller
def test_everybody_finds_the_own_rows_and_no_other(marked: Marked, caller: str) -> None:
    expected = {mark(kind, oid) for kind, oids in own(caller).items() for oid in oids}
    foreign = {str(i) for (kind, oid), i in marked.packets.items() if oid not in own(caller).get(kind, set())}
    foreign |= {oid for oid in OWNERS if oid != NOBODY and oid not in SEES[caller]}
    found = set()
    for name, asked in questions(marked):
        text = told(marked.world.call(caller, OPERATIONS[name], **asked))
        marks = set(re.findall(r"mark-[\w-]+-of-\w+", text))
        assert (name, asked, marks - expected) == (name, asked, set())
        assert (name, asked, {each for each in foreign if each in text}) == (name, asked, set())
        found |= marks
    assert found == expected, "every row that is the caller's is shown somewhere"


@every_caller
def test_counters_and_totals_are_of_the_own_rows(marked: Marked, caller: str) -> None:
    rows = {"ListPackets": {RECEIVED, MANY}, "ListNotifications": {TOLD}}
    for (service, _), launch in marked.launches.items():
        mine = len(own(caller).get(service, set()))
        record: Any = marked.world.call(caller, OPERATIONS["GetLaunch"], launch_id=launch)
        if isinstance(record, GatewayError):
            assert record.code == NOT_FOUND
            continue
        packets = mine if service in {RECEIVED, MANY} else 0
        assert (record.packets_total, record.packets_with_errors) == (packets, packets)
        sent = mine if service == TOLD else 0
        assert (record.notifications_formed, record.notifications_sent) == (sent, sent)
        for name, services in rows.items():
            page: Any = marked.world.call(caller, OPERATIONS[name], launch_id=launch)
            assert (service, name, page.total) == (service, name, mine if service in services else 0)


@every_caller
def test_numbers_of_every_organization_are_told_to_who_sees_them_all(marked: Marked, caller: str) -> None:
    record: Any = marked.world.call(caller, OPERATIONS["GetLaunch"], launch_id=marked.launches[RECEIVED, NOBODY])
    report: Any = marked.world.call(caller, OPERATIONS["ExportReport"], kind=ReportKind.LAUNCHES, service_code=RECEIVED)
    whole = caller == "dc_admin"
    assert (COUNTED in (record.result_text or ""), COUNTED in report.xml) == (whole, whole)


@every_caller
def test_a_session_of_another_organization_or_of_none_does_not_exist(marked: Marked, caller: str) -> None:
    for (service, oid), launch in marked.launches.items():
        if service not in {SESSIONS, AUTHORITIES}:
            continue
        visible = oid in own(caller).get(service, set())
        for name in ("GetLaunch", "ListSessionEvents", "ListSessionErrors", "GetJournal"):
            asked = {"track_id": str(launch)} if name == "GetJournal" else {"launch_id": launch}
            answer = marked.world.call(caller, OPERATIONS[name], **asked)
            code = answer.code if isinstance(answer, GatewayError) else "OK"
            assert (service, oid, name, code) == (service, oid, name, "OK" if visible else NOT_FOUND)


def test_packets_without_an_organization_are_related_too(marked: Marked) -> None:
    one = marked.packets[RECEIVED, NOBODY]
    other = add_marked(marked.world).packets[RECEIVED, NOBODY]
    trail: Any = marked.world.call("dc_admin", OPERATIONS["GetJournal"], message_id=one, find_related=True)
    assert {one, other} <= {packet.id for packet in trail.packets}
