"""Versions of dictionaries: the same twice is one, each day has its version, and a worker holds what counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import Connection, Engine, text

from gateway.domain.dictionaries import EVER, Entry
from gateway.domain.errors import InvalidRequest
from gateway.journal import reference
from workers.runs.reference import Library

SPRING, SUMMER, AUTUMN = date(2026, 3, 1), date(2026, 6, 1), date(2026, 9, 1)
OLD = [Entry("97", "терапии"), Entry("4", "закрытый", None, date(2025, 12, 31))]
NEW = [Entry("97", "терапии, новое имя"), Entry("162", "оториноларингологии")]


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as opened:
        yield opened


def stored(connection: Connection) -> tuple[int, int]:
    """How many versions and entries there are."""
    counts = "SELECT (SELECT count(*) FROM reference_versions), (SELECT count(*) FROM reference_entries)"
    return tuple(connection.execute(text(counts)).one())


def test_the_same_entries_twice_are_one_version(connection: Connection) -> None:
    made = reference.put_version(connection, "V002", EVER, OLD)
    assert made is not None
    assert (made.entries, made.valid_from) == (2, EVER)
    assert reference.put_version(connection, "V002", EVER, OLD) is None
    assert stored(connection) == (1, 2)
    assert list(reference.entries_of(connection, made.id)) == OLD


def test_a_version_that_comes_back_is_a_version_of_its_own(connection: Connection) -> None:
    for entries in (OLD, NEW, OLD):
        assert reference.put_version(connection, "V002", EVER, entries) is not None
    (counts,) = reference.versions_that_count(connection, ["V002"])
    assert list(reference.entries_of(connection, counts.id)) == OLD
    assert len(reference.list_versions(connection, "V002")) == 3


def test_a_file_that_turns_out_wrong_leaves_nothing(connection: Connection) -> None:
    def spoilt() -> Iterator[Entry]:
        yield from OLD
        raise InvalidRequest("строка 4: выдуманная ошибка")

    with connection.begin(), pytest.raises(InvalidRequest), connection.begin_nested():
        reference.put_version(connection, "V002", EVER, spoilt())
    assert stored(connection) == (0, 0)


def test_each_day_is_judged_by_the_version_in_force_on_it(connection: Connection) -> None:
    reference.put_version(connection, "V002", SPRING, OLD)
    reference.put_version(connection, "V002", AUTUMN, NEW)
    shelf = Library().open(connection, ["V002"])
    assert [shelf.has("V002", "162", day) for day in (date(2026, 2, 28), SPRING, SUMMER, AUTUMN)] == [
        None,
        False,
        False,
        True,
    ]
    assert [shelf.title("V002", "097", day) for day in (SUMMER, AUTUMN)] == ["терапии", "терапии, новое имя"]
    assert shelf.has("V002", "4", SPRING) is False
    assert shelf.title("V002", "162", SUMMER) is None
    assert shelf.missing == ()


def test_what_is_not_loaded_is_told_and_answers_nothing(connection: Connection) -> None:
    reference.put_version(connection, "V020", EVER, NEW)
    shelf = Library().open(connection, ["V002", "V020", "MKB10"])
    assert shelf.remark == "Справочники не загружены: V002, MKB10"
    assert shelf.has("V002", "97", SPRING) is None
    assert shelf.title("V002", "97", SPRING) is None
    assert shelf.has("V020", "97", SPRING) is True


def test_the_digest_changes_with_what_counts_and_only_then(connection: Connection) -> None:
    def digest(*names: str) -> str:
        return Library().open(connection, names).digest

    assert digest() == ""
    seen = [digest("V002")]
    for valid_from, entries in ((EVER, OLD), (SPRING, OLD), (EVER, NEW), (EVER, OLD)):
        reference.put_version(connection, "V002", valid_from, entries)
        seen.append(digest("V002"))
    assert seen[4] == seen[2]
    assert len({*seen}) == 4
    reference.put_version(connection, "V020", EVER, OLD)
    assert digest("V002") == seen[4]


def test_a_version_is_read_once_and_let_go_when_it_no_longer_counts(connection: Connection) -> None:
    reference.put_version(connection, "V002", EVER, OLD)
    library = Library()
    before = library.open(connection, ["V002"])
    connection.execute(text("DELETE FROM reference_entries"))
    assert library.open(connection, ["V002"]).has("V002", "97", SPRING) is True
    reference.put_version(connection, "V002", EVER, NEW)
    assert library.open(connection, ["V002"]).has("V002", "162", SPRING) is True
    assert before.has("V002", "162", SPRING) is False


def test_a_long_dictionary_comes_back_whole(connection: Connection) -> None:
    entries = [Entry(f"A{n}", f"имя {n}", extra={"id_parent": str(n)}) for n in range(12_000)]
    made = reference.put_version(connection, "MKB10", EVER, entries)
    assert made is not None
    assert list(reference.entries_of(connection, made.id)) == entries
