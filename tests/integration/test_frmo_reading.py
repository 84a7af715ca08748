"""Lists of ФРМО that others change while a session reads them, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, text

from tests.support.frm import OID, House, house
from workers.demo.parts import frm_data
from workers.runs.surroundings import Point

FIRST_PAGE_OF_UNITS = 3  # after the card of the МО and the list of buildings
UNITS = 130


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    """A МО whose many units are in the register, those of a foreign hand before them."""
    with house(engine) as furnished:
        furnished.submit(frm_data.hospital(OID, units=UNITS))
        furnished.run()
        strangers = ["s-0001", *(f"d-{number:04}" for number in range(1, 9))]
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM source_objects WHERE object_id = ANY(:ids)"), {"ids": strangers})
        yield furnished


def without_its_first(home: House) -> None:
    """Somebody deletes the first unit of the list."""
    store = home.sandbox._store
    with store.transaction():
        store.remove("Department", OID, store.owned("Department", OID)[0]["oid"])


def with_one_more(home: House) -> None:
    """Somebody deletes the first unit and enters another: there are as many as before."""
    without_its_first(home)
    store = home.sandbox._store
    with store.transaction():
        last = store.owned("Department", OID)[-1]
        store.put("Department", OID, f"{OID}.0.999999", last | {"oid": f"{OID}.0.999999", "departName": "Чужое"})


def after_reads(home: House, change: Callable[[House], None], times: int) -> Callable[[Point], None]:
    """Change the list each time that a first page of units has come, so many times."""
    reads: list[Point] = []

    def reached(point: Point) -> None:
        if point is Point.SENT:
            reads.append(point)
            since = len(reads) - FIRST_PAGE_OF_UNITS
            if since >= 0 and since % 2 == 0 and since // 2 < times:
                change(home)

    return reached


@pytest.mark.parametrize("change", [without_its_first, with_one_more])
def test_a_list_that_shifts_while_it_is_read_is_read_anew(home: House, change: Callable[[House], None]) -> None:
    launch = home.launch()
    home.perform(after_reads(home, change, 1))
    assert home.result(launch) == ("SUCCESS", None)
    assert home.packets(launch) == []
    assert home.sandbox.created_twice() == ()


def test_a_list_that_never_stands_still_ends_the_session(home: House) -> None:
    launch = home.launch()
    home.perform(after_reads(home, without_its_first, 3))
    told = "Данные МО в ФРМО менялись, пока читались: повторите передачу"
    assert home.errors(launch) == [(told, "МО: Учебная больница 1")]
    assert home.result(launch)[0] == "FAILED"
    assert home.packets(launch) == []
    assert home.packets(home.run()) == []
