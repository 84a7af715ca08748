"""Our writers and Spyne's own serialisation make the same document of the same records."""

from __future__ import annotations

import dataclasses
from datetime import UTC
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.errors import ConfigurationError
from gateway.soap.contract import SERVICES
from gateway.soap.reader import read
from gateway.soap.shapes import Choice, Kind, Listed, Record, Scalar, record
from gateway.soap.spyne_shim import Soap11
from gateway.soap.wire import WireTypes
from gateway.soap.writers import writer
from gateway.xml.parser import parse_text
from gateway.xml.text import escape, writable

NAMESPACE = "urn:test"
TYPES = WireTypes(NAMESPACE)
ANSWERS = {operation.answer.name: operation.answer for service in SERVICES for operation in service.operations}
REQUESTS = {operation.name: operation.request for service in SERVICES for operation in service.operations}

SCALARS: dict[Scalar, st.SearchStrategy[Any]] = {
    Scalar.TEXT: st.text(alphabet=st.characters()) | st.sampled_from(["]]>", "\r\n", "\x00", "\ufffe", "<&\"'>", " "]),
    Scalar.UUID: st.uuids(),
    Scalar.INTEGER: st.integers(-(2**31), 2**31 - 1),
    Scalar.BOOLEAN: st.booleans(),
    Scalar.INSTANT: st.datetimes(timezones=st.just(UTC)),
    Scalar.DATE: st.dates(),
    Scalar.BINARY: st.binary(max_size=60),
}


def values(kind: Kind) -> st.SearchStrategy[Any]:
    if isinstance(kind, Scalar):
        return SCALARS[kind]
    if isinstance(kind, Choice):
        return st.sampled_from(list(kind.codes))
    if isinstance(kind, Listed):
        return st.lists(values(kind.of), max_size=3).map(tuple)
    parts = {
        part.attribute: values(part.kind) if part.required else st.none() | values(part.kind) for part in kind.elements
    }
    return st.builds(kind.made_of, **parts)


def spyne_value(kind: Kind, value: Any) -> Any:
    """The same value as Spyne's object layer wants it, characters that XML cannot carry already replaced."""
    if value is None:
        return None
    if isinstance(kind, Record):
        members = {part.name: spyne_value(part.kind, getattr(value, part.attribute)) for part in kind.elements}
        return TYPES.of(kind)(**members)
    if isinstance(kind, Listed):
        return TYPES.of(kind)(**{kind.item: [spyne_value(kind.of, item) for item in value]})
    if isinstance(kind, Choice):
        return getattr(TYPES.of(kind), value) if kind.closed else str(value)
    if kind is Scalar.TEXT:
        return writable(value)
    if kind is Scalar.UUID:
        return str(value)
    return [value] if kind is Scalar.BINARY else value


def by_spyne(shape: Record, value: Any) -> etree._Element:
    parent = etree.Element("parent")
    Soap11().to_parent(None, TYPES.of(shape), spyne_value(shape, value), parent, NAMESPACE, "result")
    return parent[0]


def tree(element: etree._Element) -> Any:
    """Names and texts of a document, with moments in one spelling: Spyne writes UTC as +00:00 and we as Z."""
    text = element.text or ""
    if text.endswith("+00:00") and "T" in text:
        text = text.removesuffix("+00:00") + "Z"
    return element.tag, text, [tree(child) for child in element]


@pytest.mark.parametrize("name", ANSWERS)
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_writers_agree_with_spyne(name: str, data: st.DataObject) -> None:
    shape = ANSWERS[name]
    value = data.draw(values(shape))
    ours = parse_text(f'<result xmlns="{NAMESPACE}">{writer(shape)(value)}</result>')
    theirs = parse_text(etree.tostring(by_spyne(shape, value), encoding="unicode"))
    assert tree(ours) == tree(theirs)


@pytest.mark.parametrize("name", REQUESTS)
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_is_written_is_read_back(name: str, data: st.DataObject) -> None:
    shape = REQUESTS[name]
    value = data.draw(values(shape))

    def passed_on(request: Any) -> Any:
        return read(shape, parse_text(f'<{name} xmlns="{NAMESPACE}">{writer(shape)(request)}</{name}>'))

    taken = passed_on(value)  # absent fields have their defaults now, and unwritable characters are gone
    assert type(taken) is shape.made_of
    assert passed_on(taken) == taken


@given(st.text(alphabet=st.characters()))
def test_any_text_becomes_character_data(text: str) -> None:
    assert (parse_text(f"<a>{escape(text)}</a>").text or "") == writable(text)


def test_unwritable_characters_are_replaced() -> None:
    assert escape("a\x00\x1f\ufffe\ud800\tб\r") == "a\ufffd\ufffd\ufffd\ufffd\tб&#13;"


def test_a_field_without_a_description_is_refused() -> None:
    made = dataclasses.make_dataclass("Made", [("field", str)])
    with pytest.raises(ConfigurationError, match="field"):
        record(made)
