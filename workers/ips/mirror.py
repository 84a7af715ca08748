"""XML ↔ JSON, name by name, as the registers mirror their own JSON.

null is an absent element; an array is an element of its name with one child per item; everything else is an
element whose text is the value. The XSD tells strings, numbers, truth values and arrays apart.

Writing JSON is strict: it refuses what the XSD does not know. Reading JSON is total: a successful answer must never
be lost because the register has a new field, so unknown names are mirrored by the regular rule, after the known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lxml import etree

from workers.ips.register import Field, Register

Element = etree._Element
Json = dict[str, Any]

ITEM: Final = "Item"
_NAME: Final = re.compile(r"[A-Za-zА-Яа-яЁё_][0-9A-Za-zА-Яа-яЁё_.-]*")
"""Names that are kept; Cyrillic letters among Latin ones do occur in these registers."""
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}
_NOTHING: Final[Mapping[str, Field]] = {}


class NotMirrored(ValueError):
    """The XML has no counterpart in JSON: an unknown element, or a value of another type. Tells the path alone."""


def to_json(element: Element, entity: str, register: Register) -> Json:
    """Turn the fields inside ``element``, an entity of the register, into a JSON object.

    Raises:
        NotMirrored: the element does not follow the XSD.
    """
    fields = register.entities[entity]
    result: Json = {}
    for child in element:
        name = str(child.tag)
        field = fields.get(name)
        if field is None or field.name in result:
            raise NotMirrored(f"{entity}/{name}")
        if not field.item:
            result[field.name] = _value(child, field, register)
        elif any(item.tag != field.item for item in child):
            raise NotMirrored(f"{entity}/{field.name}")
        else:
            result[field.name] = [_value(item, field, register) for item in child]
    return result


def from_json(parent: Element, content: Mapping[str, Any], entity: str, register: Register) -> None:
    """Append the members of a JSON object to ``parent``: known fields in the order of the XSD, then the others.

    ``entity`` may be unknown to the register; all its members are mirrored by the regular rule then.
    """
    fields = register.entities.get(entity, _NOTHING)
    for name, field in fields.items():
        if name in content:
            _append(parent, field, content[name], register)
    for name, value in content.items():
        if name not in fields and _NAME.fullmatch(name):
            item = name + ITEM if isinstance(value, list) else ""
            _append(parent, Field(name, "", required=False, item=item), value, register)


def mistyped(content: Mapping[str, Any], entity: str, register: Register, path: str = "") -> Iterator[str]:
    """Paths of the known members whose JSON type is not the one the XSD gives them."""
    for name, field in register.entities[entity].items():
        value, where = content.get(name), f"{path}/{name}"
        if value is None:
            continue
        if field.item and not isinstance(value, list):
            yield where
            continue
        for one in value if field.item else [value]:
            if not _is_of(one, field, register):
                yield where
            elif isinstance(one, dict):
                yield from mistyped(one, field.type, register, where)


def text_of(value: object) -> str:
    """Write a JSON scalar as text; characters that XML cannot hold become U+FFFD."""
    if isinstance(value, str):
        return _NOT_XML.sub("\ufffd", value)
    return json.dumps(value)


def _value(element: Element, field: Field, register: Register) -> object:
    if field.type in register.entities:
        return to_json(element, field.type, register)
    if len(element):
        raise NotMirrored(field.name)
    text = element.text or ""
    try:
        return _scalar(text, field.type)
    except (ValueError, LookupError):
        raise NotMirrored(field.name) from None


def _scalar(text: str, kind: str) -> object:
    if kind == "xs:int":
        return int(text)
    if kind == "Number":
        return float(text)
    if kind == "xs:boolean":
        return _TRUTH[text.strip()]
    return text.strip() if kind == "Instant" else text


def _append(parent: Element, field: Field, value: object, register: Register) -> None:
    if value is None:
        return
    element = etree.SubElement(parent, field.name)
    if isinstance(value, list):
        one = Field(field.item or field.name + ITEM, field.type, field.required)
        for item in value:
            _append(element, one, item, register)
    elif isinstance(value, dict):
        from_json(element, value, field.type, register)
    else:
        element.text = text_of(value)


def _is_of(value: object, field: Field, register: Register) -> bool:
    if field.type in register.entities:
        return isinstance(value, dict)
    if field.type == "xs:boolean":
        return isinstance(value, bool)
    if field.type == "xs:int":
        return isinstance(value, int) and not isinstance(value, bool)
    if field.type == "Number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)
