"""Reading requests: a validated element becomes the dataclass of its shape.

The schema has judged form and order already; what a schema cannot say is judged here: zones, identifiers.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date
from typing import Any, Final
from uuid import UUID

from lxml import etree

from gateway.domain.errors import Finding, InvalidRequest
from gateway.soap.shapes import Choice, Element, Kind, Listed, Record, Scalar
from gateway.xml.instants import parse_instant
from gateway.xml.messages import listed_values
from gateway.xml.paths import Paths, local

CODE: Final = "VALUE"
_UUID_LENGTH: Final = 36
_NO_BLANKS: Final = dict.fromkeys(map(ord, " \t\r\n"))
_TEXTS: Final = (Scalar.TEXT, Scalar.UUID)


def read(shape: Record, element: etree._Element) -> Any:
    """Make the dataclass of ``shape`` from an element valid by the service's schema.

    Raises:
        InvalidRequest: an identifier or a moment is none, with a finding that names the place and not the value.
    """
    try:
        return _record(shape, element)
    except _Misread as misread:
        place = misread.element
        finding = Finding(Paths(element).of(place), place.sourceline, CODE, misread.expected)
        raise InvalidRequest("Запрос содержит недопустимые значения.", (finding,)) from None


class _Misread(Exception):
    """A value that is not what its place expects."""

    def __init__(self, element: etree._Element, expected: str) -> None:
        super().__init__(expected)
        self.element = element
        self.expected = expected


def _record(shape: Record, element: etree._Element) -> Any:
    children = {local(child): child for child in element}
    given = (part for part in shape.elements if part.name in children and not _left_out(part, children[part.name]))
    return shape.made_of(**{part.attribute: _value(part.kind, children[part.name]) for part in given})


def _left_out(part: Element, element: etree._Element) -> bool:
    """Tell whether an optional text is given empty, as toolkits do that cannot leave it out: a key or a filter of no
    characters is never meant."""
    return not part.required and part.kind in _TEXTS and not element.text


def _value(kind: Kind, element: etree._Element) -> Any:
    if isinstance(kind, Record):
        return _record(kind, element)
    if isinstance(kind, Listed):
        return tuple(_value(kind.of, item) for item in element)
    text = element.text or ""
    try:
        return kind.codes(text) if isinstance(kind, Choice) else _SCALARS[kind](text)
    except (ValueError, InvalidRequest):
        raise _Misread(element, _expected(kind)) from None


def _expected(kind: Choice | Scalar) -> str:
    return f"Допустимые значения: {listed_values(tuple(kind.codes))}." if isinstance(kind, Choice) else _EXPECTED[kind]


def _uuid(text: str) -> UUID:
    text = text.strip()
    if len(text) != _UUID_LENGTH:
        raise ValueError
    return UUID(text)


def _binary(text: str) -> bytes:
    """Only what XML calls white space may stand between the characters; libxml2 passes over any others."""
    return base64.b64decode(text.translate(_NO_BLANKS), validate=True)


_SCALARS: Final[dict[Scalar, Callable[[str], Any]]] = {
    Scalar.TEXT: str,
    Scalar.UUID: _uuid,
    Scalar.INTEGER: int,
    Scalar.BOOLEAN: lambda text: text.strip() in {"true", "1"},
    Scalar.INSTANT: parse_instant,
    Scalar.DATE: date.fromisoformat,
    Scalar.BINARY: _binary,
}

_EXPECTED: Final[dict[Scalar, str]] = {
    Scalar.UUID: "Ожидается идентификатор вида 00000000-0000-0000-0000-000000000000.",
    Scalar.INTEGER: "Ожидается целое число.",
    Scalar.INSTANT: "Ожидаются дата и время с часовым поясом, например 2026-01-31T09:30:00+03:00.",
    Scalar.DATE: "Ожидается дата, например 2026-01-31.",
    Scalar.BINARY: "В base64 есть посторонние знаки: допустимы A–Z, a–z, 0–9, +, /, в конце = и между ними пробелы.",
}
