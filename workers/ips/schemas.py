"""Write the XSDs of ФРМО and ФРМР: strict packets, and lax source objects of the МИС.

Run ``python -m workers.ips.schemas`` in a checkout after a change of the tables in ``xsd/<register>/1.0/data``:

``fields.csv``      entities and fields as the public client of the registers declares them, unchanged
``exceptions.csv``  rows of ``fields.csv`` that are not taken as they stand, and why
``operations.csv``  operations of the registers: method, path, entity, kind of answer, parameters
``sources.csv``     source objects: the name under which the МИС submits an entity
``titles.csv``      Russian titles of fields, for findings; a name has one title in one register
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.resources import resource_dir
from gateway.xml.namespaces import XSD
from workers.ips.register import APPINFO, DO_NOT_SEND, OWN_ID, REGISTERS, VERSION

Element = etree._Element

SIMPLE: Final = {
    "string": "xs:string",
    "int": "xs:int",
    "bool": "xs:boolean",
    "double": "Number",
    "dateTime": "Instant",
}
LAX_SIMPLE: Final = {**SIMPLE, "dateTime": "xs:dateTime"}
NUMBER: Final = r"[+\-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+\-]?[0-9]+)?"
INSTANT: Final = r"[^Z]+Z"
WITHHELD: Final = frozenset({"Organization", "Department", "DepartRegRoom", "HospitalSubdivision", "DepartLab"})
"""Entities that the МИС may mark «не передавать в ФРМО»: the МО, its units and their sections."""
REFERENCES: Final = frozenset(
    {
        ("Building", "id"),
        ("DepartBuilding", "buildingId"),
        ("DepartStructure", "headDepart"),
        ("StaffDetail", "nrPmuDepartId"),
    }
)
"""Fields by which an entity names another of the same МО: the МИС may give its own id for it in ``objectId``."""


@dataclass(frozen=True, slots=True)
class Column:
    """One field of an entity. ``item`` names the elements of an array and is empty for a single value."""

    name: str
    type: str
    required: bool
    item: str = ""


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one register, read."""

    fields: Mapping[str, tuple[Column, ...]]
    operations: tuple[Mapping[str, str], ...]
    sources: Mapping[str, str]
    titles: Mapping[str, str]


def main() -> None:
    """Write the schemas of both registers into the checkout."""
    for register in REGISTERS:
        folder = resource_dir("xsd") / register / VERSION
        for name, data in generate(register).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)


def generate(register: str) -> dict[str, bytes]:
    """Make the schema files of one register, by path below its folder."""
    tables = read_tables(resource_dir("xsd") / register / VERSION / "data")
    files = {f"{register}.xsd": _write(_strict(register, tables)), "source/types.xsd": _write(_lax_types(tables))}
    for name, entity in tables.sources.items():
        files[f"source/{name}.xsd"] = _write(_lax_object(name, entity))
    return files


def read_tables(folder: Path) -> Tables:
    """Read the tables of one register; an entity has the fields of its base first.

    Raises:
        ValueError: an exception that matches no row, or a row that needs one and has none.
    """
    exceptions = {(row["entity"], row["json_name"]): row for row in _rows(folder / "exceptions.csv")}
    own: dict[str, list[Column]] = {}
    bases: dict[str, str] = {}
    for row in _rows(folder / "fields.csv"):
        exception = exceptions.pop((row["entity"], row["json_name"]), None)
        bases[row["entity"]] = row["base"]
        column = _column(row, exception)
        own.setdefault(row["entity"], []).extend([column] if column else [])
    if exceptions:
        raise ValueError(f"no such rows: {sorted(exceptions)}")

    def whole(entity: str) -> tuple[Column, ...]:
        inherited = whole(bases[entity]) if bases[entity] else ()
        return (*inherited, *own[entity])

    return Tables(
        {entity: whole(entity) for entity in sorted(own)},
        tuple(_rows(folder / "operations.csv")),
        {row["object_type"]: row["entity"] for row in _rows(folder / "sources.csv")},
        {row["name"]: row["title"] for row in _rows(folder / "titles.csv")},
    )


def _column(row: Mapping[str, str], exception: Mapping[str, str] | None) -> Column | None:
    name = exception["name"] if exception else row["json_name"]
    if exception and not name:
        return None  # nothing of its own: the entity is its base under another name
    kind = row["client_type"].removesuffix("[]")
    item = ((exception and exception["item"]) or f"{name}Item") if kind != row["client_type"] else ""
    strange = not name.isascii() or not name.isidentifier() or (item and item != row["xml_array_item"])
    if not kind or (strange and exception is None):
        raise ValueError(f"neither regular nor an exception: {row['entity']}.{row['json_name']}")
    return Column(name, kind, row["nullable_in_client"] == "no", item)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter=";")


# --- strict packets -------------------------------------------------------------------------------------------------


def _strict(register: str, tables: Tables) -> Element:
    schema = _schema({"frmo": "Пакеты ФРМО", "frmr": "Пакеты ФРМР"}[register])
    for operation in tables.operations:
        _operation(schema, operation, tables.titles)
    for entity in tables.fields:
        _add(schema, "element", name=entity, type=entity)
    for entity, columns in tables.fields.items():
        sequence = _add(_add(schema, "complexType", name=entity), "sequence")
        for column in columns:
            _field(sequence, column, tables.titles, SIMPLE)
    _error_type(schema)
    _restriction(schema, "Number", "xs:double", "Число. Бесконечность и NaN не передаются.", NUMBER)
    _restriction(schema, "Instant", "xs:dateTime", "Дата и время UTC, например 2023-11-21T00:00:00Z.", INSTANT)
    return schema


def _operation(schema: Element, row: Mapping[str, str], titles: Mapping[str, str]) -> None:
    element = _add(schema, "element", name=row["operation"])
    annotation = _document(element, row["title"])
    http = {key: row[key] for key in ("method", "path", "entity", "answer", "addressing") if row[key]}
    etree.SubElement(_add(annotation, "appinfo", source=APPINFO), f"{{{APPINFO}}}http", http, nsmap={None: APPINFO})
    choice = _add(_add(element, "complexType"), "choice")
    request = _inside(choice, "request")
    parameters = _inside(request, "parameters")
    for parameter in row["parameters"].split():
        name, _, kind = parameter.removesuffix("?").partition(":")
        column = Column(name, kind or "string", not parameter.endswith("?"))
        _field(parameters, column, titles, SIMPLE)
    if row["method"] in {"POST", "PUT"}:
        _add(request, "element", name="content", type=row["entity"])
    _response(choice, row["answer"], row["entity"])
    _add(choice, "element", name="error", type="ErrorAnswer")


def _response(choice: Element, answer: str, entity: str) -> None:
    response = _inside(choice, "response")
    _add(response, "element", name="requestId", type="xs:string")
    _add(response, "element", name="errorUserMessage", type="xs:string", minOccurs="0")
    counts = {"paged": ("offset", "limit", "total"), "list": ("total",)}
    for count in counts.get(answer, ()):
        _add(response, "element", name=count, type="xs:int", minOccurs="0")
    if answer in {"one", "created"}:
        kind = entity if answer == "one" else "Entity"
        _add(response, "element", name="content", type=kind, minOccurs="0")
    elif answer in counts:
        content = _inside(response, "content", minOccurs="0")
        _add(content, "element", name="contentItem", type=entity, minOccurs="0", maxOccurs="unbounded")


def _error_type(schema: Element) -> None:
    sequence = _add(_add(schema, "complexType", name="ErrorAnswer"), "sequence")
    for name, kind, least in (
        ("timestamp", "xs:string", "0"),
        ("code", "xs:int", "1"),
        ("reasonPhrase", "xs:string", "0"),
        ("message", "xs:string", "0"),
    ):
        _add(sequence, "element", name=name, type=kind, minOccurs=least)


# --- lax source objects ---------------------------------------------------------------------------------------------


def _lax_types(tables: Tables) -> Element:
    schema = _schema("Исходные объекты МИС: все поля необязательны, порядок любой")
    for entity, columns in tables.fields.items():
        kind = _add(schema, "complexType", name=entity)
        fields = _add(kind, "all")
        for column in columns:
            simple = LAX_SIMPLE | ({"string": "Reference"} if (entity, column.name) in REFERENCES else {})
            _field(fields, Column(column.name, column.type, False, column.item), tables.titles, simple)
        if entity in WITHHELD:
            flag = _add(kind, "attribute", name=DO_NOT_SEND, type="xs:boolean")
            _document(flag, "Не передавать в ФРМО")
    if any((entity, column.name) in REFERENCES for entity, columns in tables.fields.items() for column in columns):
        _reference_type(schema)
    _restriction(schema, "Number", "xs:double", "Число. Бесконечность и NaN не передаются.", NUMBER)
    return schema


def _reference_type(schema: Element) -> None:
    kind = _add(schema, "complexType", name="Reference")
    _document(kind, "Идентификатор в регистре; пока его нет — objectId записи в МИС")
    extension = _add(_add(kind, "simpleContent"), "extension", base="xs:string")
    _document(_add(extension, "attribute", name=OWN_ID, type="xs:string"), "Идентификатор записи в МИС")


def _lax_object(name: str, entity: str) -> Element:
    schema = _schema(f"Исходный объект {name}")
    _add(schema, "include", schemaLocation="types.xsd")
    _add(schema, "element", name=name, type=entity)
    return schema


# --- pieces of a schema ---------------------------------------------------------------------------------------------


def _field(parent: Element, column: Column, titles: Mapping[str, str], simple: Mapping[str, str]) -> None:
    kind = simple.get(column.type, column.type)
    least = {} if column.required else {"minOccurs": "0"}
    if not column.item:
        element = _add(parent, "element", name=column.name, type=kind, **least)
        _document(element, titles.get(column.name))
        return
    element = _add(parent, "element", name=column.name, **least)
    _document(element, titles.get(column.name))
    sequence = _add(_add(element, "complexType"), "sequence")
    _add(sequence, "element", name=column.item, type=kind, minOccurs="0", maxOccurs="unbounded")


def _inside(parent: Element, name: str, **attributes: str) -> Element:
    """Add an element with a sequence of its own, and return the sequence."""
    return _add(_add(_add(parent, "element", name=name, **attributes), "complexType"), "sequence")


def _restriction(schema: Element, name: str, base: str, title: str, pattern: str) -> None:
    kind = _add(schema, "simpleType", name=name)
    _document(kind, title)
    _add(_add(kind, "restriction", base=base), "pattern", value=pattern)


def _document(element: Element, title: str | None) -> Element:
    annotation = etree.Element(f"{{{XSD}}}annotation")
    if title:
        element.insert(0, annotation)
        documentation = _add(annotation, "documentation")
        documentation.set("{http://www.w3.org/XML/1998/namespace}lang", "ru")
        documentation.text = title
    return annotation


def _schema(title: str) -> Element:
    schema = etree.Element(f"{{{XSD}}}schema", nsmap={"xs": XSD}, version=VERSION)
    _document(schema, title)
    return schema


def _add(parent: Element, tag: str, **attributes: str) -> Element:
    return etree.SubElement(parent, f"{{{XSD}}}{tag}", attributes)


def _write(schema: Element) -> bytes:
    etree.indent(schema)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + etree.tostring(schema, encoding="utf-8") + b"\n"


if __name__ == "__main__":
    main()
