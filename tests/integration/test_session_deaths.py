"""A worker dies at every step of a session's life, again and again: the register ends equal to the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from uuid import UUID

import pytest
from sqlalchemy import Engine

from tests.support.frm import OID, House, facts, house
from workers.demo.parts import frm_data
from workers.run import Point

HOSPITAL = {"mo.update": 1, "mo_building.create": 2, "mo_depart.create": 3, "mo_staff.create": 1}
WORKERS = {"mr_person.create": 2, "mr_card.create": 2, "mr_education_prof.create": 2}


class Killed(BaseException):
    """The process is no more: nothing that follows in it happens."""


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine) as furnished:
        yield furnished


def dying_at(step: int) -> Callable[[Point], None]:
    """Die at so many-th point of a run."""
    steps = count(1)

    def reached(_point: Point) -> None:
        if next(steps) == step:
            raise Killed

    return reached


def live_and_die(home: House, launch: UUID, deaths: Callable[[int], Callable[[Point], None]]) -> int:
    """Perform a launch by one worker after another, each dying where it is told; returns how many died."""
    died = 0
    while home.result(launch)[0] == "RUNNING":
        with suppress(Killed):
            home.perform(deaths(died + 1))
            return died
        died += 1
        home.lapse()
    return died


def check_books(home: House, expected: dict[str, int]) -> None:
    """The register holds everything once, and the journal knows of every change that it took."""
    assert facts(home.sandbox) == expected
    assert home.sandbox.created_twice() == ()
    taken = home.rows(
        "SELECT packet_type, count(*) AS times FROM packets"
        " WHERE operation <> 'Read' AND status = 'ACCEPTED' GROUP BY packet_type"
    )
    assert {row.packet_type: row.times for row in taken} == expected
    assert home.rows("SELECT 1 FROM packets WHERE status IN ('SENDING', 'IN_DOUBT')") == []
    assert home.rows("SELECT 1 FROM attempts WHERE finished_at IS NULL") == []


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

    def dying_when_taken(_death: int) -> Callable[[Point], None]:
        before = len(home.sandbox.ledger())

        def reached(point: Point) -> None:
            if point is Point.SENT and len(home.sandbox.ledger()) > before:
                raise Killed

        return reached

    assert live_and_die(home, launch, dying_when_taken) == sum(HOSPITAL.values())
    assert home.result(launch) == ("SUCCESS", None)
    check_books(home, HOSPITAL)


def test_a_session_of_frmr_dies_at_every_step(home: House) -> None:
    home.submit(frm_data.persons(OID, 2), "frmr")
    launch = home.launch("frmr")
    assert live_and_die(home, launch, dying_at) > 8
    assert home.result(launch)[0] == "SUCCESS"
    check_books(home, WORKERS)
    assert home.packets(home.run("frmr"), reads=True) == []


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
