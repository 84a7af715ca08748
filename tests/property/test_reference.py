"""Dictionaries and baselines for any content: what is written comes back, and the journal decides as the rule does."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from sqlalchemy import Connection, Engine, text

from gateway.domain.dictionaries import DICTIONARIES, EVER, Entry
from gateway.domain.repeats import UNKNOWN_CONTENT, ObjectState, Step, next_step, operation_for
from gateway.domain.statuses import Operation
from gateway.journal import baseline, reference
from gateway.journal.baseline import Held
from gateway.operations.reference_files import read_entries
from tests.support.journaling import RULES, SERVICE, TYPE, add_organizations, arrival, digest, due, submit
from workers.runs.reference import Library

WORDS = st.text(st.characters(codec="cp1251", exclude_categories=["Cc", "Zs", "Cf"]), min_size=1, max_size=12)
DAYS = st.dates(date(1990, 1, 1), date(2099, 12, 31))
PERIODS = st.tuples(st.none() | DAYS, st.none() | DAYS).map(
    lambda pair: pair if None in pair else tuple(sorted(d for d in pair if d))
)
ENTRIES = st.lists(
    st.builds(lambda code, title, period: Entry(code, title, *period), WORDS, WORDS, PERIODS), min_size=1, max_size=20
)
COLUMNS = ("smocod", "nam_smok", "d_begin", "d_end")


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as opened:
        yield opened


def rows(entries: list[Entry]) -> list[dict[str, str]]:
    return [
        dict(zip(COLUMNS, (e.code, e.title, str(e.valid_from or ""), str(e.valid_to or "")), strict=True))
        for e in entries
    ]


def as_table(entries: list[Entry], delimiter: str, encoding: str) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows(entries))
    return out.getvalue().encode(encoding)


def as_xml(entries: list[Entry]) -> bytes:
    root = etree.Element("packet")
    for row in rows(entries):
        record = etree.SubElement(root, "insCompany")
        for name, value in row.items():
            etree.SubElement(record, name.upper()).text = value
    return etree.tostring(root, encoding="windows-1251", xml_declaration=True)


@given(ENTRIES, st.sampled_from("\t;,"), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_what_is_written_in_any_shape_is_read(
    tmp_path: Path, entries: list[Entry], delimiter: str, encoding: str
) -> None:
    file = tmp_path / "F002"
    shapes = (as_table(entries, delimiter, encoding), as_xml(entries), json.dumps({"list": rows(entries)}).encode())
    for content in shapes:
        file.write_bytes(content)
        assert list(read_entries(file, DICTIONARIES["F002"])) == entries


@settings(max_examples=25)
@given(ENTRIES, st.lists(DAYS, min_size=1, max_size=5))
def test_a_worker_answers_as_the_entries_say(connection: Connection, entries: list[Entry], days: list[date]) -> None:
    reference.put_version(connection, "F002", EVER, entries)
    shelf = Library().open(connection, ["F002"])
    for day in days:
        for code in {entry.code for entry in entries} | {"нет такого"}:
            holding = [e.title for e in entries if e.code == code and e.holds(day)]
            assert shelf.has("F002", code, day) is bool(holding)
            assert shelf.title("F002", code, day) == (holding[0] if holding else None)
    connection.rollback()


CONTENTS = st.sampled_from(["одно", "другое"])
HELD = st.none() | CONTENTS.map(digest) | st.just(UNKNOWN_CONTENT)


@settings(max_examples=30)
@given(st.lists(st.tuples(CONTENTS, HELD, st.booleans()), min_size=1, max_size=30))
def test_a_baseline_makes_due_what_the_rule_makes_due(
    connection: Connection, objects: list[tuple[str, bytes | None, bool]]
) -> None:
    """Whether an object is submitted before the baseline or after it makes no difference."""
    (organization,) = add_organizations(connection, 1)
    arrivals = [arrival(str(n), content) for n, (content, _, _) in enumerate(objects)]
    submit(connection, organization, *(a for a, (_, _, early) in zip(arrivals, objects, strict=True) if early))
    held = [Held(f"{n}", organization, TYPE, str(n), hashed) for n, (_, hashed, _) in enumerate(objects) if hashed]
    baseline.stage(connection, held)
    baseline.apply(connection, SERVICE, organization)
    submit(connection, organization, *(a for a, (_, _, early) in zip(arrivals, objects, strict=True) if not early))
    found = {one.object_id: one.operation for one in due(connection)}
    expected = {}
    for n, (content, hashed, _) in enumerate(objects):
        state = ObjectState(digest(content), hashed, None, None, None, held=False, repeat_requested=False, closed=False)
        if next_step(state, RULES) is Step.FORM:
            expected[str(n)] = operation_for(digest(content), hashed)
    assert found == expected
    assert set(found.values()) <= {Operation.INSERT, Operation.UPDATE}
    assert connection.execute(text("SELECT count(*) FROM baseline_objects")).scalar_one() == 0
    connection.rollback()
