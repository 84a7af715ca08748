"""Two libraries that judge by one schema: single mistakes of a document, and whether both think the same of them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import xmlschema
from lxml import etree

from gateway.xml.canonical import serialize
from gateway.xml.namespaces import XSD
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.exchange import Element

BLANK: Final = ("", " \u00a0")
TWICE, ABSENT = "twice", "absent"


def spoilt(document: bytes, texts: Iterable[str] = BLANK, *, groups: bool = False) -> Iterator[tuple[str, Element]]:
    """The document with one leaf of another text, doubled or taken away; with ``groups`` also one group of the last."""
    for position, each in enumerate(parse(document).iter()):
        if len(each) and not groups:
            continue
        for way in (*(() if len(each) else texts), TWICE, ABSENT):
            root = parse(document)
            target = list(root.iter())[position]
            parent = target.getparent()
            if parent is None:
                continue
            if way == TWICE:
                target.addnext(parse(etree.tostring(target, with_tail=False)))
            elif way == ABSENT:
                parent.remove(target)
            else:
                target.text = way
            yield f"{target.tag!s} {way!r}", root


def refused_alike(path: Path, document: bytes, mistakes: Iterable[tuple[str, Element]]) -> int:
    """How many of these libxml2 and xmlschema refuse: they agree on each, and take the document as it is."""
    schema = xmlschema.XMLSchema(path)
    assert validate(parse(document), path) == ()
    refused = 0
    for what, root in mistakes:
        verdict = validate(root, path) == ()
        assert verdict == schema.is_valid(io.BytesIO(serialize(root))), what
        refused += not verdict
    return refused


def untitled(paths: Iterable[Path]) -> list[tuple[str, str]]:
    """File and name of whatever the schemas declare without a title; there must be schemas."""
    files = list(paths)
    assert files
    kinds = [f"{{{XSD}}}{kind}" for kind in ("element", "simpleType", "complexType")]
    return [
        (path.name, name)
        for path in files
        for declared in etree.parse(path).iter(*kinds)
        if (name := declared.get("name")) is not None and declared.find(f"{{{XSD}}}annotation") is None
    ]
