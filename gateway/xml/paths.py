"""Readable places in a document: ``/Packet/Rec[3]/Sex``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from lxml import etree


class Paths:
    """Paths of the elements below one root, local names only, items counted from 1 where a name repeats.

    The children of a parent are numbered once, so all the paths of a document cost time linear in its size.
    """

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._known: dict[etree._Element, str] = {root: f"/{local(root)}"}

    def of(self, element: etree._Element) -> str:
        """Path of ``element``, which is the root or below it."""
        unknown = []
        while element not in self._known:
            unknown.append(element)
            parent = element.getparent()
            element = self._root if parent is None else parent
        for child in reversed(unknown):
            if child not in self._known:
                self._number_children(element)
            element = child
        return self._known[element]

    def _number_children(self, parent: etree._Element) -> None:
        prefix = self._known[parent]
        children = [(child, local(child)) for child in parent.iterchildren("{*}*")]
        total = Counter(name for _, name in children)
        seen: Counter[str] = Counter()
        for child, name in children:
            seen[name] += 1
            self._known[child] = f"{prefix}/{name}[{seen[name]}]" if total[name] > 1 else f"{prefix}/{name}"


_SHORT_LINE: Final = 65_535
"""libxml2 keeps a longer number only with texts; of an element it then tells the line where its first text ends."""


def line_of(element: etree._Element) -> int | None:
    """Line on which the tag of a parsed element ends, from 1; None for one that was not parsed."""
    line = element.sourceline
    if line is None or line < _SHORT_LINE:
        return line or None
    return line - (element.text or "").count("\n")


def nearest(root: etree._Element, path: str) -> etree._Element:
    """The element at a path as :class:`Paths` writes them, or the innermost one on the way to it that is there."""
    found = root
    for step in path.split("/")[2:]:
        child = None if step.startswith("@") else found.find(f"{{*}}{step}")
        if child is None:
            break
        found = child
    return found


def local(element: etree._Element) -> str:
    """Local name of an element."""
    return str(element.tag).rpartition("}")[2]


def values_at(root: etree._Element, paths: Iterable[str]) -> list[str]:
    """Texts of the first elements at these paths below the root (``PERS/FAM``), whatever their namespaces.

    Empty for one that is not there.
    """
    return [root.findtext("/".join(f"{{*}}{step}" for step in path.split("/"))) or "" for path in paths]
