"""The XSDs of ФРМО and ФРМР: written from their tables, whole, and judged alike by two implementations."""

from __future__ import annotations

import csv
import io
from functools import cache
from pathlib import Path

import pytest
import xmlschema
from lxml import etree

from gateway.resources import resource_dir
from gateway.xml.canonical import serialize
from gateway.xml.namespaces import XSD
from gateway.xml.parser import parse
from gateway.xml.schemas import describe, validate
from tests.support.ips import OPERATIONS, SAMPLES, packet, sample, smallest, smallest_packet, whole
from workers.ips.checking import findings
from workers.ips.register import DO_NOT_SEND, REGISTERS, VERSION, Operation, load
from workers.ips.schemas import SIMPLE, WITHHELD, generate, read_tables

Element = etree._Element

FOLDERS = {register: resource_dir("xsd") / register / VERSION for register in REGISTERS}
LAX = [
    (register, path.stem) for register in REGISTERS for path in sorted((FOLDERS[register] / "source").glob("[A-Z]*"))
]
WRITING = [operation for operation in OPERATIONS if operation.has_content]


def rows(register: str, table: str) -> list[dict[str, str]]:
    with (FOLDERS[register] / "data" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


@cache
def second_opinion(register: str) -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(load(register).schema)


def valid(register: str, root: Element) -> bool:
    """The verdict, on which both implementations agree."""
    verdict = not validate(root, load(register).schema)
    assert verdict == second_opinion(register).is_valid(io.BytesIO(serialize(root))), root.tag
    return verdict


def source(register: str, name: str) -> Path:
    return FOLDERS[register] / "source" / f"{name}.xsd"


@pytest.mark.parametrize("register", REGISTERS)
def test_writing_the_schemas_again_changes_nothing(register: str) -> None:
    folder = FOLDERS[register]
    committed = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.xsd")}
    assert committed == generate(register)


@pytest.mark.parametrize("register", REGISTERS)
def test_every_row_of_the_source_is_in_the_schema(register: str) -> None:
    exceptions = {(row["entity"], row["json_name"]) for row in rows(register, "exceptions")}
    entities = load(register).entities
    for row in rows(register, "fields"):
        if (row["entity"], row["json_name"]) in exceptions:
            continue
        field = entities[row["entity"]][row["json_name"]]
        kind = row["client_type"].removesuffix("[]")
        assert (field.type, field.item) == (SIMPLE.get(kind, kind), row["xml_array_item"])
        assert field.required == (row["nullable_in_client"] == "no")


def test_the_exceptions_are_those_known_of_the_source() -> None:
    found = [row for register in REGISTERS for row in rows(register, "exceptions")]
    assert all(row["reason"] for row in found)
    frmo, frmr = load("frmo").entities, load("frmr").entities
    assert frmo["Organization"]["lands"].item == "landItem"
    assert frmo["Organization"]["eoOrgType"].type == "EducationalOrganizationType"
    assert frmo["EducationalOrganizationType"]["orgType"].type == "xs:string"
    assert frmo["PostFedCode"] == frmo["BaseCodeNameItem"]
    assert frmr["EducationCommon"]["profCourseSet"].item == "profCourseSetItem"
    assert frmr["OmsMark"]["accreditationProcedureId"].type == "xs:string"
    assert sum(1 for row in found if not row["name"]) == 6


@pytest.mark.parametrize(
    ("table", "line"),
    [("fields", "Tpgg;;с.точкой;int;no;\n"), ("exceptions", "Tpgg;нет;нет;;выдумано\n")],
)
def test_a_table_that_does_not_fit_stops_the_writing(tmp_path: Path, table: str, line: str) -> None:
    for path in (FOLDERS["frmo"] / "data").iterdir():
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(text + (line if path.stem == table else ""), encoding="utf-8")
    with pytest.raises(ValueError, match="Tpgg"):
        read_tables(tmp_path)


def test_an_entity_has_the_fields_of_its_base_first() -> None:
    person, full = load("frmr").entities["Person"], load("frmr").entities["FullPerson"]
    assert list(full)[: len(person)] == list(person)
    assert list(load("frmr").entities["PersonDocument"])[:3] == ["documentId", "serial", "number"]


def test_no_two_operations_share_a_name_or_a_call() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)
def test_the_smallest_packet_of_every_operation_is_valid(operation: Operation) -> None:
    assert valid(operation.register, smallest_packet(operation))


@pytest.mark.parametrize("operation", WRITING, ids=lambda o: o.name)
def test_a_packet_without_any_one_required_field_is_not(operation: Operation) -> None:
    for name in smallest(operation.entity, load(operation.register)):
        root = smallest_packet(operation)
        content = root.find("request/content")
        assert content is not None
        content.remove(next(child for child in content if child.tag == name))
        assert len(validate(root, load(operation.register).schema)) == 1, name


@pytest.mark.parametrize("register", REGISTERS)
def test_every_entity_with_all_its_fields_is_valid(register: str) -> None:
    described = load(register)
    for operation in described.operations.values():
        if operation.has_content:
            parameters = {str(p.tag): p.text or "" for p in smallest_packet(operation).iterfind("request/parameters/*")}
            assert valid(register, packet(operation.name, parameters, whole(operation.entity, described)))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_samples_are_valid(path: Path) -> None:
    root = parse(path.read_bytes())
    assert root.tag == path.stem
    assert valid("frmr" if path.stem.startswith("mr_") else "frmo", root)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("beginDate", "1978-11-01T00:00:00"),
        ("beginDate", "1978-11-01"),
        ("beginDate", "1978-11-31T00:00:00Z"),
        ("buildYear", "1978.5"),
        ("buildingArea", "NaN"),
        ("buildingArea", "-INF"),
        ("hasTrouble", "нет"),
        ("buildingAddress/latitude", ""),
    ],
)
def test_a_wrong_value_is_found_in_its_place(path: str, text: str) -> None:
    root = sample("mo_building.create")
    element = root.find(f"request/content/{path}")
    assert element is not None
    element.text = text
    assert not valid("frmo", root)
    (finding,) = validate(root, load("frmo").schema)
    assert finding.path == f"/mo_building.create/request/content/{path}"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("buildYear", "Год постройки (buildYear): обязательное поле не заполнено."),
        ("buildingAddress/address/GARguid", "Идентификатор адреса в ГАР (GARguid): обязательное поле не заполнено."),
        ("floors/floorsItem/floor", "floor: обязательное поле не заполнено."),
    ],
)
def test_a_missing_field_is_called_by_its_title(path: str, told: str) -> None:
    root = sample("mo_building.create")
    element = root.find(f"request/content/{path}")
    assert element is not None
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)
    (finding,) = findings(root, load("frmo").operations["mo_building.create"])
    place = path.rpartition("/")[0]
    assert (finding.path, finding.message) == (f"/mo_building.create/request/content/{place}".rstrip("/"), told)


@pytest.mark.parametrize("operation", WRITING, ids=lambda o: o.name)
def test_missing_fields_are_all_told_and_only_when_the_schema_is_broken(operation: Operation) -> None:
    assert findings(smallest_packet(operation), operation) == ()
    root = smallest_packet(operation)
    content = root.find("request/content")
    assert content is not None
    del content[:]
    required = sum(field.required for field in load(operation.register).entities[operation.entity].values())
    assert len(findings(root, operation)) == required


@pytest.mark.parametrize("register", REGISTERS)
def test_every_title_belongs_to_a_field(register: str) -> None:
    names = {str(name) for name in parse(load(register).schema.read_bytes()).xpath("//@name")}
    titles = {row["name"]: row["title"] for row in rows(register, "titles")}
    assert set(titles) <= names
    assert titles.items() <= describe(load(register).schema).items()


@pytest.mark.parametrize(("register", "name"), LAX, ids=lambda v: v)
def test_the_door_takes_an_object_with_nothing_filled_in(register: str, name: str) -> None:
    assert validate(etree.Element(name), source(register, name)) == ()


@pytest.mark.parametrize(("register", "name"), LAX, ids=lambda v: v)
def test_the_door_takes_fields_in_any_order_and_refuses_strange_ones(register: str, name: str) -> None:
    entity = {row["object_type"]: row["entity"] for row in rows(register, "sources")}[name]
    operation = next(o for o in WRITING if o.register == register and o.entity in {entity, entity.removeprefix("Full")})
    root = packet(operation.name, {}, whole(entity, load(register))).find("request/content")
    assert root is not None
    root.tag = name
    root[:] = reversed(root)
    assert validate(parse(serialize(root)), source(register, name)) == ()
    etree.SubElement(root, "выдумка").text = "1"
    assert len(validate(parse(serialize(root)), source(register, name))) == 1


def test_the_door_refuses_a_value_of_another_type_and_another_object() -> None:
    root = etree.Element("Building")
    etree.SubElement(root, "buildYear").text = "давно"
    assert len(validate(root, source("frmo", "Building"))) == 1
    assert len(validate(etree.Element("Staff"), source("frmo", "Building"))) == 1


def test_what_is_not_to_be_sent_is_marked_on_the_mo_its_units_and_their_sections() -> None:
    types = parse((FOLDERS["frmo"] / "source" / "types.xsd").read_bytes())
    marked = {
        kind.get("name")
        for kind in types.iterchildren(f"{{{XSD}}}complexType")
        if kind.find(f"{{{XSD}}}attribute[@name='{DO_NOT_SEND}']") is not None
    }
    assert marked == WITHHELD
    assert validate(etree.Element("Department", {DO_NOT_SEND: "true"}), source("frmo", "Department")) == ()
