"""The role table of the contract, walked: every operation × every caller × own and foreign МО."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.operations.records import Launch, Packet, Page, PageRequest, Submission
from gateway.reports.kinds import ReportKind
from tests.support.region import ACTOR, OPERATIONS, SEES, SERVICE, A, B, C, World

CALLERS = ["dc_admin", "mo_admin", "statistician", "mis", ACTOR]
OK = "OK"
NOT_ALLOWED, NOT_FOUND, CONFLICT = map(str, (ErrorCode.NOT_ALLOWED, ErrorCode.NOT_FOUND, ErrorCode.CONFLICT))
EVERYBODY = dict.fromkeys(CALLERS, OK)
RIGHTS: dict[str, dict[str, str]] = {
    "ListServices": EVERYBODY,
    "ListOrganizations": EVERYBODY,
    "ListLaunches": EVERYBODY,
    "GetLaunch": EVERYBODY,
    "ListPackets": EVERYBODY,
    "GetPacketData": EVERYBODY,
    "GetPacketAnswer": EVERYBODY,
    "ListSessionEvents": EVERYBODY,
    "ListSessionErrors": EVERYBODY,
    "GetJournal": EVERYBODY,
    "ExportReport": EVERYBODY,
    "ListNotifications": EVERYBODY,
    "StartService": EVERYBODY | {"statistician": NOT_ALLOWED},
    "StopLaunch": dict.fromkeys(CALLERS, NOT_ALLOWED) | {"dc_admin": CONFLICT},
    "ResumeTransfer": dict.fromkeys(CALLERS, NOT_ALLOWED) | {"dc_admin": CONFLICT},
    "HoldPackets": EVERYBODY | {"statistician": NOT_ALLOWED, "mis": NOT_ALLOWED, ACTOR: NOT_ALLOWED},
    "ReleasePackets": EVERYBODY | {"statistician": NOT_ALLOWED, "mis": NOT_ALLOWED, ACTOR: NOT_ALLOWED},
    "SubmitObjects": dict.fromkeys(CALLERS, NOT_ALLOWED) | {"mis": OK},
    "TakeInbound": dict.fromkeys(CALLERS, NOT_ALLOWED) | {"mis": OK},
    "ConfirmInbound": dict.fromkeys(CALLERS, NOT_ALLOWED) | {"mis": OK},
}
OF_A_LIST = {"ListServices", "ListOrganizations", "HoldPackets", "ReleasePackets", "TakeInbound", "ConfirmInbound"}
"""Operations that answer about everything, or item by item, instead of refusing a foreign name."""
PERIOD = {"created_from": datetime.now(UTC) - timedelta(days=1), "created_to": datetime.now(UTC) + timedelta(days=1)}
DOCUMENT = Submission(
    "9000001",
    "Referral",
    datetime(2026, 5, 1, tzinfo=UTC),
    content="<Referral><NOM_NAP>3400012026000777</NOM_NAP></Referral>",
)

every_caller = pytest.mark.parametrize("caller", CALLERS)


def asked(world: World, name: str, oid: str) -> dict[str, Any]:
    """A request of this operation about a МО."""
    launch = world.launches()[0] if oid in {A, B} else world.launches()[1]
    packet = world.packet_of(oid)
    requests: dict[str, dict[str, Any]] = {
        "ListServices": {},
        "ListOrganizations": {"service_code": SERVICE},
        "ListLaunches": {"service_code": SERVICE, "organization_oid": oid},
        "GetLaunch": {"launch_id": launch},
        "ListPackets": {"organization_oid": oid, **PERIOD},
        "GetPacketData": {"packet_id": packet},
        "GetPacketAnswer": {"packet_id": packet},
        "ListSessionEvents": {"launch_id": launch},
        "ListSessionErrors": {"launch_id": launch},
        "GetJournal": {"message_id": packet, "find_related": True},
        "ExportReport": {"kind": ReportKind.PACKETS, "organization_oid": oid, **PERIOD},
        "ListNotifications": {"launch_id": launch},
        "StopLaunch": {"launch_id": launch},
        "ResumeTransfer": {"launch_id": launch},
        "TakeInbound": {},
        "ConfirmInbound": {"ids": (packet,), "accepted": True},
        "StartService": {"service_code": SERVICE, "organization_oids": (oid,)},
        "HoldPackets": {"packet_ids": (packet,)},
        "ReleasePackets": {"packet_ids": (packet,)},
        "SubmitObjects": {"service_code": SERVICE, "organization_oid": oid, "objects": (DOCUMENT,)},
    }
    return requests[name]


def outcome(answer: object) -> str:
    return answer.code if isinstance(answer, GatewayError) else OK


def test_the_walk_leaves_no_operation_out() -> None:
    assert RIGHTS.keys() == OPERATIONS.keys()


@every_caller
def test_what_the_role_may_do_with_its_own(world: World, caller: str) -> None:
    found = {
        name: outcome(world.call(caller, operation, **asked(world, name, A))) for name, operation in OPERATIONS.items()
    }
    assert found == {name: rights[caller] for name, rights in RIGHTS.items()}


@every_caller
def test_what_is_foreign_does_not_exist(world: World, caller: str) -> None:
    for name in sorted(set(OPERATIONS) - OF_A_LIST):
        allowed = RIGHTS[name][caller]
        hidden = C not in SEES[caller] and (allowed == OK or name in {"StopLaunch", "ResumeTransfer"})
        expected = NOT_FOUND if hidden else allowed
        assert (name, outcome(world.call(caller, OPERATIONS[name], **asked(world, name, C)))) == (name, expected)


@every_caller
@pytest.mark.parametrize("name", ["HoldPackets", "ReleasePackets"])
def test_foreign_and_unknown_packets_are_refused_alike(world: World, caller: str, name: str) -> None:
    answer: Any = world.call(caller, OPERATIONS[name], packet_ids=(world.packet_of(C), world.launches()[0]))
    if RIGHTS[name][caller] != OK:
        assert outcome(answer) == NOT_ALLOWED
        return
    foreign, unknown = answer.outcomes
    assert (unknown.done, unknown.refusal) == (False, "Пакет не найден")
    assert (foreign.refusal == "Пакет не найден") == (C not in SEES[caller])


@every_caller
def test_nothing_foreign_is_shown_anywhere(world: World, caller: str) -> None:
    foreign_oids = {A, B, C} - SEES[caller]
    marks = {str(packet) for packet, oid in world.packets().items() if oid in foreign_oids} | foreign_oids
    names = {A: "больница № 1", B: "больница № 2", C: "поликлиника № 3"}
    marks |= {names[oid] for oid in foreign_oids}
    for name, operation in OPERATIONS.items():
        for oid in (A, B, C):
            answer = world.call(caller, operation, **asked(world, name, oid))
            text = f"{answer!r} {getattr(answer, 'message', '')} {getattr(answer, 'findings', '')}"
            shown = {mark for mark in marks if mark in text}
            request = asked(world, name, oid)
            echoed = {str(key) for key in (*request.get("packet_ids", ()), *request.get("ids", ()))}
            assert (name, oid, shown - echoed) == (name, oid, set())


@every_caller
def test_totals_and_counters_are_of_what_is_seen(world: World, caller: str) -> None:
    visible = [packet for packet, oid in world.packets().items() if oid in SEES[caller]]
    listed: Any = world.call(caller, OPERATIONS["ListPackets"], **PERIOD, page=PageRequest(1000))
    assert {packet.id for packet in listed.items} == set(visible)
    assert (listed.total, listed.total_is_exact) == (len(visible), True)
    launches: Any = world.call(caller, OPERATIONS["ListLaunches"], service_code=SERVICE)
    assert sum(launch.packets_total for launch in launches.items) == len(visible)
    for launch in launches.items:
        mine: Page[Packet] = world.call(caller, OPERATIONS["ListPackets"], launch_id=launch.id)  # type: ignore[assignment] # of this operation
        assert launch.packets_total == mine.total
        errors = sum(packet.status in {"FORM_ERROR", "SEND_ERROR", "REJECTED"} for packet in mine.items)
        assert launch.packets_with_errors == errors


def test_a_launch_without_own_packets_is_there_only_for_who_started_it(world: World) -> None:
    over_all, over_c, over_b = world.launches()
    seen = {
        "dc_admin": {over_all, over_c, over_b},
        "mo_admin": {over_all},
        "statistician": {over_all},
        "mis": {over_all, over_b},
        ACTOR: {over_all},
        "mis_of_c": {over_all, over_c},
    }
    for caller, expected in seen.items():
        page: Any = world.call(caller, OPERATIONS["ListLaunches"], service_code=SERVICE)
        assert (caller, {launch.id for launch in page.items}, page.total) == (caller, expected, len(expected))
        got = {i for i in world.launches() if outcome(world.call(caller, OPERATIONS["GetLaunch"], launch_id=i)) == OK}
        assert (caller, got) == (caller, expected)


def test_the_starter_sees_a_launch_before_its_first_packet(world: World) -> None:
    started: Any = world.call("mo_admin", OPERATIONS["StartService"], service_code=SERVICE)
    (launch_id,) = started.launch_ids
    own: Any = world.call("mo_admin", OPERATIONS["GetLaunch"], launch_id=launch_id)
    assert isinstance(own, Launch)
    assert (own.result, own.packets_total, own.started_by, own.organization_oid) == ("RUNNING", 0, "mo_admin", A)
    for caller in ("statistician", "mis", ACTOR, "mis_of_c"):
        assert outcome(world.call(caller, OPERATIONS["GetLaunch"], launch_id=launch_id)) == NOT_FOUND
    assert outcome(world.call("dc_admin", OPERATIONS["GetLaunch"], launch_id=launch_id)) == OK


def test_last_launch_and_choice_of_organizations_are_cut_too(world: World) -> None:
    for caller, oids in SEES.items():
        organizations: Any = world.call(caller, OPERATIONS["ListOrganizations"], service_code=SERVICE)
        assert {o.oid for o in organizations.items} == oids
        shown: Any = world.call(caller, OPERATIONS["ListServices"], group_code="tfoms")
        (service,) = (each for each in shown.items if each.code == SERVICE)
        newest: Any = world.call(caller, OPERATIONS["ListLaunches"], service_code=SERVICE, page=PageRequest(1))
        assert service.last_launch == newest.items[0]


def test_a_service_without_a_choice_of_organizations_is_started_by_who_sees_them_all(world: World) -> None:
    for caller in SEES:
        shown: Any = world.call(caller, OPERATIONS["ListServices"], group_code="tfoms")
        (service,) = (each for each in shown.items if each.code == "tfoms-insurance")
        asked = {"service_code": service.code, "organization_oids": (), "request_id": None}
        assert service.start_allowed == (caller == "dc_admin")
        assert (outcome(world.call(caller, OPERATIONS["StartService"], **asked)) == OK) == service.start_allowed
