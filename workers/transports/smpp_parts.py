"""Long texts in SMS: parts that a telephone puts together again."""

from __future__ import annotations

import smpplib.consts as c


def parts_of(text: str, reference: int) -> list[bytes]:
    """Cut a text into UCS-2 parts: 70 characters alone, else 67 each behind a header (3GPP TS 23.040, 9.2.3.24.1).

    ``reference`` (0–255) is the same in all parts of one message; no character outside the BMP is cut in two.
    """
    data = text.encode("utf-16-be")
    if len(data) <= c.UCS2_LENGTH:
        return [data]
    pieces: list[bytes] = []
    start = 0
    while start < len(data):
        end = min(start + c.UCS2_PART_SIZE, len(data))
        if end < len(data) and 0xD8 <= data[end - 2] <= 0xDB:
            end -= 2
        pieces.append(data[start:end])
        start = end
    return [bytes((5, 0, 3, reference, len(pieces) % 256, n % 256)) + piece for n, piece in enumerate(pieces, 1)]
