"""Runs and what they are judged by: dictionaries come, change and are missing; a peer holds things already."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.operations.baseline import import_baseline
from gateway.operations.organizations import named, put_organizations
from gateway.operations.reference import load_reference
from gateway.operations.source_files import Problems
from gateway.xml.canonical import content_digest
from gateway.xml.parser import parse
from tests.integration.runner.conftest import Driver
from tests.support.houses import SERVICE, House, quick_catalog
from workers.demo.region import ORGANIZATIONS, Case, Document, dictionary_files

FIRST = ORGANIZATIONS[0]
REFERRALS = [Case(FIRST, number).referral() for number in (1, 2, 3)]
NAMES = ["F002", "F003", "V002", "V006", "V014", "V020", "MKB10"]


def load_all(home: House) -> None:
    for file in dictionary_files():
        load_reference(home.engine, file.stem, file, None, who="испытание")


def load(home: House, folder: Path, name: str, codes: list[str]) -> None:
    file = folder / f"{name}.csv"
    file.write_text("code,title\n" + "".join(f"{code},имя\n" for code in codes))
    assert load_reference(home.engine, name, file, None, who="испытание") is not None


def take(home: House, *documents: Document) -> None:
    home.take((FIRST.oid, document) for document in documents)


def remarks(home: House) -> list[str | None]:
    with home.engine.connect() as connection:
        return list(connection.execute(text("SELECT remark FROM launches ORDER BY id")).scalars())


def packets(home: House) -> list[tuple[str, str]]:
    """(operation, status) of every packet, oldest first."""
    with home.engine.connect() as connection:
        rows = connection.execute(text("SELECT operation, status FROM packets ORDER BY id"))
        return [(row.operation, row.status) for row in rows]


def test_missing_dictionaries_are_told_once_per_launch_and_stop_nothing(home: House, drive: Driver) -> None:
    take(home, *REFERRALS)
    assert drive().launch() == ("SUCCESS", None)
    assert packets(home) == [("Insert", "ACCEPTED")] * 3
    load_all(home)
    drive().launch()
    assert remarks(home) == [f"Справочники не загружены: {', '.join(NAMES)}", None]


def test_the_invented_region_stands_in_its_dictionaries(home: House, drive: Driver) -> None:
    load_all(home)
    home.submit(12)
    drive().launch()
    assert home.statuses()["ACCEPTED"] > 12
    with home.engine.connect() as connection:
        refused = "SELECT path FROM packet_findings WHERE code BETWEEN '360' AND '366'"
        assert connection.execute(text(refused)).all() == []


def test_what_a_dictionary_refuses_is_due_again_when_the_dictionary_changes(
    home: House, drive: Driver, tmp_path: Path
) -> None:
    load_all(home)
    load(home, tmp_path, "MKB10", ["A09"])
    take(home, *REFERRALS)
    driven = drive()
    driven.launch()
    driven.launch()
    assert packets(home) == [("Insert", "FORM_ERROR")] * 3
    with home.engine.connect() as connection:
        found = connection.execute(text("SELECT DISTINCT code, path, message FROM packet_findings")).all()
    message = "«Диагноз основной»: кода нет в МКБ-10 на дату события."
    assert [tuple(row) for row in found] == [("362", "/Referral/DS1", message)]
    load(home, tmp_path, "MKB10", ["K35.8", "J18.9", "S72.0"])
    driven.launch()
    assert packets(home)[3:] == [("Insert", "ACCEPTED")] * 3


def lines(documents: list[Document], *, known: bool) -> str:
    """A baseline of these objects: with the hash of their content, or with a date."""
    rows = [
        f"{FIRST.oid};{d.object_type};{d.object_id};"
        + (f"{content_digest(parse(d.content or b'')).hex()};" if known else ";15.03.2026")
        for d in documents
    ]
    return "\n".join(["oid;object_type;object_id;content_hash;accepted_at", *rows])


@pytest.mark.parametrize("before", [True, False], ids=["imported-first", "submitted-first"])
def test_what_the_peer_holds_is_changed_not_added(home: House, drive: Driver, tmp_path: Path, before: bool) -> None:
    driven, file = drive(), tmp_path / "held.csv"
    take(home, REFERRALS[0], REFERRALS[1])
    driven.launch()  # the peer learns of two objects
    with home.engine.begin() as connection:  # ours forgets: a journal that begins at a region long at work
        connection.execute(text("DELETE FROM source_objects"))
    file.write_text(lines([REFERRALS[0]], known=True) + "\n" + lines([REFERRALS[1]], known=False).partition("\n")[2])
    for mine_first in (before, not before):
        if mine_first:
            import_baseline(home.engine, quick_catalog(), SERVICE, file, who="испытание")
        else:
            take(home, *REFERRALS)
    driven.launch()
    assert sorted(packets(home)[2:]) == [("Insert", "ACCEPTED"), ("Update", "ACCEPTED")]
    changed = REFERRALS[0].changed(b"<MPODR_STC>21<", b"<MPODR_STC>22<")
    take(home, changed)
    driven.launch()
    assert packets(home)[4:] == [("Update", "ACCEPTED")]
    assert changed.changed_at - REFERRALS[0].changed_at == timedelta(hours=1)


def put_code(home: House, codes: dict[str, str]) -> None:
    """Name the first МО as an administrator does."""
    given = [named("МО", FIRST.oid, FIRST.name, codes)]
    with home.engine.begin() as connection:
        put_organizations(connection, given, (), Problems("МО"), who="испытание")


def test_a_code_that_the_organization_gets_lets_its_refused_objects_be_formed(home: House, drive: Driver) -> None:
    put_code(home, {})
    take(home, *REFERRALS)
    driven = drive()
    driven.launch()
    put_code(home, {})
    driven.launch()
    assert packets(home) == [("Insert", "FORM_ERROR")] * 3, "nothing changed, nothing is formed again"
    put_code(home, {"tfoms": FIRST.code})
    driven.launch()
    assert packets(home) == [("Insert", "FORM_ERROR")] * 3 + [("Insert", "ACCEPTED")] * 3
