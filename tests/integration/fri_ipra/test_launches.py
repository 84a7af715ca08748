"""Whole launches: programmes taken, taken in part, refused, corrected; a peer that is away or answers nonsense."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from gateway.domain.roles import Role
from gateway.journal import holds
from gateway.journal.bodies import unpack
from gateway.operations import journal
from gateway.operations.records import PacketFilter, PageRequest
from gateway.xml.parser import parse
from tests.support.fri_ipra import FIRST, SECOND, SERVICE, FriHouse, check_books, sound, told
from tests.support.packet_house import Made
from tests.support.region import open_world
from tests.support.running import add_account
from workers.demo.parts.fri_ipra_data import mse_id
from workers.runs.surroundings import Point
from workers.sandbox.switches import Malformation, Outage

NS = {"f": "urn:ours:fri:ipra:1"}
PARTLY, UNKNOWN, WRONG = 3, 5, 6
"""Numbers of programmes: run out, not in the register, without a result."""


def sent(house: FriHouse, packet: Any) -> dict[str, list[str]]:
    """What a packet holds: measures by programme."""
    (row,) = house.rows("SELECT content FROM packet_bodies WHERE packet_id = :id AND kind = 'DATA'", id=packet.id)
    root = parse(unpack(row.content))
    return {
        programme.findtext("f:MseId", "", NS): [each.text or "" for each in programme.iterfind("f:Rhb/f:Id", NS)]
        for programme in root.iterfind("f:Prg", NS)
    }


def states(house: FriHouse) -> dict[str, str]:
    """Last status of every submitted programme."""
    return {r.object_id: r.last_status for r in house.rows("SELECT object_id, last_status FROM source_objects")}


def changed(made: Made, old: bytes, new: bytes) -> Made:
    assert old in made[2]
    return made[0], made[1], made[2].replace(old, new, 1)


def test_programmes_of_each_organization_go_in_packets_of_many(house: FriHouse) -> None:
    house.tell(*sound(number=12))
    house.tell(*sound(SECOND, number=3), oid=SECOND.oid)
    packets = house.packets_of(house.launch())
    assert [(p.status, p.items_total, p.items_not_accepted) for p in packets] == [
        ("ACCEPTED", n, 0) for n in (5, 5, 2, 3)
    ]
    assert len(house.sandbox.measures()) == 15 * 3
    check_books(house)
    assert house.packets_of(house.launch()) == []


def test_only_the_measures_that_were_not_taken_are_sent_again(house: FriHouse) -> None:
    house.tell(told(1), told(PARTLY))
    (packet,) = house.packets_of(house.launch())
    assert (packet.status, packet.items_total, packet.items_not_accepted) == ("PARTIAL", 2, 1)
    first = sent(house, packet)[mse_id(FIRST, PARTLY)]
    items = house.rows("SELECT outcome, message, parts FROM packet_items ORDER BY position")
    assert [item.outcome for item in items] == ["ACCEPTED", "PARTIAL"]
    assert sorted(items[1].parts) == sorted(first[:2])
    assert items[1].message == "IPRA_EXPIRED: Срок программы истёк раньше даты исполнения."
    house.tell(told(PARTLY, right=True))
    (again,) = house.packets_of(house.launch())
    assert sent(house, again) == {mse_id(FIRST, PARTLY): first[2:]}
    assert (again.operation, again.status) == ("Insert", "ACCEPTED")
    check_books(house)


def test_what_is_refused_again_waits_for_its_source(house: FriHouse) -> None:
    house.tell(told(1), told(PARTLY))
    house.launch()
    (again,) = house.packets_of(house.launch())
    assert [len(each) for each in sent(house, again).values()] == [1]
    assert again.status == "REJECTED"
    assert house.packets_of(house.launch()) == []
    house.tell(told(PARTLY, right=True))
    house.launch()
    check_books(house)


def test_a_refusal_has_its_place_in_the_packet(house: FriHouse) -> None:
    house.tell(told(1), told(PARTLY), told(UNKNOWN))
    (packet,) = house.packets_of(house.launch())
    found = house.rows("SELECT path, line, code, message FROM packet_findings ORDER BY position")
    assert [(f.path, f.code) for f in found] == [
        ("/SubmitIpraExecution/Prg[2]/Rhb[3]/DtExc", "IPRA_EXPIRED"),
        ("/SubmitIpraExecution/Prg[3]/MseId", "IPRA_NOT_FOUND"),
    ]
    assert "IPRA_NOT_FOUND: Программа с таким" in packet.result_text
    assert states(house) == {"ipra-1": "ACCEPTED", "ipra-3": "PARTIAL", "ipra-5": "PARTIAL"}


def test_a_wrong_programme_is_journaled_alone_and_the_others_go(house: FriHouse) -> None:
    house.tell(told(1), told(WRONG), told(2))
    (packet,) = house.packets_of(house.launch())
    assert (packet.status, packet.items_total) == ("ACCEPTED", 2)
    (found,) = house.rows("SELECT path, line, code, message FROM packet_findings")
    assert (found.path, found.code) == ("/IpraExecution/Rhb[2]/Result", "726")
    house.tell(told(WRONG, right=True))
    house.launch()
    check_books(house)


def test_a_changed_programme_goes_with_what_changed_of_it(house: FriHouse) -> None:
    whole = told(1)
    house.tell(whole)
    house.launch()
    house.tell(changed(whole, "Реконструктивная операция".encode(), "Иная операция".encode()))
    (packet,) = house.packets_of(house.launch())
    assert (packet.operation, packet.status) == ("Update", "ACCEPTED")
    assert [len(each) for each in sent(house, packet).values()] == [1]
    assert sorted((m.acceptances, m.revisions) for m in house.sandbox.measures()) == [(1, 1), (1, 1), (2, 2)]


def test_what_was_taken_of_a_change_is_taken_back_with_the_change(house: FriHouse) -> None:
    before = told(PARTLY, right=True)
    house.tell(before)
    house.launch()
    house.tell(changed(told(PARTLY), "протезный завод".encode(), "ортопедический завод".encode()))
    (partly,) = house.packets_of(house.launch())
    assert (partly.operation, partly.status) == ("Update", "PARTIAL")
    taken = [m.id for m in house.sandbox.measures() if m.revisions > 1]
    house.tell(before)
    (back,) = house.packets_of(house.launch())
    assert (back.operation, back.status) == ("Update", "ACCEPTED")
    assert sent(house, back) == {mse_id(FIRST, PARTLY): taken}
    assert house.packets_of(house.launch()) == []


def test_a_programme_whose_head_changed_goes_whole(house: FriHouse) -> None:
    whole = told(1)
    house.tell(whole)
    house.launch()
    house.tell(changed(whole, b"<DocNum>1/2026", b"<DocNum>2/2026"))
    (packet,) = house.packets_of(house.launch())
    assert [len(each) for each in sent(house, packet).values()] == [3]
    assert (packet.operation, packet.status) == ("Update", "ACCEPTED")


def test_what_went_cannot_be_withdrawn(house: FriHouse) -> None:
    house.tell(told(1))
    house.launch()
    house.tell(("IpraExecution", "ipra-1", b""))
    launch_id = house.launch()
    (refused,) = house.rows("SELECT status, operation, result_text FROM packets WHERE launch_id = :id", id=launch_id)
    assert (refused.status, refused.operation) == ("FORM_ERROR", "Delete")
    assert refused.result_text.startswith("704: Отозвать переданные сведения нельзя")


def test_a_peer_that_goes_away_ends_the_run_and_the_next_one_sends_the_rest(house: FriHouse) -> None:
    house.tell(*sound(number=12))

    def goes_away(point: Point) -> None:
        if point is Point.SETTLED:
            house.sandbox.switches.update({"outage": Outage.REFUSE})

    launch_id = house.start()
    assert house.finish(launch_id, house.worker(reached=goes_away)) == "FAILED"
    assert house.statuses() == {"ACCEPTED": 1, "SEND_ERROR": 1, "FORMED": 1}
    (launch,) = house.rows("SELECT result_text, result_counts FROM launches")
    assert launch.result_text == "ФГИС ФРИ недоступна"
    house.sandbox.switches.reset()
    house.launch()
    check_books(house)


@pytest.mark.parametrize("outage", [Outage.FAULT, Outage.REFUSE])
def test_a_peer_that_is_down_took_nothing(house: FriHouse, outage: Outage) -> None:
    house.tell(told(1))
    house.sandbox.switches.update({"outage": outage})
    assert house.finish(house.start()) == "FAILED"
    assert house.sandbox.packages() == ()
    house.sandbox.switches.reset()
    house.launch()
    check_books(house)


@pytest.mark.parametrize("way", list(Malformation))
def test_a_spoilt_answer_leaves_a_doubt_that_a_repeat_resolves(house: FriHouse, way: Malformation) -> None:
    house.tell(told(1), told(2))
    house.sandbox.switches.update({"malformed_answer_next": 1, "malformation": way})
    (packet,) = house.packets_of(house.launch())
    assert (packet.status, packet.attempts) == ("ACCEPTED", 2)
    outcomes = [row.outcome for row in house.rows("SELECT outcome FROM attempts ORDER BY number")]
    assert outcomes == ["IN_DOUBT", "ACCEPTED"]
    check_books(house)


def test_a_request_taken_without_an_answer_is_not_taken_twice(house: FriHouse) -> None:
    house.tell(*sound(number=7))
    house.sandbox.switches.update({"take_and_drop_next": 1})
    packets = house.packets_of(house.launch())
    assert [(p.status, p.attempts) for p in packets] == [("ACCEPTED", 2), ("ACCEPTED", 1)]
    assert [p.receptions for p in house.sandbox.packages()] == [2, 1]
    check_books(house)


def test_who_is_not_known_sends_nothing(house: FriHouse) -> None:
    house.tell(told(1))
    right, house.settings["password"] = house.settings["password"], "чужой"
    assert house.finish(house.start()) == "FAILED"
    assert house.sandbox.packages() == ()
    house.settings["password"] = right
    house.launch()
    check_books(house)


def test_a_ban_bars_every_programme_of_a_packet(house: FriHouse) -> None:
    house.tell(told(1), told(PARTLY))
    (packet,) = house.packets_of(house.launch())
    with house.engine.begin() as connection:
        assert holds.set_held(connection, [packet.id], held=True) == {packet.id}
    assert house.packets_of(house.launch()) == []


def test_operators_read_a_packet_and_its_answer(house: FriHouse) -> None:
    add_account(house.engine, "centre", Role.DC_ADMIN)
    house.tell(told(1), told(PARTLY))
    (packet,) = house.packets_of(house.launch())
    world = open_world(house.engine)
    viewer = world.viewer("centre")
    content = journal.get_packet_data(world.ctx, viewer, packet.id)
    places = {field.path: field.value for field in content.fields}
    assert places["/SubmitIpraExecution/PackageId"] == str(packet.id)
    assert places["/SubmitIpraExecution/Sender/Ogrn"] == FIRST.ogrn
    answer = parse(journal.get_packet_answer(world.ctx, viewer, packet.id).raw)
    assert etree.QName(answer).localname == "SubmitIpraExecutionResponse"
    assert answer.findtext("f:Status", "", NS) == "PARTIAL"
    wanted = PacketFilter(launch_id=packet.launch_id, service_code=SERVICE)
    (listed,) = journal.list_packets(world.ctx, viewer, wanted, PageRequest()).items
    assert (listed.packet_type_title, listed.operation_title, listed.status_title) == (
        "Исполнение ИПРА",
        "Добавление",
        "Принят частично",
    )
