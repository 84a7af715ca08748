"""A source that goes back to what the register took before, after a change of it was refused or its worker had died."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.support.frm import OID, House, house
from workers.demo.parts import frm_data
from workers.demo.parts.frm_data import Submitted
from workers.sandbox.ips_registers import SECTIONS

OF_ANOTHER = OID.rpartition(".")[0] + ".2"
BUILDING = frm_data.building("b-0001", 1)
WORKER = "Person", "p-000001", frm_data.person(OID, 1)


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine, 2) as furnished:
        yield furnished


def changed(submitted: Submitted, *changes: tuple[str, str]) -> Submitted:
    kind, object_id, content = submitted
    text = content.decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return kind, object_id, text.encode()


def without_education(submitted: Submitted) -> Submitted:
    kind, object_id, content = submitted
    head, _, rest = content.partition(b"<educationProf>")
    return kind, object_id, head + rest.partition(b"</educationProf>")[2]


def buildings(home: House) -> list[Any]:
    """What ФРМО holds of buildings."""
    store = home.sandbox._store
    with store.transaction():
        return store.owned("Building", OID)


def worker(home: House) -> list[Any]:
    """What ФРМР holds of the one worker, without the ids of entries: one that went comes back under another."""
    store = home.sandbox._store
    with store.transaction():
        there = store.by_snils("00000000100")
        assert there is not None
        entries = [one for entity in SECTIONS.values() for one in store.owned(entity, there["oid"])]
    return [there, *({k: v for k, v in one.items() if k not in {"id", "profId"}} for one in entries)]


def killed_at(home: House, step: int, service: str) -> bool:
    """Let the worker of a new launch die at so many-th point since its first change; False when there are fewer."""
    steps = count(1)
    begun = "SELECT 1 FROM packets WHERE launch_id = :launch AND operation <> 'Read'"
    launch = home.launch(service)
    return home.die(lambda _point: bool(home.rows(begun, launch=launch)) and next(steps) == step)


def deaths_until_the_source_is_back(
    home: House, service: str, before: Submitted, after: Submitted, state: Callable[[House], list[Any]]
) -> int:
    """Change the source, die at one point after another, change it back; returns how many died."""
    whole = state(home)
    for step in count(1):
        home.submit([after], service)
        died = killed_at(home, step, service)
        home.submit([before], service)
        home.perform()
        if not died:
            home.run(service)
        assert state(home) == whole, step
        assert home.rows("SELECT 1 FROM packets WHERE status IN ('SENDING', 'IN_DOUBT')") == [], step
        if not died:
            return step - 1
    raise AssertionError


def test_a_unit_of_frmo_is_as_before_wherever_the_worker_died(home: House) -> None:
    home.submit([frm_data.organization(OID, 1), BUILDING])
    home.run()
    after = changed(BUILDING, ("</hasTrouble>", "</hasTrouble><capacityBeds>77</capacityBeds>"))
    assert deaths_until_the_source_is_back(home, "frmo", BUILDING, after, buildings) > 3


def test_a_worker_of_frmr_is_as_before_wherever_the_worker_died(home: House) -> None:
    home.submit([WORKER], "frmr")
    home.run("frmr")
    after = without_education(changed(WORKER, ("Учебный", "Образцовый"), ("<rate>1</rate>", "<rate>0.5</rate>")))
    assert deaths_until_the_source_is_back(home, "frmr", WORKER, after, worker) > 8


def test_of_a_worker_whose_change_was_refused_in_part_nothing_stays(home: House) -> None:
    before = without_education(WORKER)
    home.submit([before], "frmr")
    home.run("frmr")
    whole = worker(home)
    home.submit([changed(WORKER, (f"<oid>{OID}</oid>", f"<oid>{OF_ANOTHER}</oid>"))], "frmr")
    refused = home.run("frmr")
    assert home.result(refused)[0] == "FAILED"
    assert ("mr_education_prof.create", "p-000001", "ACCEPTED") in home.packets(refused)
    home.submit([before], "frmr")
    assert home.result(home.run("frmr"))[0] == "SUCCESS"
    assert worker(home) == whole
    assert home.packets(home.run("frmr"), reads=True) == []


def test_who_was_refused_whole_is_looked_at_once_more_and_then_left_alone(home: House) -> None:
    home.submit([WORKER], "frmr")
    home.run("frmr")
    home.sandbox.switches.update({"refuse_writes_next": 1})
    home.submit([changed(WORKER, ("Учебный", "Образцовый"))], "frmr")
    home.run("frmr")
    home.submit([WORKER], "frmr")
    assert home.packets(home.run("frmr"), reads=True) == [("mr_person_full.read", "p-000001", "ACCEPTED")]
    assert home.packets(home.run("frmr"), reads=True) == []
