"""ФЛК of Алькона against the dictionaries: every code that is in none, and the day as of which it is looked up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from gateway.xml.parser import parse
from tests.support.dictionaries import Books
from tests.unit.exchanges.test_alkona_rules import MO, SOUND
from workers.exchange import Job, Operation
from workers.exchanges.alkona.rules import LOOKUPS, check

MOMENT = datetime(2026, 3, 20, 12, tzinfo=UTC)


def found(kind: str, books: Books, old: str = "", new: str = "", operation: Operation = Operation.INSERT) -> list[str]:
    content = SOUND[kind].replace(old, new, 1) if old else SOUND[kind]
    job = Job(UUID(int=7), kind, operation, "1", MO, MOMENT, parse(content.encode()))
    return [f"{f.code} {f.path}" for f in check(replace(job, reference=books))]


UNKNOWN = [
    ("DEP", "V002", ["450 /Branch/DIVISION/PROFIL"]),
    ("DEP", "V020", ["451 /Branch/DIVISION/BED/PROFIL_K"]),
    ("DEP", "V006", ["454 /Branch/DIVISION/USL_OK"]),
    ("DN", "MKB10", ["452 /DispensaryObservation/DN/DIAG_CODE"]),
    ("DN", "V021", ["453 /DispensaryObservation/DN/DN_PRVS"]),
    ("DN", "F003", ["455 /DispensaryObservation/MO_P"]),
    ("DN", "F002", ["456 /DispensaryObservation/PERS/SMO"]),
    ("PRF", "F003", ["455 /PreventionPlan/ATTACH/MO_P"]),
]


@pytest.mark.parametrize(("kind", "dictionary", "told"), UNKNOWN, ids=[f"{u[0]}-{u[1]}" for u in UNKNOWN])
def test_a_code_that_its_dictionary_does_not_hold_is_told_with_its_place(
    kind: str, dictionary: str, told: list[str]
) -> None:
    assert found(kind, Books(dictionary)) == told
    assert found(kind, Books(dictionary), operation=Operation.DELETE) == []


def test_every_lookup_has_its_example() -> None:
    assert {each.code for each in LOOKUPS} == {told[0].partition(" ")[0] for _, _, told in UNKNOWN}


def test_codes_are_looked_up_as_of_the_day_of_forming_or_of_the_end_before_it() -> None:
    assert found("DN", Books("V021", since=date(2026, 3, 20))) != []
    assert found("DN", Books("V021", since=date(2026, 3, 21))) == []
    ended = "<DATE_DN_OUT>2026-03-10</DATE_DN_OUT><REASON_DN_OUT>1</REASON_DN_OUT><PLAN>"
    assert found("DN", Books("V021", since=date(2026, 3, 11)), "<PLAN>", ended) == []
    assert found("DN", Books("V021", since=date(2026, 3, 10)), "<PLAN>", ended) != []


def test_what_has_not_the_form_of_a_code_is_left_to_the_schema() -> None:
    assert found("DN", Books("MKB10"), "<DIAG_CODE>", "<DIAG_CODE>?") == []
