"""Who is who in ФРМР: one person for all МО, one СНИЛС for one worker, and what becomes of a corrected one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest
from sqlalchemy import Engine

from tests.support.frm import OID, House, changed, facts, house
from workers.demo.parts import frm_data
from workers.runs.surroundings import Point

ABOUT = "МО: Учебная больница 1, Работник: p-00000{}"
OTHER = OID[:-1] + "2"
TWICE = "СНИЛС указан у нескольких работников"
WRONG, RIGHT = "00000000100", "00000000700"
CORRECTED = (f"<snils>{WRONG}</snils>", f"<snils>{RIGHT}</snils>")
BROUGHT = {"mr_person.create": 1, "mr_card.create": 1, "mr_education_prof.create": 1}


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine, organizations=2) as furnished:
        yield furnished


def kept(home: House, snils: str) -> tuple[int, int]:
    """How many cards and educations ФРМР holds of the person with this СНИЛС."""
    store = home.sandbox._store
    with store.transaction():
        person = store.by_snils(snils)
        assert person is not None
        oid = str(person["oid"])
        return len(store.owned("PersonCard", oid)), len(store.owned("EducationProf", oid))


def undecided(home: House) -> int:
    return int(home.scalar("SELECT count(*) FROM packets WHERE status IN ('SENDING', 'IN_DOUBT')"))


def test_a_worker_never_takes_the_place_of_one_who_was_transferred_before(home: House) -> None:
    home.submit(frm_data.persons(OID, 1, first=2), "frmr")
    home.run("frmr")
    home.submit([changed(1, ("<snils>00000000100</snils>", "<snils>000-000-002 00</snils>"))], "frmr")
    launch = home.run("frmr")
    assert home.errors(launch) == [("СНИЛС указан у нескольких работников", ABOUT.format(1))]
    assert home.packets(launch, reads=True) == []
    assert facts(home.sandbox) == BROUGHT


def test_a_stranger_takes_no_place_of_one_who_was_transferred_and_changes_himself(home: House) -> None:
    home.submit(frm_data.persons(OID, 1, first=2), "frmr")
    home.run("frmr")
    stranger = changed(1, ("<snils>00000000100</snils>", "<snils>00000000200</snils>"), ("Учебный", "Чужой"))
    home.submit([stranger, changed(2, ("<rate>1</rate>", "<rate>0.5</rate>"))], "frmr")
    launch = home.run("frmr")
    assert home.errors(launch) == [(TWICE, ABOUT.format(1))]
    assert home.packets(launch) == [("mr_card.update", "p-000002", "ACCEPTED")]


def test_of_two_new_workers_with_one_snils_none_is_transferred(home: House) -> None:
    home.submit([changed(1), changed(2, ("<snils>00000000200</snils>", "<snils>00000000100</snils>"))], "frmr")
    launch = home.run("frmr")
    assert home.errors(launch) == [(TWICE, ABOUT.format(1)), (TWICE, ABOUT.format(2))]
    assert facts(home.sandbox) == {}


def test_what_is_ours_follows_a_corrected_snils(home: House) -> None:
    home.submit([changed(1)], "frmr")
    home.run("frmr")
    home.submit([changed(1, CORRECTED)], "frmr")
    launch = home.run("frmr")
    assert home.result(launch)[0] == "SUCCESS"
    assert (kept(home, WRONG), kept(home, RIGHT)) == ((0, 0), (1, 1))
    assert home.packets(home.run("frmr"), reads=True) == []


@pytest.mark.parametrize(
    ("before", "step"),
    [
        ("mr_card.create", "mr_card.create"),
        ("mr_card.create", "mr_card.delete"),
        ("mr_education_prof.create", "mr_education_prof.delete"),
    ],
)
def test_a_death_on_the_way_to_a_corrected_snils_leaves_nothing_behind(home: House, before: str, step: str) -> None:
    home.submit([changed(1)], "frmr")
    home.launch("frmr")
    assert home.die(home.has_taken(before))
    home.submit([changed(1, CORRECTED)], "frmr")
    assert home.die(home.has_taken(step))
    home.perform()
    assert (kept(home, WRONG), kept(home, RIGHT)) == ((0, 0), (1, 1))
    assert undecided(home) == 0
    assert home.sandbox.created_twice() == ()


def test_what_was_found_under_the_former_snils_stays(home: House) -> None:
    home.submit([changed(1)], "frmr")
    home.run("frmr")
    home.submit([changed(1, oid=OTHER)], "frmr", OTHER)  # the same diploma, a card of its own
    home.run("frmr", OTHER)
    home.submit([changed(1, CORRECTED, oid=OTHER)], "frmr", OTHER)
    home.run("frmr", OTHER)
    assert (kept(home, WRONG), kept(home, RIGHT)) == ((1, 1), (1, 1))


def test_what_was_asked_about_a_worker_whom_the_source_removed_is_settled(home: House) -> None:
    home.submit([changed(1), changed(2)], "frmr")
    launch = home.launch("frmr")
    assert home.die(home.has_taken("mr_card.create"))
    home.remove("Person", "p-000001", "frmr")
    home.remove("Person", "p-000002", "frmr")
    home.perform()
    assert home.result(launch)[0] == "SUCCESS"
    assert undecided(home) == 0
    assert home.scalar("SELECT count(*) FROM packets WHERE result_text = 'Подтверждено чтением ФРМР'") > 0


def test_two_mo_with_one_person_change_him_one_after_the_other(home: House) -> None:
    home.submit([changed(1)], "frmr")
    home.submit([changed(1, oid=OTHER)], "frmr", OTHER)
    others: list[Future[None]] = []

    def reached(point: Point) -> None:
        if point is Point.SENT and not others:  # the person was read and is not there
            home.launch("frmr", OTHER)
            others.append(pool.submit(home.perform))
            wait(others, timeout=1)

    with ThreadPoolExecutor(1) as pool:
        home.launch("frmr")
        home.perform(reached)
    assert facts(home.sandbox) == BROUGHT | {"mr_card.create": 2}
    assert home.sandbox.created_twice() == ()
    assert [r.result for r in home.rows("SELECT result FROM launches")] == ["SUCCESS", "SUCCESS"]


def test_a_death_by_mistake_is_taken_back(home: House) -> None:
    born = "<birthDate>1980-02-29T00:00:00Z</birthDate>"
    home.submit([changed(1, (born, f"{born}<deathDate>2026-03-01T00:00:00Z</deathDate>"))], "frmr")
    home.run("frmr")
    home.submit([changed(1)], "frmr")
    assert home.packets(home.run("frmr")) == [("mr_person.update", "p-000001", "ACCEPTED")]
    store = home.sandbox._store
    with store.transaction():
        person = store.by_snils(WRONG)
    assert person is not None
    assert "deathDate" not in person
