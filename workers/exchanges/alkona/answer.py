"""Ответ Альконы: reply to a file (ZL_LIST) or its ФЛК protocol (FLK_P), xsd/alkona/1.0/REPLY.xsd → outcome."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from workers.exchange import Element, ItemVerdict, PacketStatus, Verdict, lines

SHOWN: Final = 20
"""So many refused records are told one by one in «Результат»; all of them stand in the answer itself."""

_STATUSES: Final = {"OK": PacketStatus.ACCEPTED, "PART": PacketStatus.PARTIAL}


def read(element: Element) -> Verdict:
    """Tell what a reply says; pure. The element follows REPLY.xsd.

    OK is ACCEPTED, PART is PARTIAL, anything else REJECTED, with a line per refused record. An OK that refuses records
    all the same is PARTIAL. A protocol refuses the whole file; one without errors says nothing yet (SENT).
    """
    if element.tag == "FLK_P":
        return _read_protocol(element)
    status = _STATUSES.get(element.findtext("ZGLV/RESULT", ""), PacketStatus.REJECTED)
    words = dict(_words(element))
    refused = {position: word for position, word in words.items() if not word.accepted}
    if status is PacketStatus.ACCEPTED and refused:
        status = PacketStatus.PARTIAL
    told = (f"Запись {position}: {word.text or 'не согласована'}" for position, word in refused.items())
    return Verdict(status, lines(told, SHOWN), words)


def _words(element: Element) -> Iterator[tuple[int, ItemVerdict]]:
    for record in element.iterfind("ZAP"):
        position = _number(record.findtext("N_ZAP", ""))
        if position is not None:
            reasons = (record.findtext(name, "").strip() for name in ("OSHIB", "COMMENTR"))
            yield position, ItemVerdict(record.findtext("RPL") == "1", ": ".join(filter(None, reasons)))


def _read_protocol(element: Element) -> Verdict:
    errors = [(_number(error.findtext("N_ZAP", "")), _told(error)) for error in element.iterfind("PR")]
    if not errors:
        return Verdict(PacketStatus.SENT)
    items = {position: ItemVerdict(accepted=False, text=text) for position, text in reversed(errors) if position}
    told = (f"Запись {position}: {text}" if position else text for position, text in errors)
    return Verdict(PacketStatus.REJECTED, lines(told, SHOWN), items)


def _told(error: Element) -> str:
    """Code, place and comment of one error; the offending value (ZN_POL) stands in the protocol itself."""
    place = "/".join(filter(None, (error.findtext(name, "") for name in ("BAS_EL", "IM_POL"))))
    return ": ".join(filter(None, (error.findtext("OSHIB", ""), place, error.findtext("COMMENT", ""))))


def _number(text: str) -> int | None:
    """A record's number as the journal can hold it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len("1000") else None
