"""What a register answers with its own failure, or with a token it no longer knows, in sessions with both registers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.support.frm import OID, House, facts, house
from workers.demo.parts import frm_data
from workers.sandbox.ips import BY_SWITCH

FAILED = f"500 Internal Server Error: {BY_SWITCH}"


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine) as furnished:
        yield furnished


def test_a_record_at_which_the_register_fails_for_ever_does_not_bar_the_others(home: House) -> None:
    home.submit([frm_data.organization(OID, 1), *(frm_data.building(f"b-{n}", n) for n in (7, 8, 9))])
    home.sandbox.switches.update({"failing_for": "Учебный корпус № 7"})
    launch = home.run()
    assert home.result(launch) == ("FAILED", "Ошибок во время сессии: 1")
    assert home.errors(launch) == [(FAILED, "МО: Учебная больница 1, Здание МО: Учебный корпус № 7")]
    assert facts(home.sandbox) == {"mo.update": 1, "mo_building.create": 2}
    assert home.events(launch)[-1] == "70"
    assert ("mo_building.create", "b-7", "SEND_ERROR") in home.packets(launch)
    assert home.rows("SELECT 1 FROM packets WHERE status IN ('SENDING', 'IN_DOUBT')") == []
    home.sandbox.switches.reset()
    assert home.result(home.run()) == ("SUCCESS", None)
    assert home.sandbox.created_twice() == ()


def test_a_worker_at_whom_the_register_fails_for_ever_does_not_bar_the_others(home: House) -> None:
    home.submit(frm_data.persons(OID, 3), "frmr")
    home.sandbox.switches.update({"failing_for": "00000000200"})
    launch = home.run("frmr")
    assert home.result(launch) == ("FAILED", "Работников передано и сверено: 2, с ошибками: 1")
    assert [about for _, about in home.errors(launch)] == ["МО: Учебная больница 1, Работник: p-000002"]
    assert facts(home.sandbox)["mr_person.create"] == 2
    home.sandbox.switches.reset()
    assert home.result(home.run("frmr"))[0] == "SUCCESS"
    assert facts(home.sandbox)["mr_person.create"] == 3
    assert home.sandbox.created_twice() == ()


def test_a_register_that_fails_at_everything_stops_the_session(home: House) -> None:
    home.submit(frm_data.persons(OID, 9), "frmr")
    home.sandbox.switches.update({"failing_next": 1000})
    launch = home.run("frmr")
    result, told = home.result(launch)
    assert result == "FAILED"
    assert "HTTP 500" in (told or "")
    assert len(home.packets(launch, reads=True)) < 9 * 3


def test_a_token_that_is_not_accepted_is_made_anew_once(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.sandbox.switches.update({"unauthorized_next": 1})
    assert home.result(home.run("frmr"))[0] == "SUCCESS"


def test_a_removed_worker_is_settled_and_not_looked_at_again(home: House) -> None:
    home.submit(frm_data.persons(OID, 2), "frmr")
    home.run("frmr")
    home.remove("Person", "p-000001", "frmr")
    launch = home.run("frmr")
    assert home.result(launch)[0] == "SUCCESS"
    assert home.packets(launch, reads=True) == []
    due = "SELECT count(*) FROM source_objects WHERE deleted AND accepted_hash IS NOT NULL"
    assert home.scalar(due) == 0
