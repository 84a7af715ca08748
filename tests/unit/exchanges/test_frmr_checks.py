"""Checks of ФРМР before sending (federal description, clause 7.4): a row for each, as operators see what it tells."""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.checking import (
    MO,
    OID,
    STAGE,
    Scene,
    Spoil,
    add,
    arises,
    both,
    drop,
    is_refused_at_the_door,
    say,
    scene,
    told,
)
from workers.demo.parts import frm_data
from workers.exchange import load_dictionary
from workers.exchanges.frmr.session import DICTIONARY, run

ONE: Final = "p-000001"
TWO: Final = "p-000002"
CARD: Final = "personCard/personCardItem"
DOCUMENT: Final = "documents/documentsItem"
ANOTHER: Final = (
    "<documentsItem><documentId>3</documentId>{number}<passDate>2000-03-01T00:00:00Z</passDate>"
    "<passOrg>Выдумано</passOrg></documentsItem>"
)
WITHOUT_NUMBER: Final = add(ONE, "documents", ANOTHER.format(number=""))

ELSEWHERE: Final = {
    "621": "test_frmr.py::test_a_refused_worker_is_told_and_tried_by_the_next_launch",
    "622": "test_frmr.py::test_a_card_under_the_oid_of_another_mo_is_refused_by_the_register",
    "623": "test_frmr.py::test_what_the_register_held_before_is_never_deleted",
}
"""Codes of what only the register can tell, and the test of whole sessions where each arises."""

ROWS: Final = (
    ("601", drop(ONE, "snils")),
    ("601", say(ONE, "snils", "11223344500")),  # the check digits: it is …595
    ("601", say(ONE, "snils", "1122334459")),
    ("602", drop(ONE, "lastName")),
    ("603", say(ONE, "firstName", " ")),
    ("604", drop(ONE, "gender")),
    ("604", say(ONE, "gender", "3")),
    ("605", drop(ONE, "birthDate")),
    ("605", say(ONE, "birthDate", "1981-02-29T00:00:00Z")),
    ("606", drop(ONE, "citizenShipId")),
    ("607", drop(ONE, "documents")),
    ("607", drop(ONE, DOCUMENT)),
    ("607", both(drop(ONE, f"{DOCUMENT}/number"), WITHOUT_NUMBER)),
    ("607", drop(ONE, f"{DOCUMENT}/documentId")),
    ("607", drop(ONE, f"{DOCUMENT}/number")),
    ("607", drop(ONE, f"{DOCUMENT}/passDate")),
    ("607", say(ONE, f"{DOCUMENT}/passDate", "2000-03-32T00:00:00Z")),
    ("607", drop(ONE, f"{DOCUMENT}/passOrg")),
    ("611", drop(ONE, f"{CARD}/contractNumber")),
    ("611", drop(ONE, f"{CARD}/contractDate")),
    ("611", say(ONE, f"{CARD}/contractDate", "2020-13-01T00:00:00Z")),
    ("612", drop(ONE, f"{CARD}/nrPmuDepartId")),
    ("612", say(ONE, f"{CARD}/nrPmuDepartId", "терапия")),
    ("613", drop(ONE, f"{CARD}/fedPositionId")),
    ("613", drop(ONE, f"{CARD}/postId")),
    ("613", drop(ONE, f"{CARD}/positionTypeId")),
    ("614", drop(ONE, f"{CARD}/beginDate")),
    ("614", say(ONE, f"{CARD}/beginDate", "2020-01-09T25:00:00Z")),
)
"""The code that tells it and the smallest spoiling of one worker."""

GOOD: Final = {
    "a whole worker": both(),
    "СНИЛС with dashes": say(ONE, "snils", "112-233-445 95"),
    "a passport without a serial": drop(ONE, f"{DOCUMENT}/serial"),
    "a second document": add(ONE, "documents", ANOTHER.format(number="<number>2</number>")),
    "a second document without a number": WITHOUT_NUMBER,
    "a worker without a card": drop(ONE, "personCard"),
    "a date without a zone": say(ONE, "birthDate", "1980-02-29T00:00:00"),
}

WORDS: Final = load_dictionary(DICTIONARY, {})


def workers(count: int = 1) -> Scene:
    """So many good workers."""
    return scene(frm_data.persons(OID, count))


def error(code: str, worker: str) -> tuple[str, str, str]:
    """An error as operators see it."""
    return STAGE, WORDS.errors[code], f"МО: {MO}, Работник: {worker}"


@pytest.mark.parametrize(("code", "spoil"), ROWS, ids=[code for code, _ in ROWS])
def test_a_check_tells_what_is_wrong_and_nothing_else(code: str, spoil: Spoil) -> None:
    given = workers()
    spoil(given)
    assert told(run, given) == ([error(code, ONE)], False)


def test_one_snils_of_two_new_workers_is_told_of_both() -> None:
    given = workers(2)
    say(TWO, "snils", "000-000-001 00")(given)
    assert told(run, given) == ([error("608", ONE), error("608", TWO)], False)


@pytest.mark.parametrize("snils", ["", "1"])
def test_what_is_no_snils_is_not_one_that_two_workers_share(snils: str) -> None:
    given = workers(2)
    both(say(ONE, "snils", snils), say(TWO, "snils", snils))(given)
    assert told(run, given) == ([error("601", ONE), error("601", TWO)], False)


@pytest.mark.parametrize("spoil", GOOD.values(), ids=GOOD.keys())
def test_what_is_good_breaks_nothing(spoil: Spoil) -> None:
    given = workers()
    spoil(given)
    assert told(run, given) == ([], True)


def test_what_is_not_of_its_type_is_refused_at_the_door_and_by_its_own_check() -> None:
    refused = set()
    for code, spoil in ROWS:
        given = workers()
        spoil(given)
        refused |= {code} if is_refused_at_the_door(given, "frmr") else set()
    assert refused == {"605", "607", "611", "614"}


def test_every_error_of_the_dictionary_is_told_by_a_check_or_by_a_session() -> None:
    assert {code for code, _ in ROWS} | {"608"} | ELSEWHERE.keys() == WORDS.errors.keys()
    assert len(set(WORDS.errors.values())) == len(WORDS.errors)
    assert [code for code, test in ELSEWHERE.items() if not arises(test, WORDS.errors[code])] == []
