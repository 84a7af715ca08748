"""Ответ Альконы: reply to a file (ZL_LIST) or its ФЛК protocol (FLK_P), xsd/alkona/1.0/REPLY.xsd → outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from workers.exchange import Element, ItemVerdict, PacketStatus, Refusal, Verdict, flk

PASSED: Final = "Протокол ФЛК без ошибок, ожидается ответ на файл"
_STATUSES: Final = {"OK": PacketStatus.ACCEPTED, "PART": PacketStatus.PARTIAL}


def read(element: Element) -> Verdict:
    """Tell what a reply says; pure. The element follows REPLY.xsd.

    OK is ACCEPTED, PART is PARTIAL, anything else REJECTED, with a refusal per refused record. An OK that refuses
    records all the same is PARTIAL. A protocol refuses the whole file; one without errors says that its verdict, the
    reply, is still to come (SENT).
    The offending values (ZN_POL) are not repeated: they stand in the answer itself.
    """
    refusals = tuple(flk.read_refusals(element))
    if element.tag == "FLK_P":
        if not refusals:
            return Verdict(PacketStatus.SENT, PASSED)
        status = PacketStatus.REJECTED
    else:
        status = _STATUSES.get(element.findtext("ZGLV/RESULT", ""), PacketStatus.REJECTED)
        if status is PacketStatus.ACCEPTED and refusals:
            status = PacketStatus.PARTIAL
    return Verdict(status, items=_items(element, refusals), refusals=refusals)


def _items(element: Element, refusals: Sequence[Refusal]) -> dict[int, ItemVerdict]:
    """Words on single records, by their numbers; of several refusals of one record the first."""
    items: dict[int, ItemVerdict] = {}
    for record in element.iterfind("ZAP"):
        if (position := _number(record.findtext("N_ZAP", ""))) is not None:
            items[position] = ItemVerdict(accepted=True)
    for refusal in reversed(refusals):
        if (position := _number(dict(refusal.locators).get("N_ZAP", ""))) is not None:
            items[position] = ItemVerdict(accepted=False, text=flk.told(refusal))
    return items


def _number(text: str) -> int | None:
    """A record's number as the journal can hold it."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len("1000") else None
