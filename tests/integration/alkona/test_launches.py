"""Whole launches of files of many records: grouped, numbered, accepted in part, repeated, held."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.errors import GatewayError
from gateway.domain.roles import Role
from gateway.journal import holds, launches
from gateway.journal.packet_queries import PacketQuery, page_of_packets
from gateway.journal.trails import packets_of_same_objects
from gateway.operations import journal
from gateway.operations.trails import get_journal
from tests.support.alkona import DN, FIRST, SECOND, SLUG, AlkonaHouse, check_books, sound
from tests.support.packet_house import small_catalog
from tests.support.region import open_world
from tests.support.running import add_account
from workers.demo.parts import alkona_data
from workers.runner import process
from workers.runs.answers import UNREADABLE
from workers.runs.surroundings import Point
from workers.sandbox.switches import Malformation, Outage

ACCEPTED = "SELECT object_id FROM source_objects WHERE accepted_hash IS NOT NULL ORDER BY id"


def test_a_launch_is_one_group_of_numbered_packets_of_one_organization_each(house: AlkonaHouse) -> None:
    house.submit(DN, FIRST.oid, sound(number=12))
    house.submit(DN, SECOND.oid, sound(SECOND, number=3))
    launch_id = house.launch()
    packets = house.packets_of(launch_id)
    assert [(p.items_total, p.items_not_accepted, p.object_id) for p in packets] == [(n, 0, None) for n in (5, 5, 2, 3)]
    assert [(p.group_position, p.group_size) for p in packets] == [(n, 4) for n in (1, 2, 3, 4)]
    numbers = [(p.name[:12], p.name[-5:]) for p in packets]
    assert numbers == [(f"DNM{o.code}T34", f"{n:05d}") for o, n in ((FIRST, 1), (FIRST, 2), (FIRST, 3), (SECOND, 1))]
    ledger = house.sandbox.ledger()
    (group,) = {r.packet_group_id for r in house.rows("SELECT packet_group_id FROM launches")}
    assert [(e.id, e.name, e.group_id) for e in ledger] == [(str(p.id), p.name, str(group)) for p in packets]
    assert {e.result for e in ledger} == {"OK"}
    assert len(house.rows(ACCEPTED)) == 15
    assert list(Path(house.sandbox.settings["in"]).iterdir()) == []


def test_a_partly_accepted_packet_is_repeated_without_what_was_accepted(house: AlkonaHouse) -> None:
    house.submit(DN, FIRST.oid, list(alkona_data.observations(FIRST, 5, first=2)))  # number 4 has a closed policy
    first = house.launch()
    (packet,) = house.packets_of(first)
    assert (packet.status, packet.items_total, packet.items_not_accepted) == ("PARTIAL", 5, 1)
    ((path, line),) = house.rows("SELECT path, line FROM packet_findings WHERE packet_id = :id", id=packet.id)
    sent = house.body(packet.id).splitlines()
    assert (path, sent[line - 1].strip(), sent[line].strip()) == ("/ZL_LIST/ZAP[3]", "<ZAP>", "<N_ZAP>3</N_ZAP>")
    assert packet.result_text == f"103: Полис не найден или закрыт ({path}, строка {line})."
    items = house.rows("SELECT position, object_id, outcome, message FROM packet_items ORDER BY position")
    assert [(i.outcome, i.message is not None) for i in items] == [
        ("REJECTED" if i.position == 3 else "ACCEPTED", i.position == 3) for i in items
    ]
    (again,) = house.packets_of(house.launch())
    assert (again.items_total, again.status) == (1, "REJECTED")
    repeated = house.rows("SELECT object_id FROM packet_items WHERE packet_id = :id", id=again.id)
    assert [r.object_id for r in repeated] == ["observation-4"]
    assert house.packets_of(house.launch()) == []  # a rejected object waits for its source to change


def test_an_object_that_breaks_rules_is_journaled_alone_and_the_others_go(house: AlkonaHouse) -> None:
    broken = alkona_data.observations(FIRST, 1, first=13)
    unknown = ("DispensaryObservation", "x-1", sound(first=40)[0][2].replace(b"<DN_PRVS>76", b"<DN_PRVS>0"))
    house.submit(DN, FIRST.oid, [*sound(number=2), *broken, unknown, *sound(number=1, first=60)])
    (packet,) = house.packets_of(house.launch())
    assert (packet.items_total, packet.status, packet.group_size) == (3, "ACCEPTED", 1)
    refused = house.rows("SELECT * FROM packets WHERE status = 'FORM_ERROR' ORDER BY object_id")
    assert [(p.object_id, p.items_total) for p in refused] == [("observation-13", None), ("x-1", None)]
    found = house.rows("SELECT path, code FROM packet_findings f JOIN packets p ON p.id = packet_id ORDER BY object_id")
    assert [tuple(f) for f in found] == [
        ("/DispensaryObservation/DN/REASON_DN_OUT", "433"),
        ("/DispensaryObservation/DN/DN_PRVS", "XSD"),
    ]
    counters = house.rows("SELECT packets_total, packets_with_errors FROM launch_counters")
    assert [tuple(c) for c in counters] == [(3, 2)]


def test_every_operation_has_packets_of_its_own(house: AlkonaHouse) -> None:
    made = sound(number=6)
    house.submit(DN, FIRST.oid, made)
    house.launch()
    changed = [(kind, key, content.replace(b"<DN_PRVS>76", b"<DN_PRVS>41")) for kind, key, content in made[:2]]
    gone = [(kind, key, b"") for kind, key, _ in made[2:4]]
    house.submit(DN, FIRST.oid, [*changed, *gone, *sound(number=1, first=50)])
    packets = house.packets_of(house.launch())
    assert [(p.operation, p.items_total, p.status) for p in packets] == [
        ("Insert", 1, "ACCEPTED"),
        ("Update", 2, "ACCEPTED"),
        ("Delete", 2, "ACCEPTED"),
    ]
    assert len(house.rows(ACCEPTED)) == 5
    assert house.packets_of(house.launch()) == []


def test_an_object_id_finds_the_packet_it_is_a_record_of(house: AlkonaHouse) -> None:
    house.submit(DN, FIRST.oid, sound(number=7))
    launch_id = house.launch()
    with house.engine.connect() as connection:
        found = page_of_packets(connection, PacketQuery(None, (DN,), object_id="observation-2"))
        (first, _) = house.packets_of(launch_id)
        assert [p.id for p in found] == [first.id]
        assert packets_of_same_objects(connection, [first.id], 100) == [first.id]


def test_a_ban_on_a_packet_bars_every_object_of_it(house: AlkonaHouse) -> None:
    house.submit(DN, FIRST.oid, list(alkona_data.observations(FIRST, 5, first=2)))
    (packet,) = house.packets_of(house.launch())
    with house.engine.begin() as connection:
        assert holds.set_held(connection, [packet.id], held=True) == {packet.id}
    assert house.rows("SELECT count(*) FROM source_objects WHERE held")[0][0] == 5
    assert house.packets_of(house.launch()) == []
    with house.engine.begin() as connection:
        holds.set_held(connection, [packet.id], held=False)
    assert [p.items_total for p in house.packets_of(house.launch())] == [1]


def test_a_file_refused_whole_is_told_by_its_protocol(house: AlkonaHouse) -> None:
    house.submit(DN, FIRST.oid, sound())
    house.sandbox.switches.update({"refuse_file_next": 1})
    packets = house.packets_of(house.launch())
    assert [(p.status, p.items_not_accepted) for p in packets] == [("REJECTED", 5), ("ACCEPTED", 0)]
    assert packets[0].result_text == "900: Отказ по переключателю стенда (/ZL_LIST, строка 2)."
    statuses = house.rows("SELECT last_status, count(*) FROM source_objects GROUP BY 1 ORDER BY 1")
    assert [tuple(s) for s in statuses] == [("ACCEPTED", 2), ("REJECTED", 5)]


@pytest.mark.parametrize("way", list(Malformation))
def test_a_spoilt_reply_stays_in_the_folder_until_it_comes_right(house: AlkonaHouse, way: Malformation) -> None:
    house.submit(DN, FIRST.oid, sound(number=2))
    house.sandbox.switches.update({"malformed_answer_next": 1, "malformation": way})
    launch_id = house.start()
    assert house.finish(launch_id, house.worker(catalog=small_catalog(SLUG, answer_window_s=0.5))) == "SUCCESS"
    (packet,) = house.packets_of(launch_id)
    assert (packet.status, packet.result_text) == ("SENT", UNREADABLE)


def test_a_folder_that_goes_away_ends_the_run_and_the_next_one_sends_the_rest(house: AlkonaHouse) -> None:
    house.submit(DN, FIRST.oid, sound(number=12))

    def goes_away(point: Point) -> None:
        if point is Point.SETTLED:
            house.sandbox.switches.update({"outage": Outage.REFUSE})

    launch_id = house.start()
    assert house.finish(launch_id, house.worker(reached=goes_away)) == "FAILED"
    before = [(p.id, p.name) for p in house.packets_of(launch_id)]
    assert house.statuses() == {"SENT": 1, "FORMED": 2}
    house.sandbox.switches.reset()
    house.launch()
    assert [(p.id, p.name, p.status) for p in house.packets_of(launch_id)] == [(*each, "ACCEPTED") for each in before]
    check_books(house)


def test_three_services_share_one_folder_and_take_their_own_replies(house: AlkonaHouse) -> None:
    house.submit(DN, FIRST.oid, sound(number=2))
    house.submit("alkona-prf", FIRST.oid, list(alkona_data.plans(FIRST, 3)))
    house.submit("alkona-dep", FIRST.oid, list(alkona_data.branches(FIRST, 3)))
    ids = [house.start(service) for service in (DN, "alkona-prf", "alkona-dep")]
    worker = house.worker()
    assert [house.finish(each, worker) for each in ids] == ["SUCCESS"] * 3
    assert house.statuses() == {"ACCEPTED": 3}
    assert {e.type for e in house.sandbox.ledger()} == {"DN", "PRF", "DEP"}


def test_a_launch_that_died_while_forming_leaves_packets_that_the_next_one_numbers(
    house: AlkonaHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "CRASH_PAUSE_S", 0.01)
    house.submit(DN, FIRST.oid, sound(number=17))

    def dies(point: Point) -> None:
        if point is Point.FORMED:
            raise GatewayError("придуманный сбой")

    dead = house.start()
    assert house.finish(dead, house.worker(reached=dies)) == "FAILED"
    assert [(p.status, p.group_position, p.name) for p in house.packets_of(dead)] == [("FORMED", None, None)] * 3
    heir = house.launch()
    assert [(p.status, p.group_position, p.group_size) for p in house.packets_of(dead)] == [
        ("ACCEPTED", n, 3) for n in (1, 2, 3)
    ]
    assert [(p.items_total, p.group_position, p.group_size) for p in house.packets_of(heir)] == [(2, 1, 1)]
    check_books(house)


def test_operators_read_a_packet_of_many_like_any_other(house: AlkonaHouse) -> None:
    add_account(house.engine, "centre", Role.DC_ADMIN)
    house.submit(DN, FIRST.oid, list(alkona_data.observations(FIRST, 5, first=2)))
    launch_id = house.launch()
    world = open_world(house.engine)
    viewer = world.viewer("centre")
    launch = journal.get_launch(world.ctx, viewer, launch_id)
    assert launch.packet_group_id is not None
    trail = get_journal(world.ctx, viewer, None, str(launch.packet_group_id), find_related=True)
    (packet,) = trail.packets
    assert (packet.object_id, packet.items_total, packet.items_not_accepted) == (None, 5, 1)
    assert (packet.status_title, packet.operation_title, packet.can_hold) == ("Принят частично", "Добавление", True)
    content = journal.get_packet_data(world.ctx, viewer, packet.id)
    places = {field.path: field.value for field in content.fields}
    assert places["/ZL_LIST/ZGLV/GRP_ID"] == str(launch.packet_group_id)
    assert places["/ZL_LIST/ZAP[5]/PERS/ID_PAC"] == "p-340001-6"
    answer = journal.get_packet_answer(world.ctx, viewer, packet.id)
    assert "/ZL_LIST/ZAP[3]/OSHIB" in {field.path for field in answer.fields}


def test_an_operators_stop_ends_a_long_forming(house: AlkonaHouse) -> None:
    house.submit(DN, FIRST.oid, sound(number=12))
    launch_id = house.start()

    def stops(point: Point) -> None:
        if point is Point.FORMED:
            with house.engine.begin() as connection:
                launches.request_stop(connection, launch_id)

    assert house.finish(launch_id, house.worker(reached=stops)) == "FAILED"
    assert [p.items_total for p in house.packets_of(launch_id)] == [5]
    house.launch()
    check_books(house)


def test_a_reply_that_names_another_packet_inside_is_left_in_the_folder(house: AlkonaHouse) -> None:
    house.submit(DN, FIRST.oid, sound(number=6))
    house.sandbox.switches.update({"answer_delay_s": 3600})
    impatient = house.worker(catalog=small_catalog(SLUG, answer_window_s=0))
    launch_id = house.start()
    house.finish(launch_id, impatient)
    first, second = house.packets_of(launch_id)
    file = Path(house.sandbox.settings["in"]) / f"R{first.name}.xml"
    reply = (
        f"<ZL_LIST><ZGLV><VERSION>1.0</VERSION><DATA>2026-04-01</DATA><FILENAME>R{first.name}</FILENAME>"
        f"<FILENAME_1>{first.name}</FILENAME_1><ID>{{}}</ID><RESULT>OK</RESULT></ZGLV></ZL_LIST>"
    )
    file.write_text(reply.format(second.id), encoding="utf-8")
    house.finish(house.start(), impatient)
    assert house.statuses() == {"SENT": 2}
    file.write_text(reply.format(first.id), encoding="utf-8")
    house.finish(house.start(), impatient)
    assert house.statuses() == {"SENT": 1, "ACCEPTED": 1}
    assert not file.exists()
