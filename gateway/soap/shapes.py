"""Shapes of the wire: what a dataclass of the operations looks like in XML.

One reading of the dataclasses serves everything that must agree: the published types, the reader of requests, the
writers of answers. Nothing here knows of Spyne or lxml.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from enum import Enum, StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from gateway.domain.errors import ConfigurationError
from gateway.operations.records import Page
from gateway.soap import vocabulary


class Scalar(Enum):
    """Kinds of a value that is one text on the wire."""

    TEXT = str
    UUID = UUID
    INTEGER = int
    BOOLEAN = bool
    INSTANT = datetime
    DATE = date
    BINARY = bytes


@dataclass(frozen=True, slots=True)
class Choice:
    """A code of a list; only a ``closed`` list, which can never grow, is published as an enumeration.

    A client generated from today's list would choke on tomorrow's code.
    """

    name: str
    documentation: str
    codes: type[StrEnum]
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Listed:
    """A wrapper element with items in the singular."""

    name: str
    documentation: str
    item: str
    of: Kind


@dataclass(frozen=True, slots=True)
class Element:
    """One child element: ``attribute`` names the dataclass field, ``name`` the element."""

    attribute: str
    name: str
    documentation: str
    kind: Kind
    required: bool


@dataclass(frozen=True, slots=True)
class Record:
    """An element with children, and the dataclass it stands for."""

    name: str
    documentation: str
    made_of: type
    elements: tuple[Element, ...]


Kind = Scalar | Choice | Listed | Record


def camel(name: str) -> str:
    """Turn ``snake_case`` into ``lowerCamelCase``."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


@cache
def record(made_of: type) -> Record:
    """Shape of a dataclass whose fields are annotated with their documentation.

    Raises:
        ConfigurationError: a field has a type or a name the wire has no form for.
    """
    return _record(made_of, vocabulary.TYPE_NAMES.get(made_of, made_of.__name__), {})


@cache
def listing(items: str, of: type) -> Record:
    """Shape of one page of a list: the items under their own name, the cursor and the total."""
    kind = _listed(vocabulary.ITEMS[items], record(of), "")
    return _record(Page, f"{of.__name__}Page", {"items": (camel(items), kind)})


def _record(made_of: type, name: str, given: Mapping[str, tuple[str, Kind]]) -> Record:
    hints = get_type_hints(made_of, include_extras=True)
    elements = []
    for field in fields(made_of):
        bare, text = _unpack(hints[field.name])
        text = vocabulary.FIELDS.get((made_of, field.name), text)
        if not text:
            raise ConfigurationError(f"{made_of.__name__}.{field.name}: нет описания для WSDL")
        optional = NoneType in get_args(bare) and get_origin(bare) in (Union, UnionType)
        defaulted = field.default is not MISSING or field.default_factory is not MISSING
        element, kind = given.get(field.name) or (camel(field.name), _kind(made_of, field.name, bare, text))
        elements.append(Element(field.name, element, text, kind, not (optional or defaulted)))
    return Record(name, _documentation(made_of), made_of, tuple(elements))


def _unpack(hint: Any) -> tuple[Any, str]:
    if get_origin(hint) is Annotated:
        bare, text, *_ = get_args(hint)
        return bare, str(text)
    return hint, ""


def _kind(owner: type, field: str, bare: Any, text: str) -> Kind:
    if get_origin(bare) in (Union, UnionType):
        (bare,) = (one for one in get_args(bare) if one is not NoneType)
    if get_origin(bare) is tuple:
        item = vocabulary.ITEMS.get(field)
        if item is None:
            raise ConfigurationError(f"{owner.__name__}.{field}: нет имени элемента списка")
        return _listed(item, _kind(owner, field, get_args(bare)[0], text), text)
    if bare in Scalar._value2member_map_:
        return Scalar(bare)
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return Choice(bare.__name__, _documentation(bare), bare, bare not in vocabulary.GROWING)
    return record(bare)


def _listed(item: str, of: Kind, text: str) -> Listed:
    """Shape of a list: a record describes itself, anything else is described by the field that holds it."""
    name = of.name if isinstance(of, Record) else _pascal(item)
    return Listed(f"{name}Array", f"Список: {of.documentation}" if isinstance(of, Record) else text, item, of)


def _documentation(made_of: type) -> str:
    return vocabulary.TYPES.get(made_of) or (made_of.__doc__ or "").strip().splitlines()[0]
