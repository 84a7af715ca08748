"""What others wrote into ФРМО stays there, and what a broken-off session alone knew is not lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.support.frm import OID, House, facts, house
from workers.demo.parts import frm_data
from workers.runs.surroundings import Point

RENTER = "Выдуманный съёмщик"


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine) as furnished:
        yield furnished


def building(*changes: tuple[str, str]) -> frm_data.Submitted:
    kind, object_id, content = frm_data.building("b-0001", 1)
    document = content.decode()
    for old, new in changes:
        assert old in document
        document = document.replace(old, new)
    return kind, object_id, document.encode()


def of_register(home: House, entity: str, **written: object) -> dict[str, Any]:
    """The one record of an entity in the register, after somebody else wrote this into it."""
    store = home.sandbox._store
    with store.transaction():
        owner = "" if entity == "Organization" else OID
        (record,) = store.owned(entity, owner)
        record |= written
        store.put(entity, owner, str(record["id" if entity == "Building" else "oid"]), record)
        return record


def forget(home: House) -> None:
    """Let another МИС have sent it all: this journal knows nothing."""
    with home.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE source_objects SET peer_id = NULL, accepted_hash = NULL")


def statuses(home: House, packet_type: str) -> list[str]:
    rows = home.rows("SELECT status FROM packets WHERE packet_type = :type ORDER BY id", type=packet_type)
    return [row.status for row in rows]


@pytest.mark.parametrize("known", [True, False])
def test_an_update_keeps_what_others_wrote(home: House, known: bool) -> None:
    home.submit([frm_data.organization(OID, 1), building()])
    home.run()
    of_register(home, "Building", renter=RENTER)
    of_register(home, "Organization", founder=RENTER)
    if not known:
        forget(home)
    kind, object_id, card = frm_data.organization(OID, 1)
    renamed = card.replace("выдуманного".encode(), "придуманного".encode())
    home.submit([(kind, object_id, renamed), building(("<floorCount>5<", "<floorCount>6<"))])
    assert [p for p, _, _ in home.packets(home.run())] == ["mo.update", "mo_building.update"]
    there = of_register(home, "Building")
    assert (there["floorCount"], there["renter"]) == (6, RENTER)
    assert of_register(home, "Organization")["founder"] == RENTER
    assert home.packets(home.run()) == []


def test_what_the_source_brought_is_taken_away_with_it_and_nothing_else(home: House) -> None:
    home.submit([frm_data.organization(OID, 1), building(("<buildName>", "<landlord>Иной</landlord><buildName>"))])
    home.run()
    of_register(home, "Building", renter=RENTER)
    home.submit([building()])
    assert [p for p, _, _ in home.packets(home.run())] == ["mo_building.update"]
    there = of_register(home, "Building")
    assert ("landlord" in there, there["renter"]) == (False, RENTER)
    assert home.packets(home.run()) == []


def test_what_others_wrote_against_the_schema_is_told_and_not_sent(home: House) -> None:
    home.submit([frm_data.organization(OID, 1), building()])
    home.run()
    of_register(home, "Building", reconstructionYear="давно")
    home.submit([building(("Учебный корпус", "Иной корпус")), frm_data.building("b-0002", 2)])
    launch = home.run()
    assert home.result(launch) == ("FAILED", "Ошибок во время сессии: 1")
    ((message, about),) = home.errors(launch)
    assert "reconstructionYear" in message
    assert about == "МО: Учебная больница 1, Здание МО: Иной корпус № 1"
    assert home.packets(launch) == [("mo_building.create", "b-0002", "ACCEPTED")]


def test_whose_a_record_is_is_not_forgotten_when_the_doubt_is_settled(home: House) -> None:
    home.submit([frm_data.organization(OID, 1), building(("<buildName>", "<landlord>Иной</landlord><buildName>"))])
    home.launch()
    assert home.die(home.has_taken("mo_building.create"))
    home.submit([building(("Учебный корпус", "Иной корпус"))])
    update = "SELECT 1 FROM packets WHERE packet_type = 'mo_building.update'"
    assert home.die(lambda point: point is Point.SENDING and bool(home.rows(update)))
    home.perform()
    assert facts(home.sandbox) == {"mo.update": 1, "mo_building.create": 1, "mo_building.update": 1}
    assert "landlord" not in of_register(home, "Building")
    assert home.rows("SELECT 1 FROM packets WHERE status IN ('SENDING', 'IN_DOUBT')") == []
    assert home.packets(home.run()) == []


@pytest.mark.parametrize("when", [Point.SENDING, Point.SENT])
def test_an_update_of_unknown_outcome_does_not_make_what_others_wrote_the_sources(home: House, when: Point) -> None:
    home.submit([frm_data.organization(OID, 1), building()])
    home.run()
    of_register(home, "Building", renter=RENTER)
    home.submit([building(("<floorCount>5<", "<floorCount>6<"))])
    home.launch()
    update = "SELECT 1 FROM packets WHERE packet_type = 'mo_building.update'"
    assert home.die(lambda point: point is when and bool(home.rows(update)))
    home.perform()
    there = of_register(home, "Building")
    assert (there["floorCount"], there["renter"]) == (6, RENTER)
    assert facts(home.sandbox)["mo_building.update"] == 1


def test_what_a_second_death_leaves_of_the_card_is_taken_away(home: House) -> None:
    kind, object_id, card = frm_data.organization(OID, 1)
    home.submit([(kind, object_id, card)])
    home.run()
    home.submit([(kind, object_id, card.replace(b"<nameFull>", "<founder>Иной</founder><nameFull>".encode()))])
    home.launch()
    assert home.die(lambda point: point is Point.SENT and facts(home.sandbox)["mo.update"] == 2)
    home.submit([(kind, object_id, card.replace("выдуманного".encode(), "придуманного".encode()))])
    updates = "SELECT count(*) FROM packets WHERE packet_type = 'mo.update'"
    assert home.die(lambda point: point is Point.SENDING and home.scalar(updates) == 3)
    home.perform()
    assert "founder" not in of_register(home, "Organization")
    assert statuses(home, "mo.update") == ["ACCEPTED", "ACCEPTED", "SEND_ERROR", "ACCEPTED"]
    assert home.packets(home.run()) == []


def test_the_record_of_a_withheld_unit_is_not_given_to_its_namesake(home: House) -> None:
    kind, first, content = frm_data.department("d-0001", 1, "b-0001")
    home.submit([frm_data.organization(OID, 1), building(), (kind, first, content)])
    home.run()
    before = of_register(home, "Department")
    namesake = content.replace(b".34.0.000001<", b".34.0.000077<")
    home.submit([(kind, first, content.replace(b"<Department>", b'<Department doNotSend="true">'))])
    home.submit([(kind, "d-0002", namesake)])
    launch = home.run()
    assert home.packets(launch) == [("mo_depart.create", "d-0002", "ACCEPTED")]
    store = home.sandbox._store
    with store.transaction():
        assert store.get("Department", OID, before["oid"]) == before
    assert home.packets(home.run()) == []


def test_a_section_that_is_withheld_stays_as_the_register_holds_it(home: House) -> None:
    kind, object_id, content = frm_data.department("d-0001", 1, "b-0001")
    home.submit([frm_data.organization(OID, 1), building(), (kind, object_id, content)])
    home.run()
    before = of_register(home, "Department")
    marked = content.replace(b"<hospitalSubdivisionItem>", b'<hospitalSubdivisionItem doNotSend="1">')
    home.submit([(kind, object_id, marked.replace(b"<bedCount>40<", b"<bedCount>7<"))])
    assert home.packets(home.run()) == []
    home.submit([(kind, object_id, marked.replace(b"<isPlanned>false<", b"<isPlanned>true<"))])
    assert home.packets(home.run()) == [("mo_depart.update", "d-0001", "ACCEPTED")]
    assert of_register(home, "Department") == before | {"isPlanned": True}
    assert home.packets(home.run()) == []


@pytest.mark.parametrize("floors", ["5", "7"], ids=["as before", "another"])
@pytest.mark.parametrize(("when", "status"), [(Point.SENDING, "SEND_ERROR"), (Point.SENT, "ACCEPTED")])
def test_what_became_of_an_update_is_told_by_the_record_whatever_the_source_is_now(
    home: House, when: Point, status: str, floors: str
) -> None:
    home.submit([frm_data.organization(OID, 1), building()])
    home.run()
    home.submit([building(("<floorCount>5<", "<floorCount>6<"))])
    home.launch()
    assert home.die(lambda point: point is when and bool(statuses(home, "mo_building.update")))
    home.submit([building(("<floorCount>5<", f"<floorCount>{floors}<"))])
    home.perform()
    assert statuses(home, "mo_building.update")[0] == status
    assert of_register(home, "Building")["floorCount"] == int(floors)


@pytest.mark.parametrize(("when", "status"), [(Point.SENDING, "SEND_ERROR"), (Point.SENT, "ACCEPTED")])
def test_what_became_of_a_removal_is_told_by_the_register_though_it_came_back(
    home: House, when: Point, status: str
) -> None:
    home.submit([frm_data.organization(OID, 1), building()])
    home.run()
    home.remove("Building", "b-0001")
    home.launch()
    assert home.die(lambda point: point is when and bool(statuses(home, "mo_building.delete")))
    home.submit([building()])
    home.perform()
    assert statuses(home, "mo_building.delete") == [status]
    assert of_register(home, "Building")["floorCount"] == 5


def test_an_array_that_must_be_sent_and_is_empty_takes_nothing_away(home: House) -> None:
    kind, object_id, card = frm_data.organization(OID, 1)
    home.submit([(kind, object_id, card)])
    home.run()
    links = [{"id": "1", "parentId": OID, "childId": "2", "relationType": 1}]
    of_register(home, "Organization", structure=links)
    assert home.packets(home.run()) == []
    home.submit([(kind, object_id, card.replace("выдуманного".encode(), "придуманного".encode()))])
    assert home.packets(home.run()) == [("mo.update", "mo", "ACCEPTED")]
    assert of_register(home, "Organization")["structure"] == links


def test_a_title_that_the_register_words_otherwise_is_no_difference(home: House) -> None:
    kind, object_id, content = frm_data.department("d-0001", 1, "b-0001")
    titled = content.replace(b"<id>10</id>", "<id>10</id><departKind>Учебное</departKind>".encode())
    home.submit([frm_data.organization(OID, 1), building(), (kind, object_id, titled)])
    home.run()
    reworded = {"id": 10, "departKind": "Отделение (учебное)"}
    of_register(home, "Department", departKindId=reworded)
    assert home.packets(home.run()) == []
    home.submit([(kind, object_id, titled.replace(b"<id>10</id>", b"<id>11</id>"))])
    assert home.packets(home.run()) == [("mo_depart.update", "d-0001", "ACCEPTED")]
    assert of_register(home, "Department")["departKindId"] == {"id": 11, "departKind": "Учебное"}
