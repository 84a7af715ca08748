"""A worker dies at every step of a session's life, again and again: the register ends equal to the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from uuid import UUID

import pytest
from sqlalchemy import Engine

from tests.support.frm import OID, House, check_books, facts, house
from workers.demo.parts import frm_data
from workers.runs.surroundings import Point

HOSPITAL = {"mo.update": 1, "mo_building.create": 2, "mo_depart.create": 3, "mo_staff.create": 1}
WORKERS = {"mr_person.create": 2, "mr_card.create": 2, "mr_education_prof.create": 2}


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine) as furnished:
        yield furnished


def dying_at(step: int) -> Callable[[Point], bool]:
    """Die at so many-th point of a run."""
    steps = count(1)
    return lambda _point: next(steps) == step


def live_and_die(home: House, launch: UUID, deaths: Callable[[int], Callable[[Point], bool]]) -> int:
    """Perform a launch by one worker after another, each dying where it is told; returns how many died."""
    died = 0
    while home.result(launch)[0] == "RUNNING" and home.die(deaths(died + 1)):
        died += 1
    return died


def test_a_session_of_frmo_dies_at_every_step(home: House) -> None:
    home.submit(frm_data.hospital(OID))
    launch = home.launch()
    assert live_and_die(home, launch, dying_at) > 12
    assert home.result(launch) == ("SUCCESS", None)
    check_books(home, HOSPITAL)
    assert home.packets(home.run()) == []


def test_a_session_of_frmo_dies_after_every_change_that_the_register_took(home: House) -> None:
    home.submit(frm_data.hospital(OID))
    launch = home.launch()

    def dying_when_more_is_taken(_death: int) -> Callable[[Point], bool]:
        before = len(home.sandbox.ledger())
        return lambda point: point is Point.SENT and len(home.sandbox.ledger()) > before

    assert live_and_die(home, launch, dying_when_more_is_taken) == sum(HOSPITAL.values())
    assert home.result(launch) == ("SUCCESS", None)
    check_books(home, HOSPITAL)


def test_a_session_of_frmr_dies_at_every_step(home: House) -> None:
    home.submit(frm_data.persons(OID, 2), "frmr")
    launch = home.launch("frmr")
    assert live_and_die(home, launch, dying_at) > 8
    assert home.result(launch)[0] == "SUCCESS"
    check_books(home, WORKERS)
    assert home.packets(home.run("frmr"), reads=True) == []


def test_what_was_created_before_a_death_is_known_again_though_its_name_was_corrected(home: House) -> None:
    home.submit(frm_data.hospital(OID))
    launch = home.launch()
    assert home.die(home.has_taken("mo_building.create"))
    kind, object_id, content = frm_data.building("b-0001", 1)
    home.submit([(kind, object_id, content.replace("Учебный корпус № 1".encode(), "Главный корпус".encode()))])
    home.perform()
    assert home.result(launch) == ("SUCCESS", None)
    assert facts(home.sandbox) == {**HOSPITAL, "mo_building.update": 1}
    assert ("mo_building.create", "b-0001", "ACCEPTED") in home.packets(launch)


@pytest.mark.parametrize("step", range(1, 9))
def test_a_card_corrected_while_its_worker_was_dead_is_not_created_again(home: House, step: int) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    launch = home.launch("frmr")
    home.die(dying_at(step))
    before = dict(facts(home.sandbox))
    corrected = frm_data.person(OID, 1).replace(b"<contractNumber>1-", b"<contractNumber>77-")
    home.submit([("Person", "p-000001", corrected)], "frmr")
    home.perform()
    home.run("frmr")  # where the session was over before the correction
    assert home.result(launch)[0] == "SUCCESS"
    taken = dict(facts(home.sandbox))
    assert taken.pop("mr_card.update", 0) == before.get("mr_card.create", 0)
    assert taken == {"mr_person.create": 1, "mr_card.create": 1, "mr_education_prof.create": 1}
    assert home.rows("SELECT 1 FROM packets WHERE status IN ('SENDING', 'IN_DOUBT')") == []


def test_a_session_that_corrects_and_deletes_dies_at_every_step(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.run("frmr")
    corrected = frm_data.person(OID, 1).replace(b"<contractNumber>1-", b"<contractNumber>77-")
    head, _, rest = corrected.partition(b"<educationProf>")
    home.submit([("Person", "p-000001", head + rest.partition(b"</educationProf>")[2])], "frmr")
    launch = home.launch("frmr")
    assert live_and_die(home, launch, dying_at) > 6
    assert home.result(launch)[0] == "SUCCESS"
    created = {"mr_person.create": 1, "mr_card.create": 1, "mr_education_prof.create": 1}
    check_books(home, created | {"mr_card.update": 1, "mr_education_prof.delete": 1})
    assert home.packets(home.run("frmr"), reads=True) == []


def test_of_two_cards_the_one_that_arrived_is_known_to_have_arrived(home: House) -> None:
    text = frm_data.person(OID, 1).decode()
    card = text[text.index("<personCardItem>") : text.index("</personCard>")]
    both = text.replace(card, card + card.replace(">1-У<", ">2-У<"))
    home.submit([("Person", "p-000001", both.encode())], "frmr")
    launch = home.launch("frmr")
    assert home.die(home.has_taken("mr_card.create"))
    home.perform()
    assert home.result(launch)[0] == "SUCCESS"
    assert facts(home.sandbox) == {"mr_person.create": 1, "mr_card.create": 2, "mr_education_prof.create": 1}
    told = Counter(kind for kind, _, status in home.packets(launch) if status == "ACCEPTED")
    assert told == facts(home.sandbox)
    # What was journaled with it and had not left was asked of the register, too.
    assert {status for *_, status in home.packets(launch)} <= {"ACCEPTED", "SEND_ERROR"}


def test_a_session_that_died_at_its_check_can_still_be_resumed(home: House) -> None:
    home.submit(frm_data.faulty_hospital(OID, 1))
    launch = home.launch()
    assert live_and_die(home, launch, lambda death: dying_at(death if death <= 2 else 1000)) == 2
    assert home.result(launch) == ("FAILED", "Обнаружены ошибки при проверке данных МО")
    assert len(home.errors(launch)) == home.scalar("SELECT sum(error_count) FROM launch_counters") == 3
    home.submit(frm_data.corrected_hospital(OID, 1))
    home.resume(launch)
    home.perform()
    assert home.result(launch) == ("SUCCESS", None)
    check_books(home, HOSPITAL)
