"""Codes of ТФОМС packets against dictionaries: asked as of the event's day, silent while a dictionary is not loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

import pytest

from tests.unit.exchanges.test_tfoms_hosp_rules import CANCEL, HOSP, MOTION, REFERRAL, REFUSAL, found, job
from workers.exchange import Operation
from workers.exchanges.tfoms_hosp.rules import LOOKUPS, check

EVENT = {
    REFERRAL: date(2026, 3, 2),
    CANCEL: date(2026, 3, 10),
    HOSP: date(2026, 3, 16),
    MOTION: date(2026, 3, 16),
    REFUSAL: date(2026, 3, 16),
}
STAY = {("360", "PROFIL"), ("361", "PROFIL_K"), ("362", "DS1"), ("363", "FRM_MP"), ("364", "USL_OK")}
PLACE = ("365", "MCOD_STC")
REFUSED = {
    REFERRAL: {*STAY, PLACE, ("365", "MCOD_NAP")},
    CANCEL: {("365", "MCOD_NAP"), ("365", "ACOD")},
    HOSP: {*STAY, PLACE},
    MOTION: {*STAY, PLACE},
    REFUSAL: {PLACE},
}


@dataclass
class Shelf:
    """Dictionaries that hold nothing, or only some codes; None for those that are not loaded."""

    loaded: Iterable[str] = ("F002", "F003", "V002", "V006", "V014", "V020", "MKB10")
    codes: frozenset[str] = frozenset()
    asked: set[tuple[str, date]] = field(default_factory=set)

    def has(self, dictionary: str, code: str, on: date) -> bool | None:
        self.asked.add((dictionary, on))
        return code in self.codes if dictionary in self.loaded else None

    def title(self, dictionary: str, code: str, on: date) -> str | None:
        raise NotImplementedError

    def detail(self, dictionary: str, code: str, on: date, column: str) -> str | None:
        raise NotImplementedError


@pytest.mark.parametrize("packet_type", EVENT)
def test_every_code_is_asked_for_on_the_day_of_the_event(packet_type: str) -> None:
    shelf = Shelf()
    findings = check(replace(job(packet_type, {}), reference=shelf))
    assert set(found(findings)) == REFUSED[packet_type]
    assert {day for _, day in shelf.asked} == {EVENT[packet_type]}
    assert all(finding.message.endswith("на дату события.") for finding in findings)


@pytest.mark.parametrize("packet_type", EVENT)
def test_without_dictionaries_the_rules_are_silent(packet_type: str) -> None:
    assert check(replace(job(packet_type, {}), reference=Shelf(loaded=()))) == ()
    assert check(job(packet_type, {})) == ()


def test_what_a_dictionary_holds_is_right_and_the_rest_is_named() -> None:
    shelf = Shelf(loaded=("V002", "MKB10"), codes=frozenset({"97"}))
    assert found(check(replace(job(HOSP, {}), reference=shelf))) == [("362", "DS1")]


@pytest.mark.parametrize(
    ("packet_type", "changes", "expected"),
    [
        (CANCEL, {"IST_ANL": "1", "ACOD": "34001"}, [("366", "ACOD")]),
        (CANCEL, {"IST_ANL": None}, []),
        (REFERRAL, {"PERS/SMO": "34001"}, [("366", "PERS/SMO")]),
        (REFERRAL, {"PERS/SMO": "340"}, []),
        (REFERRAL, {"DS1": "не код"}, []),
    ],
    ids=["insurer", "nobody", "person", "not-a-smo", "not-a-diagnosis"],
)
def test_a_code_is_looked_up_only_where_it_is_one(
    packet_type: str, changes: dict[str, str | None], expected: list[tuple[str, str]]
) -> None:
    loaded = ("MKB10",) if "DS1" in changes else ("F002",)
    codes = {code for code, _ in found(check(replace(job(packet_type, changes), reference=Shelf(loaded))))}
    assert codes & {"362", "366"} == {code for code, _ in expected}


def test_a_delete_asks_nothing() -> None:
    shelf = Shelf()
    task = replace(job(REFERRAL, {}), reference=shelf, operation=Operation.DELETE)
    assert check(task) == ()
    assert shelf.asked == set()


def test_each_code_of_a_rule_is_of_one_dictionary() -> None:
    assert len({(lookup.code, lookup.dictionary) for lookup in LOOKUPS}) == len({lookup.code for lookup in LOOKUPS})
