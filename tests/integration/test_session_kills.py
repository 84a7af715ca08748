"""kill -9 of a real process among the answers of one batch: the register ends equal to the source, nothing doubled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from gateway.journal import outbox
from tests.support import apart
from tests.support.frm import OID, House, check_books, facts, house, services
from workers.demo.parts import frm_data
from workers.runs.surroundings import Point

MANY = 6
"""Units of the МО, and workers of it, each with a card and an education."""
HOSPITAL = {"mo.update": 1, "mo_building.create": 2, "mo_depart.create": MANY, "mo_staff.create": 1}
WORKERS = dict.fromkeys(("mr_person.create", "mr_card.create", "mr_education_prof.create"), MANY)
READS, BEFORE_UNITS = 4, 3
"""Lists of ФРМО that are read, and changes that go out before those of units: the МО and its buildings."""


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine) as furnished:
        yield furnished


def kill(home: House, database_url: str, answers: int) -> int:
    """Let a process die with so many answers of a session in hand; returns how long the batch was that it was at."""
    (work_id,) = outbox.publish_due(home.engine)
    doomed = apart.start(database_url, services(home.sandbox), work_id, Point.SENT, answers)
    assert apart.died(doomed)
    home.lapse()
    return len(home.rows("SELECT 1 FROM packets WHERE status = 'SENDING'"))


@pytest.mark.parametrize("answered", [1, MANY // 2, MANY])
def test_a_process_is_killed_among_the_units_of_frmo(home: House, database_url: str, answered: int) -> None:
    home.submit(frm_data.hospital(OID, units=MANY))
    launch = home.launch()
    assert kill(home, database_url, READS + BEFORE_UNITS + answered) == MANY
    assert facts(home.sandbox)["mo_depart.create"] == answered
    home.perform()
    assert home.result(launch) == ("SUCCESS", None)
    check_books(home, HOSPITAL)
    assert home.packets(home.run()) == []


@pytest.mark.parametrize(
    ("operation", "before", "many", "answered"),
    [
        ("mr_person.create", MANY, MANY, MANY // 2),
        *(("mr_card.create", 2 * MANY, 2 * MANY, answered) for answered in (1, MANY, 2 * MANY)),
    ],
)
def test_a_process_is_killed_among_the_workers_of_frmr(
    home: House, database_url: str, operation: str, before: int, many: int, answered: int
) -> None:
    home.submit(frm_data.persons(OID, MANY), "frmr")
    launch = home.launch("frmr")
    assert kill(home, database_url, before + answered) == many
    assert sum(facts(home.sandbox).values()) == before - MANY + answered
    assert operation in facts(home.sandbox)
    home.perform()
    assert home.result(launch)[0] == "SUCCESS"
    check_books(home, WORKERS)
    assert home.packets(home.run("frmr"), reads=True) == []
