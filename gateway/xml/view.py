"""The tag–data view of a document: what «Данные пакета» shows line by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.xml.paths import Paths, local

MAX_FIELDS: Final = 5000


@dataclass(frozen=True, slots=True)
class Field:
    """One value: its path (``/Packet/Rec[3]/Sex``, ``/Packet/@id``), its tag (``Sex``, ``@id``), its text."""

    path: str
    tag: str
    value: str


def fields(element: etree._Element, limit: int = MAX_FIELDS) -> tuple[tuple[Field, ...], bool]:
    """Attributes and leaf elements in document order, at most ``limit``, and whether more were left out.

    An empty leaf is shown with an empty value; the text of an element that also has children is not a value.
    """
    paths = Paths(element)
    found: list[Field] = []
    for node in element.iter("{*}*"):
        path = paths.of(node)
        for name, value in node.attrib.items():
            tag = f"@{name.rpartition('}')[2]}"
            found.append(Field(f"{path}/{tag}", tag, value))
        if next(node.iterchildren("{*}*"), None) is None:
            found.append(Field(path, local(node), _text(node)))
        if len(found) > limit:
            return tuple(found[:limit]), True
    return tuple(found), False


def _text(leaf: etree._Element) -> str:
    return "".join(leaf.itertext()) if len(leaf) else leaf.text or ""
