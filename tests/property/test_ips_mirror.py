"""XML → JSON → XML and back: nothing that a register can say is lost or changed on the way."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.xml.canonical import content_digest, serialize
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from tests.support.ips import SAMPLES, VALUES, packet
from workers.ips.mirror import ITEM, NotMirrored, from_json, mistyped, to_json
from workers.ips.register import REGISTERS, Field, Register, load

WORDS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFFF, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r<>&'\"]"),
    max_size=12,
).filter(lambda text: not any(ord(c) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(c) <= 0xFDEF for c in text))
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "xs:string": WORDS,
    "xs:int": st.integers(-(2**31), 2**31 - 1),
    "xs:boolean": st.booleans(),
    "Number": st.floats(allow_nan=False, allow_infinity=False),
    "Instant": st.datetimes().map(lambda moment: moment.strftime("%Y").zfill(4) + moment.strftime("-%m-%dT%H:%M:%SZ")),
}
KINDS = [(name, entity) for name in REGISTERS for entity in load(name).entities if entity != "ErrorAnswer"]
NAMES = st.text(string.ascii_letters, min_size=1, max_size=8)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def values(field: Field, register: Register) -> st.SearchStrategy[Any]:
    one = SCALARS[field.type] if field.type in SCALARS else entities(field.type, register)
    return st.lists(one, max_size=2) if field.item else one


@st.composite
def entities(draw: st.DrawFn, entity: str, register: Register) -> dict[str, Any]:
    """An entity with what it must have and at most three fields more."""
    fields = list(register.entities[entity].values())
    extra = draw(st.sets(st.integers(0, len(fields) - 1), max_size=3)) if fields else set()
    chosen = [field for number, field in enumerate(fields) if field.required or number in extra]
    return {field.name: draw(values(field, register)) for field in chosen}


@st.composite
def somethings(draw: st.DrawFn) -> tuple[Register, str, dict[str, Any]]:
    name, entity = draw(st.sampled_from(KINDS))
    return load(name), entity, draw(entities(entity, load(name)))


@given(somethings())
@settings(max_examples=150)
def test_json_through_xml_comes_back_the_same(case: tuple[Register, str, dict[str, Any]]) -> None:
    register, entity, content = case
    root = etree.Element("content")
    from_json(root, content, entity, register)
    root = parse(serialize(root))
    back = to_json(root, entity, register)
    assert json.loads(json.dumps(back)) == content
    assert list(mistyped(back, entity, register)) == []
    again = etree.Element("content")
    from_json(again, back, entity, register)
    assert content_digest(again) == content_digest(root)


@given(somethings())
@settings(max_examples=60)
def test_what_comes_out_of_json_follows_the_schema(case: tuple[Register, str, dict[str, Any]]) -> None:
    register, entity, content = case
    root = etree.Element(entity)
    from_json(root, content, entity, register)
    assert validate(parse(serialize(root)), register.schema) == ()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_a_packet_through_json_comes_back_the_same(path: Path) -> None:
    root = parse(path.read_bytes())
    content = root.find("request/content")
    assert content is not None
    register = load("frmr" if path.stem.startswith("mr_") else "frmo")
    back = packet(path.stem, {}, to_json(content, register.operations[path.stem].entity, register))
    for element in content.iter():
        if len(element):
            element.text = None
        element.tail = None
    assert content_digest(back[0][1]) == content_digest(content)


@given(st.dictionaries(NAMES | st.text(max_size=3), ANYTHING, max_size=4))
@settings(max_examples=150)
def test_no_answer_is_too_strange_to_be_kept(content: dict[str, Any]) -> None:
    root = etree.Element("content")
    from_json(root, content, "Building", load("frmo"))
    assert parse(serialize(root)).tag == "content"


@pytest.mark.parametrize("name", ["", "A²", "a b", "1a", "-", "a:b", "xmlns:a", "\x00", "\ud800"], ids=ascii)
def test_a_name_that_xml_cannot_hold_is_left_out(name: str) -> None:
    root = etree.Element("content")
    from_json(root, {name: 1, "accreditationРrocedureId": 2}, "Building", load("frmo"))
    assert [child.tag for child in parse(serialize(root))] == ["accreditationРrocedureId"]


def test_unknown_members_are_mirrored_after_the_known() -> None:
    root = etree.Element("content")
    from_json(root, {"new": {"inner": [1, None, "два"]}, "buildYear": 1978}, "Building", load("frmo"))
    assert serialize(root).decode().partition("<content>")[2] == (
        f"<buildYear>1978</buildYear><new><inner><inner{ITEM}>1</inner{ITEM}>"
        f"<inner{ITEM}>два</inner{ITEM}></inner></new></content>"
    )


@pytest.mark.parametrize(
    "text",
    [
        "<c><выдумка/></c>",
        "<c><buildYear>давно</buildYear></c>",
        "<c><hasTrouble>нет</hasTrouble></c>",
        "<c><buildYear>1</buildYear><buildYear>2</buildYear></c>",
        "<c><floors><floor/></floors></c>",
        "<c><buildName><b/></buildName></c>",
    ],
)
def test_xml_that_the_schema_does_not_know_is_not_guessed_at(text: str) -> None:
    with pytest.raises(NotMirrored):
        to_json(parse(text.encode()), "Building", load("frmo"))


@pytest.mark.parametrize(
    ("member", "path"),
    [
        ({"buildYear": "1978"}, "/buildYear"),
        ({"buildYear": True}, "/buildYear"),
        ({"hasTrouble": 1}, "/hasTrouble"),
        ({"buildingArea": "2.5"}, "/buildingArea"),
        ({"buildName": 5}, "/buildName"),
        ({"floors": {}}, "/floors"),
        ({"floors": [{"floorId": 1}]}, "/floors/floorId"),
        ({"buildingAddress": "тут"}, "/buildingAddress"),
    ],
)
def test_values_of_another_json_type_are_told_by_their_path(member: dict[str, Any], path: str) -> None:
    assert list(mistyped(member, "Building", load("frmo"))) == [path]


def test_the_strategies_know_every_simple_type() -> None:
    kinds = {f.type for name in REGISTERS for fields in load(name).entities.values() for f in fields.values()}
    simple = {kind for kind in kinds if kind not in load("frmo").entities and kind not in load("frmr").entities}
    assert simple <= set(SCALARS) == set(VALUES)
