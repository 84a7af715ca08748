"""Ответ фонда на файл: REPLY.xsd of xsd/volgograd/2.0 → outcome of the packet and of its records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from workers.exchange import Element, ItemVerdict, PacketStatus, Refusal, Verdict, flk
from workers.exchanges.volgograd.fields import SHAPES, TAKEN_FROM, TITLES

_RIGHT: Final = "0"
_EXPLANATION: Final = "код ошибки по справочнику T008"

_TITLE_OF: Final = {
    field.path.rpartition("/")[2]: TITLES[source.removeprefix("PERS/")]
    for shape in SHAPES.values()
    for field in shape.every()
    if not (source := TAKEN_FROM.get(field.source, field.source)).startswith("@")
}
"""Title of the МИС's field by the name of the file's element. The fund tells codes without words."""


def read(element: Element) -> Verdict:
    """Tell what a reply says; pure. The element follows REPLY.xsd.

    A code other than 0 refuses the record that ID_BAS identifies, without one the whole file. A record is accepted
    when all that is said of it is 0. No word at all means that no error was found, as in a protocol of order 79.
    """
    refusals = tuple(replace(each, comment=_explained(each)) for each in flk.read_refusals(element))
    named: dict[str, ItemVerdict] = {}
    for line in element.iterfind("PR"):
        identifier = line.findtext("ID_BAS", "").strip().lower()
        if identifier and line.findtext("OSHIB", "").strip() == _RIGHT:
            named.setdefault(identifier, ItemVerdict(accepted=True))
    for refusal in reversed(refusals):
        if identifier := _identifier(refusal):
            named[identifier] = ItemVerdict(accepted=False, text=flk.told(refusal))
    return Verdict(_status(refusals, named.values()), refusals=refusals, named=named)


def _status(refusals: tuple[Refusal, ...], words: Iterable[ItemVerdict]) -> PacketStatus:
    if not refusals:
        return PacketStatus.ACCEPTED
    whole = any(not _identifier(refusal) for refusal in refusals)
    return PacketStatus.PARTIAL if not whole and any(word.accepted for word in words) else PacketStatus.REJECTED


def _identifier(refusal: Refusal) -> str:
    return dict(refusal.locators).get("ID_BAS", "").lower()


def _explained(refusal: Refusal) -> str:
    title = _TITLE_OF.get(refusal.field)
    return f"«{title}»: {_EXPLANATION}" if title else f"Файл или запись: {_EXPLANATION}"
