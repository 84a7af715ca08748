"""GetJournal by every kind of id: a packet, a launch, a packet group, a key of one's own."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from gateway.domain.errors import ErrorCode
from tests.support.marked import MANY, NOBODY, SESSIONS, add_marked
from tests.support.region import OPERATIONS, SERVICE, A, C, World


def trail(world: World, caller: str, **asked: Any) -> Any:
    return world.call(caller, OPERATIONS["GetJournal"], **asked)


def started(world: World, caller: str, key: str, *oids: str) -> UUID:
    asked = {"service_code": SERVICE, "organization_oids": oids, "request_id": key}
    answer: Any = world.call(caller, OPERATIONS["StartService"], **asked)
    (launch_id,) = answer.launch_ids
    assert isinstance(launch_id, UUID)
    return launch_id


def launches_of(found: Any) -> list[UUID]:
    return [launch.id for launch in found.launches]


def test_a_packet_and_a_launch_are_found_by_their_ids(world: World) -> None:
    packet = world.packet_of(A)
    of_packet = trail(world, "mo_admin", message_id=packet)
    assert [each.id for each in of_packet.packets] == [packet]
    (launch_id,) = launches_of(of_packet)
    of_launch = trail(world, "mo_admin", track_id=str(launch_id))
    assert packet in {each.id for each in of_launch.packets}
    assert {each.organization_oid for each in of_launch.packets} == {A}
    assert launches_of(of_launch) == [launch_id]


def test_a_packet_group_gives_each_his_own_launches(world: World) -> None:
    marked = add_marked(world)
    of = {oid: marked.launches[SESSIONS, oid] for oid in (A, C)}
    assert launches_of(trail(world, "dc_admin", track_id=str(marked.group))) == sorted(of.values())
    assert launches_of(trail(world, "mis_of_c", track_id=str(marked.group))) == [of[C]]
    assert trail(world, "mis_of_c", track_id=str(marked.launches[MANY, NOBODY])).packets[0].organization_oid == C


def test_a_request_id_is_known_to_the_account_that_gave_it(world: World) -> None:
    key = "ночная выгрузка"
    launch_id = started(world, "dc_admin", key, A)
    assert launches_of(trail(world, "dc_admin", track_id=key)) == [launch_id]
    for caller in ("mo_admin", "mis", "mis_of_c"):
        assert trail(world, caller, track_id=key).code == ErrorCode.NOT_FOUND


def test_a_request_id_may_look_like_an_id_and_opens_nothing_foreign(world: World) -> None:
    _, _, over_b = world.launches()
    own = started(world, "mis_of_c", str(over_b))
    assert launches_of(trail(world, "mis_of_c", track_id=str(over_b))) == [own]


def test_what_is_not_there_and_what_is_foreign_look_alike(world: World) -> None:
    foreign: list[dict[str, Any]] = [{"message_id": world.packet_of(C)}, {"track_id": str(world.launches()[1])}]
    unknown: list[dict[str, Any]] = [{"message_id": uuid4()}, {"track_id": str(uuid4())}, {"track_id": "нет такого"}]
    for asked in (*unknown, *foreign):
        answer = trail(world, "mo_admin", **asked)
        assert (answer.code, answer.message) == (ErrorCode.NOT_FOUND, "Сообщение не найдено")
    for wrong in (dict[str, Any](), {"message_id": uuid4(), "track_id": "x"}):
        assert trail(world, "mo_admin", **wrong).code == ErrorCode.INVALID_REQUEST
