"""Entities in normal form: fields in the order of the XSD, every value written in one way.

What the МИС submits and what a register answers can then be compared as text. Fields that the XSD does not know, and
what the МИС marks «не передавать», are left out. Where the МИС names another of its objects, that name stays. A value
that is not of its type stays as it is: the XSD refuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from workers.ips.register import DO_NOT_SEND, OWN_ID, Register

Element = etree._Element

_TRUTH: Final = {"true": "true", "1": "true", "false": "false", "0": "false"}


def normalise(place: Element, content: Element, entity: str, register: Register) -> Element:
    """Append to ``place`` the fields of ``content``, an entity of the register, in normal form; returns ``place``."""
    given = {child.tag: child for child in content}
    for name, field in register.entities[entity].items():
        found = given.get(name)
        if found is None:
            continue
        target = etree.SubElement(place, name)
        if not field.item:
            _value(target, found, field.type, register)
            continue
        for item in found:
            if item.tag == field.item and _TRUTH.get(item.get(DO_NOT_SEND, "").strip()) != "true":
                _value(etree.SubElement(target, field.item), item, field.type, register)
    return place


def _value(target: Element, found: Element, kind: str, register: Register) -> None:
    if kind in register.entities:
        normalise(target, found, kind, register)
    else:
        target.text = normal_text(found.text or "", kind)
        if named := found.get(OWN_ID):  # an empty one names nothing
            target.set(OWN_ID, named)


def normal_text(text: str, kind: str) -> str:
    """Write a value of one of the XSD's simple types in its normal form."""
    write = _WRITERS.get(kind)
    if write is None:
        return text
    try:
        return write(text.strip())
    except (ValueError, OverflowError, KeyError):
        return text


def _instant(text: str) -> str:
    """A moment in UTC; one without a zone is in UTC already."""
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")


_WRITERS: Final[dict[str, Callable[[str], str]]] = {
    "xs:int": lambda text: str(int(text)),
    "xs:boolean": lambda text: _TRUTH[text],
    "Number": lambda text: repr(float(text)),
    "Instant": _instant,
}
