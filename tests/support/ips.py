"""Packets of ФРМО and ФРМР for tests: hand-written samples, and the smallest whole entity of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from lxml import etree

from gateway.xml.parser import parse
from workers.ips.mirror import from_json
from workers.ips.register import REGISTERS, Field, Operation, Register, load

Element = etree._Element

OID: Final = "1.2.643.5.1.13.13.12.2.99.1"
CLIENT: Final = "11111111-2222-4333-8444-555555555555"
SNILS: Final = "00000000112"
SAMPLES: Final = sorted((Path(__file__).parents[1] / "samples" / "ips").glob("*.xml"))
OPERATIONS: Final = [operation for name in REGISTERS for operation in load(name).operations.values()]
VALUES: Final[dict[str, Any]] = {
    "xs:string": "слово",
    "xs:int": 7,
    "xs:boolean": True,
    "Number": 2.5,
    "Instant": "2023-11-21T00:00:00Z",
}


def sample(operation: str) -> Element:
    return parse(next(path for path in SAMPLES if path.stem == operation).read_bytes())


def smallest(entity: str, register: Register) -> dict[str, Any]:
    """The entity as JSON with nothing but what it must have; an array that must be there is empty."""
    return {f.name: _value(f, register) for f in register.entities[entity].values() if f.required}


def whole(entity: str, register: Register) -> dict[str, Any]:
    """The entity as JSON with every field of its own; an array has one item."""
    fields = register.entities[entity].values()
    return {f.name: [_one(f, register)] if f.item else _one(f, register) for f in fields}


def packet(operation: str, parameters: dict[str, str], content: dict[str, Any] | None = None) -> Element:
    register = next(load(name) for name in REGISTERS if operation in load(name).operations)
    root = etree.Element(operation)
    request = etree.SubElement(root, "request")
    place = etree.SubElement(request, "parameters")
    for name, text in parameters.items():
        etree.SubElement(place, name).text = text
    if content is not None:
        from_json(etree.SubElement(request, "content"), content, register.operations[operation].entity, register)
    return root


def smallest_packet(operation: Operation) -> Element:
    texts = {"xs:string": "1", "xs:int": "1", "xs:boolean": "true", "Instant": VALUES["Instant"]}
    parameters = {f.name: texts[f.type] for f in operation.parameters.values() if f.required}
    content = smallest(operation.entity, load(operation.register)) if operation.has_content else None
    return packet(operation.name, parameters, content)


def texts(element: Element, path: str) -> list[str]:
    return [found.text or "" for found in element.iterfind(path)]


def _value(field: Field, register: Register) -> Any:
    return [] if field.item else _one(field, register)


def _one(field: Field, register: Register) -> Any:
    return VALUES[field.type] if field.type in VALUES else smallest(field.type, register)
