"""A long document is read child by child, whole children only, within limits, whatever it is made of."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

import pytest
from lxml import etree

from gateway.domain.errors import InvalidXml, TooLarge
from gateway.xml.limits import XmlLimits
from gateway.xml.stream import read_children

SMALL = XmlLimits(max_bytes=100_000, max_depth=3, max_elements=1000)


def texts(data: bytes, root: str = "r") -> list[str]:
    return [etree.tostring(child, encoding="unicode") for child in read_children(io.BytesIO(data), root)]


def test_children_come_whole_and_without_what_stands_between_them() -> None:
    data = b'<?xml version="1.0"?><!-- c --><r a="1">\n<v>1</v> text <u><w/>x<!-- c --></u><?pi?><v/></r>'
    assert texts(data) == ["<v>1</v>", "<u><w/>x</u>", "<v/>"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1251"])
def test_the_encoding_is_the_documents_own(encoding: str) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    assert texts(f'<?xml version="1.0" encoding="{declared}"?><р><ц>УЦ</ц></р>'.encode(encoding), "р") == ["<ц>УЦ</ц>"]


def test_a_child_keeps_the_namespaces_of_the_root() -> None:
    (child,) = read_children(io.BytesIO(b'<r xmlns:x="urn:x"><u x:nil="true"/></r>'), "r")
    assert child.get("{urn:x}nil") == "true"


def test_an_empty_root_has_no_children() -> None:
    assert texts(b"<r/>") == []
    assert texts(b"<r> </r>") == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "правильным"),
        (b"<html><r><u/></r></html>", "Корневой элемент"),
        (b"<other><u/></other>", "Корневой элемент"),
        (b"<!DOCTYPE r [<!ENTITY a 'ha'>]><r><u>&a;</u></r>", "DOCTYPE"),
        (b"<r><u>&undeclared;</u></r>", "сущность"),
        (b"<r><u/><u>", "оборвался"),
        (b"<r><u></v></r>", "Закрывающий тег"),
        (b"<r><a><b><c><d/></c></b></a></r>", "Вложенность"),
        (b'<?xml version="1.0" encoding="UTF-7"?><r/>', "Кодировка"),
        (b'<?xml version="1.0" encoding="windows-1251"?><r>\x98</r>', "Байты"),
    ],
)
def test_what_is_no_document_of_the_root_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidXml) as refusal:
        list(read_children(io.BytesIO(data), "r", SMALL))
    assert reason in refusal.value.findings[0].message


def test_what_was_read_before_a_break_was_whole() -> None:
    stream = io.BytesIO(b"<r>" + b"<u>whole</u>" * 10_000 + b"<u>" + b"x" * 100_000)
    read: list[str | None] = []
    with pytest.raises(InvalidXml):
        read.extend(child.text for child in read_children(stream, "r"))
    assert read == ["whole"] * 10_000


@pytest.mark.parametrize("inner", [b"<t>" + b"x" * 50_000 + b"</t>", b"<a/>" * 5000], ids=["bytes", "elements"])
def test_one_child_that_grows_beyond_its_limit_is_refused_before_it_ends(inner: bytes) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return (b"<r><u>" if not self.taken else b"") + self._more(size)

        taken = 0

        def _more(self, size: int) -> bytes:
            self.taken += 1
            assert self.taken < 100, "nobody stopped reading"
            return inner * (1 + size // len(inner))

    with pytest.raises(TooLarge):
        list(read_children(Endless(), "r", SMALL))  # type: ignore[arg-type] # only read() is asked of a stream


def test_the_whole_may_be_limited_too() -> None:
    def take(stream: BinaryIO) -> Iterator[str]:
        for child in read_children(stream, "r", max_bytes=150_000):
            yield str(child.tag)

    with pytest.raises(TooLarge):
        list(take(io.BytesIO(b"<r>" + b"<u/>" * 50_000 + b"</r>")))
