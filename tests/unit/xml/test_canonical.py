from __future__ import annotations

import pytest

from gateway.domain.errors import InvalidXml
from gateway.xml.canonical import canonical, content_digest, serialize
from gateway.xml.parser import parse, parse_text

DOCUMENT = '<p:r xmlns:p="urn:a" b="1" a="2"><p:x>Ж&lt;</p:x></p:r>'


@pytest.mark.parametrize(
    "same",
    [
        '<p:r a="2" b="1" xmlns:p="urn:a"><p:x>Ж&lt;</p:x></p:r>',
        "<p:r xmlns:p='urn:a' xmlns:unused='urn:b' b='1'\n a='2'><p:x><![CDATA[Ж<]]></p:x></p:r>",
        '<!-- c --><p:r xmlns:p="urn:a" b="1" a="2"><!-- c --><p:x>Ж<!-- c -->&#60;</p:x></p:r>',
    ],
)
def test_digest_is_of_the_content(same: str) -> None:
    assert content_digest(parse_text(same)) == content_digest(parse_text(DOCUMENT))


def test_digest_sees_a_changed_value() -> None:
    digest = content_digest(parse_text(DOCUMENT))

    assert len(digest) == 32
    assert digest != content_digest(parse_text(DOCUMENT.replace("Ж", "З")))


def test_digest_of_a_part_is_that_of_the_part_alone() -> None:
    whole = parse(b'<e xmlns="urn:e"><r xmlns="urn:r"><x/></r> tail</e>')

    assert canonical(whole[0]) == b'<r xmlns="urn:r"><x></x></r>'


def test_digest_needs_absolute_namespace_names() -> None:
    with pytest.raises(InvalidXml, match="относительной"):
        content_digest(parse(b'<r xmlns="relative"/>'))


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251"])
def test_serialized_document_reads_back(encoding: str) -> None:
    root = parse_text("<e><r>Ж ☃ \U000e0001</r> tail</e>")[0]

    data = serialize(root, encoding=encoding)

    assert data.startswith(b"<?xml version='1.0' encoding='" + encoding.encode())
    assert b"tail" not in data
    assert content_digest(parse(data)) == content_digest(root)
