"""Entities in normal form: what the МИС writes in many ways and the register in one can be compared as text."""

from __future__ import annotations

import pytest
from lxml import etree

from workers.ips.normal import normal_text, normalise
from workers.ips.register import load


@pytest.mark.parametrize(
    ("kind", "text", "normal"),
    [
        ("Instant", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("Instant", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z"),
        ("Instant", "2026-01-01T03:00:00+03:00", "2026-01-01T00:00:00Z"),
        ("Instant", " 2026-01-01T00:00:00.5Z ", "2026-01-01T00:00:00.500000Z"),
        ("Instant", "вчера", "вчера"),
        ("xs:boolean", "1", "true"),
        ("xs:boolean", "false", "false"),
        ("xs:boolean", "да", "да"),
        ("xs:int", "+007", "7"),
        ("xs:int", "1.5", "1.5"),
        ("Number", "22.50", "22.5"),
        ("Number", "5", "5.0"),
        ("xs:string", " 007 ", " 007 "),
    ],
)
def test_a_value_is_written_in_one_way(kind: str, text: str, normal: str) -> None:
    assert normal_text(text, kind) == normal


def test_fields_stand_in_the_order_of_the_schema_without_what_it_does_not_know() -> None:
    source = etree.fromstring("<Staff><beginDate/><новое/><staffNum>1</staffNum><staffId>7</staffId></Staff>")
    normal = normalise(etree.Element("content"), source, "Staff", load("frmo"))
    assert [child.tag for child in normal] == ["staffId", "staffNum", "beginDate"]


def test_withheld_sections_are_left_out_and_names_of_other_objects_stay() -> None:
    source = etree.fromstring(
        '<Department><departStructure><headDepart objectId="d-1"/></departStructure><departLabs>'
        '<departLabsItem doNotSend="true"/><departLabsItem doNotSend="0"><labOid>1</labOid></departLabsItem>'
        "</departLabs></Department>"
    )
    normal = normalise(etree.Element("content"), source, "Department", load("frmo"))
    assert [lab.findtext("labOid") for lab in normal.iterfind("departLabs/departLabsItem")] == ["1"]
    head = normal.find("departStructure/headDepart")
    assert head is not None
    assert dict(head.attrib) == {"objectId": "d-1"}


def test_an_empty_name_of_another_object_names_nothing() -> None:
    source = etree.fromstring('<Building><id objectId="">7</id></Building>')
    (own_id,) = normalise(etree.Element("content"), source, "Building", load("frmo"))
    assert (own_id.text, dict(own_id.attrib)) == ("7", {})
