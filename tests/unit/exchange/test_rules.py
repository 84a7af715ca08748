"""Words that rules of several exchanges are made of: what is blank, unreadable or not loaded keeps them silent."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from gateway.xml.parser import parse
from tests.support.dictionaries import Books
from workers.exchange import (
    NO_REFERENCE,
    Finding,
    Job,
    Lookup,
    Operation,
    Organization,
    about,
    filled_in,
    funds,
    later,
    line_of,
    unknown_codes,
    value,
    wrong_snils,
)

SOURCE = parse(
    b"<Referral>\n<NOM_NAP> 1\n 2 </NOM_NAP>\n<PERS>\n<FAM>x</FAM>\n<IM> </IM>\n</PERS><!-- y --></Referral>"
)
LOOKUP = Lookup("1", ("A",), "DS1", "MKB10", funds.DIAGNOSIS, lambda values: "W" in values)


def test_fields_are_read_with_their_blanks_folded_and_groups_only_by_what_is_in_them() -> None:
    assert value(SOURCE.find("NOM_NAP")) == "1 2"
    assert (value(SOURCE.find("PERS")), value(None)) == ("", "")
    assert filled_in(SOURCE) == {"NOM_NAP": "1 2"}
    assert filled_in(SOURCE, "PERS", "OTHER") == {"NOM_NAP": "1 2", "PERS": "", "PERS/FAM": "x"}
    assert funds.values_of(SOURCE) == {"NOM_NAP": "1 2", "PERS": "", "PERS/FAM": "x"}


@pytest.mark.parametrize(("path", "line"), [("NOM_NAP", 2), ("PERS/FAM", 5), ("PERS/OT", 4), ("DR", 1), ("DR/X", 1)])
def test_a_finding_stands_on_the_line_of_its_field_or_of_the_nearest_above_it(path: str, line: int) -> None:
    assert line_of(SOURCE, path) == line


def test_a_finding_calls_its_field_by_the_title_and_quotes_nothing() -> None:
    told = about({"FAM": "Фамилия"}, SOURCE, "/Referral", "PERS/FAM", "7", "не та")
    assert told == Finding("/Referral/PERS/FAM", 5, "7", "«Фамилия»: не та.")


@pytest.mark.parametrize(
    ("one", "other", "broken"),
    [("2026-01-02", "2026-01-01", True), ("2026-01-01", "2026-01-01", False), ("2026-01-02", "вчера", False)],
)
def test_dates_are_compared_when_both_can_be_read(one: str, other: str, broken: bool) -> None:
    assert later("A", "B")({"A": one, "B": other}) is broken
    assert later("A", "B")({"A": one}) is False
    assert later("A", "B")({"B": other}) is False


def test_a_snils_that_is_absent_breaks_nothing() -> None:
    assert wrong_snils("PERS/SNILS")({"PERS/SNILS": "112-233-445 96"})
    assert not wrong_snils("PERS/SNILS")({"PERS/SNILS": "112-233-445 95"})
    assert not wrong_snils("PERS/SNILS")({})


def test_a_code_is_looked_up_when_it_looks_like_one_and_its_dictionary_is_loaded() -> None:
    day = date(2026, 3, 1)
    assert list(unknown_codes([LOOKUP], {"DS1": "I20.0", "W": "1"}, Books("MKB10"), day)) == [LOOKUP]
    assert not list(unknown_codes([LOOKUP], {"DS1": "I20.0", "W": "1"}, NO_REFERENCE, day))
    assert not list(unknown_codes([LOOKUP], {"DS1": "I20.0"}, Books("MKB10"), day))
    assert not list(unknown_codes([LOOKUP], {"DS1": "грипп", "W": "1"}, Books("MKB10"), day))


def test_without_a_code_of_the_fund_nothing_can_be_built() -> None:
    def job(code: str) -> Job:
        organization = Organization(1, "1.2", "Учебная больница", {"tfoms": code})
        moment = datetime(2026, 3, 1, tzinfo=UTC)
        return Job(UUID(int=1), "A", Operation.INSERT, "1", organization, moment, SOURCE)

    assert funds.no_code(job("340001"), "301") == ()
    assert [(found.path, found.code) for found in funds.no_code(job(""), "301")] == [("/Referral", "301")]


def test_contents_mark_what_may_be_absent() -> None:
    assert funds.names("A B? C*") == ("A", "B", "C")
    assert funds.required("A B? C*") == ("A",)
    assert funds.HOSPITALISATION_TITLES.items() >= funds.TITLES.items()
    assert not [title for title in funds.HOSPITALISATION_TITLES.values() if re.search("[A-Za-z]", title)]
