"""Files of Алькона: header, numbering, places of findings; the field tables beside the schemas."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from lxml import etree

from gateway.resources import resource_dir
from gateway.xml.namespaces import XSD
from gateway.xml.parser import parse
from gateway.xml.schemas import describe, validate
from workers.demo.parts import alkona_data
from workers.demo.region import ORGANIZATIONS
from workers.exchange import Element, Frame, Job, MissingSourceData, Operation, Organization
from workers.exchanges.alkona import fields, form

SCHEMAS = resource_dir("xsd") / "alkona" / "1.0"
MO = Organization(1, "1.2.643.5.1.13.13.12.2.34.1", "Учебная больница", {"tfoms": "340001"})
NOWHERE = Organization(2, "1.2.643.5.1.13.13.12.2.34.9", "Без кода", {})
MOMENT = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
MADE = {"DEP": alkona_data.branches, "DN": alkona_data.observations, "PRF": alkona_data.plans}
GROUP = UUID(int=8)


def job(kind: str, organization: Organization = MO, number: int = 1, operation: Operation = Operation.INSERT) -> Job:
    (made,) = MADE[kind](ORGANIZATIONS[0], 1, number)
    return Job(UUID(int=7), kind, operation, made[1], organization, MOMENT, parse(made[2]))


def around(kind: str, position: int = 2, size: int = 5, number: int = 17) -> Frame:
    return Frame(UUID(int=7), kind, Operation.UPDATE, MO, MOMENT, GROUP, position, size, number)


def header(root: Element) -> dict[str, str | None]:
    return {str(child.tag): child.text for child in root[0]}


@pytest.mark.parametrize("kind", MADE)
def test_a_file_tells_of_itself_and_counts_its_records(kind: str) -> None:
    root = form.frame(around(kind), [form.record(job(kind, number=n)) for n in (1, 2, 3)])
    told = header(root)
    assert told["FILENAME"] == f"{kind}M340001T34_26123100017" == form.name(around(kind))
    assert (told["N_PACK"], told["K_PACK"], told["SD_Z"]) == ("2", "5", "3")
    assert (told["OPER"], told["CODE_MO"], told["GRP_ID"]) == ("Update", "340001", str(GROUP))
    assert told.get("YEAR") == ("2026" if kind == "PRF" else None)
    assert [record.findtext("N_ZAP") for record in root[1:]] == ["1", "2", "3"]
    assert validate(root, SCHEMAS / f"{kind}.xsd") == ()


def test_a_record_left_out_leaves_no_gap() -> None:
    root = form.frame(around("DN"), [form.record(job("DN", number=n)) for n in (1, 2, 3)])
    again = form.frame(around("DN"), [root[1], root[3]])
    assert [record.findtext("N_ZAP") for record in again[1:]] == ["1", "2"]
    assert header(again)["SD_Z"] == "2"


def test_a_delete_repeats_what_was_submitted() -> None:
    gone = form.record(job("PRF", operation=Operation.DELETE))
    assert etree.tostring(gone) == etree.tostring(form.record(job("PRF")))


def test_without_a_code_of_the_organization_there_is_no_file() -> None:
    with pytest.raises(MissingSourceData) as caught:
        form.record(job("DN", NOWHERE))
    assert [(f.code, f.path) for f in caught.value.findings] == [("401", "/DispensaryObservation")]


def test_a_place_in_the_file_is_named_as_in_the_source() -> None:
    assert form.locate(job("DN"), "/ZL_LIST/ZAP/DN[2]/DIAG_CODE") == "/DispensaryObservation/DN[2]/DIAG_CODE"
    assert form.locate(job("DN"), "/ZL_LIST/ZGLV/CODE_MO") == "/ZL_LIST/ZGLV/CODE_MO"


def declared(kind: str, type_name: str) -> tuple[list[str], list[str]]:
    """Elements of a type of the packet schema, and those of them that must be there."""
    for name in (f"{kind}.xsd", "types.xsd"):
        found = etree.parse(SCHEMAS / name).findall(f"{{{XSD}}}complexType[@name='{type_name}']/*/{{{XSD}}}element")
        if found:
            every = [str(each.get("name")) for each in found]
            return every, [str(each.get("name")) for each in found if each.get("minOccurs") is None]
    raise AssertionError(type_name)


TYPES = {"PERS": "Pers", "INF": "Inf", "SV_PL_MER": "PlannedEvent"}


@pytest.mark.parametrize("kind", MADE)
def test_the_field_tables_say_what_the_schemas_say(kind: str) -> None:
    every, must = declared(kind, "Zap")
    assert (("N_ZAP", *fields.RECORDS[kind]), ("N_ZAP", *fields.REQUIRED_OF_RECORD[kind])) == (
        tuple(every),
        tuple(must),
    )
    waiting = [name for name in every if name in fields.GROUPS]
    while waiting:
        group = waiting.pop()
        inner, needed = declared(kind, TYPES.get(group, group.capitalize()))
        assert (fields.GROUPS[group], fields.REQUIRED_OF_GROUP[group]) == (tuple(inner), tuple(needed))
        waiting += [name for name in inner if name in fields.GROUPS]


def test_titles_are_those_of_the_schemas_where_these_have_one() -> None:
    titles = {name: title for kind in MADE for name, title in describe(SCHEMAS / f"{kind}.xsd").items()}
    ours = fields.TITLES
    known = {name for name in ours if name in titles} - {"ADRES", "MONTH"}  # the headers have another month
    assert {name: ours[name] for name in known} == {name: titles[name] for name in known}
    assert {name for content in fields.GROUPS.values() for name in content} <= ours.keys()
