"""A long document read child by child: what its root holds, one part at a time, in flat memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from lxml import etree

from gateway.domain.errors import TooLarge
from gateway.xml.limits import DOCUMENT_LIMITS, XmlLimits
from gateway.xml.parser import invalid, syntax_error
from gateway.xml.records import MAX_BYTES, utf8_chunks

Element = etree._Element

PART_LIMITS: Final = DOCUMENT_LIMITS
"""One child of the root is as large as one document may be."""


def read_children(
    stream: BinaryIO, root_tag: str, limits: XmlLimits = PART_LIMITS, *, max_bytes: int = MAX_BYTES
) -> Iterator[Element]:
    """Yield the children of the root one by one, each whole, cut out of the document and forgotten after it.

    ``limits`` are those of one child, with the child's own depth counted from 1; ``max_bytes`` is that of the whole
    document. Encodings are those of ``parse``; no DTD, no entities, no network; comments and processing instructions
    are dropped. Children are yielded before the end of the document is seen, so it may still turn out to be broken.

    Raises:
        InvalidXml: as ``parse``, or the root is another element; also in the middle of the document.
        TooLarge: one child or the whole is larger than its limit.
    """
    parser = etree.XMLPullParser(
        ("start",),
        tag=root_tag,
        encoding="utf-8",
        no_network=True,
        resolve_entities=False,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    root: Element | None = None
    pending = _Pending(limits)
    for chunk in utf8_chunks(stream, max_bytes):
        pending.add(chunk)
        try:
            parser.feed(chunk)
        except etree.XMLSyntaxError:
            raise syntax_error(parser.feed_error_log) from None
        for _, element in parser.read_events():
            root = _root(element, root_tag) if root is None else root
        # A child is whole once the next one has begun; the tree above it stays as the parser left it.
        while root is not None and len(root) > 1:
            yield _cut(root, limits)
            pending.restart(chunk)
    yield from _rest(parser, root, root_tag, limits)


def _rest(
    parser: etree.XMLPullParser[Element], root: Element | None, root_tag: str, limits: XmlLimits
) -> Iterator[Element]:
    try:
        closed = parser.close()
    except etree.XMLSyntaxError:
        raise syntax_error(parser.feed_error_log) from None
    if root is None:  # a short document is not told of before its end
        if closed.tag != root_tag:
            raise invalid(f"Корневой элемент документа не {root_tag}.", 1)
        root = _root(closed, root_tag)
    while len(root):
        yield _cut(root, limits)


class _Pending:
    """How much of the document is not yet yielded: bounds what the tree may hold at any moment."""

    def __init__(self, limits: XmlLimits) -> None:
        self._limits = limits
        self._bytes = self._tags = 0

    def add(self, chunk: bytes) -> None:
        """Count what is about to be parsed; every element begins with a bracket.

        Raises:
            TooLarge: a child has grown over its limits.
        """
        self._bytes += len(chunk)
        self._tags += chunk.count(b"<") - chunk.count(b"</")
        if self._bytes > self._limits.max_bytes + len(chunk) or self._tags > self._limits.max_elements:
            raise TooLarge(f"Одна запись документа больше допустимых {self._limits.max_bytes} байт.")

    def restart(self, chunk: bytes) -> None:
        """A child ended somewhere in this chunk."""
        self._bytes = len(chunk)
        self._tags = chunk.count(b"<") - chunk.count(b"</")


def _root(element: Element, root_tag: str) -> Element:
    if element.getparent() is not None:
        raise invalid(f"Корневой элемент документа не {root_tag}.", 1)
    if element.getroottree().docinfo.internalDTD is not None:
        raise invalid("Объявление DOCTYPE не допускается.")
    return element


def _cut(root: Element, limits: XmlLimits) -> Element:
    child = root[0]
    root.remove(child)
    child.tail = None
    if child.xpath(f"boolean(self::*{'/*' * limits.max_depth})"):
        raise invalid(f"Вложенность элементов больше допустимых {limits.max_depth}.", child.sourceline)
    return child
