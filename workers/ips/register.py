"""The registers as their XSDs describe them: entities with typed fields, operations with methods and paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.resources import resource_dir
from gateway.xml.limits import XmlLimits
from gateway.xml.namespaces import XSD
from gateway.xml.parser import parse

Element = etree._Element

REGISTERS: Final = ("frmo", "frmr")
VERSION: Final = "1.0"
APPINFO: Final = "urn:service-journal:ips:1"
"""Source and namespace of the annotation that gives an operation its HTTP method and path."""

DO_NOT_SEND: Final = "doNotSend"
"""Attribute by which the МИС marks an entity «не передавать в ФРМО»."""
OWN_ID: Final = "objectId"
"""Attribute by which the МИС names another of its objects where the register has given it no id yet."""

LIMITS: Final = XmlLimits(max_bytes=32 * 1024 * 1024, max_depth=64, max_elements=500_000)
"""Of packets, answers and the schemas themselves: the bounds of one document of either register."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an entity or a parameter. ``item`` names the elements of an array, else it is empty.

    ``type`` is xs:string, xs:int, xs:boolean, Number, Instant, or the name of an entity.
    """

    name: str
    type: str
    required: bool
    item: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a register; its name is the root element of its packets and answers.

    ``path`` is relative to the base address and may hold one parameter in braces. ``answer`` is one of one, list,
    paged, created, done. ``addressing`` is the rule by which ФРМР finds a person: A, B, CARD, NEW, or empty.
    """

    name: str
    register: str
    method: str
    path: str
    entity: str
    answer: str
    addressing: str
    parameters: Mapping[str, Field]

    @property
    def writes(self) -> bool:
        """Whether it changes the register."""
        return self.method != "GET"

    @property
    def has_content(self) -> bool:
        """Whether an entity goes with the request."""
        return self.method in {"POST", "PUT"}


@dataclass(frozen=True, slots=True)
class Register:
    """One register."""

    name: str
    schema: Path
    entities: Mapping[str, Mapping[str, Field]]
    operations: Mapping[str, Operation]


@cache
def load(name: str) -> Register:
    """Read the schema of a register; the result is shared, do not change it.

    Raises:
        OSError: the schema is not there.
    """
    path = resource_dir("xsd") / name / VERSION / f"{name}.xsd"
    root = parse(path.read_bytes(), LIMITS)
    entities = {
        kind.get("name", ""): _fields(kind.find(f"{{{XSD}}}sequence"))
        for kind in root.iterchildren(f"{{{XSD}}}complexType")
    }
    operations = {}
    for element in root.iterchildren(f"{{{XSD}}}element"):
        http = element.find(f"{{{XSD}}}annotation/{{{XSD}}}appinfo/{{{APPINFO}}}http")
        if http is not None:
            operation = _operation(name, element, http)
            operations[operation.name] = operation
    return Register(name, path, entities, operations)


def find_operation(name: str) -> Operation | None:
    """Find an operation of either register by its name."""
    return next((load(r).operations[name] for r in REGISTERS if name in load(r).operations), None)


def _operation(register: str, element: Element, http: Element) -> Operation:
    parameters = element.find(f".//{{{XSD}}}element[@name='parameters']/{{{XSD}}}complexType/{{{XSD}}}sequence")
    return Operation(
        element.get("name", ""),
        register,
        http.get("method", ""),
        http.get("path", ""),
        http.get("entity", ""),
        http.get("answer", ""),
        http.get("addressing", ""),
        _fields(parameters),
    )


def _fields(sequence: Element | None) -> dict[str, Field]:
    fields = {}
    for element in () if sequence is None else sequence.iterchildren(f"{{{XSD}}}element"):
        name, required = element.get("name", ""), element.get("minOccurs") != "0"
        item = element.find(f"{{{XSD}}}complexType/{{{XSD}}}sequence/{{{XSD}}}element")
        if item is None:
            fields[name] = Field(name, element.get("type", ""), required)
        else:
            fields[name] = Field(name, item.get("type", ""), required, item.get("name", ""))
    return fields
