"""Delivery receipts of SMPP 3.4: the TLVs of 5.3.2.12 and 5.3.2.35 where the centre sends them, else the text of
appendix B: ``id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…``."""

from __future__ import annotations

import re
from typing import Any, Final

from workers.exchange import Word

_RECEIPT: Final = 0x04
_TYPE_MASK: Final = 0x3C
_FIELD: Final = re.compile(r"\b(id|stat):\s*([^\s:]+)", re.IGNORECASE)
_BY_STATE: Final = {
    1: Word.UNDER_WAY,
    2: Word.DELIVERED,
    3: Word.FAILED,
    4: Word.FAILED,
    5: Word.FAILED,
    6: Word.UNDER_WAY,
    7: Word.UNKNOWN,
    8: Word.FAILED,
}
"""message_state, 5.2.28: ENROUTE, DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED, UNKNOWN, REJECTED."""
_BY_NAME: Final = {
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "ACCEPTD": 6,
    "UNKNOWN": 7,
    "REJECTD": 8,
}


def read_receipt(pdu: Any) -> tuple[str, Word] | None:
    """The peer's id of the part and its word on it; None when a deliver_sm is no receipt or names no part."""
    if pdu.esm_class & _TYPE_MASK != _RECEIPT:
        return None
    told: dict[str, str] = {}
    for name, value in _FIELD.findall((pdu.short_message or b"").decode("latin-1")):
        told.setdefault(name.lower(), value)  # what follows «text:» are words of the message itself
    peer_id = told.get("id", "")
    if tlv := getattr(pdu, "receipted_message_id", None):
        peer_id = (tlv.decode("latin-1") if isinstance(tlv, bytes) else str(tlv)).strip("\0 ")
    state = getattr(pdu, "message_state", None) or _BY_NAME.get(told.get("stat", "").upper(), 7)
    return (peer_id, word_of(state)) if peer_id else None


def word_of(state: int | None) -> Word:
    """What a message_state says; one that the specification does not know is UNKNOWN."""
    return _BY_STATE.get(state or 0, Word.UNKNOWN)
