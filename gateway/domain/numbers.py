"""Numbers that name people and organisations in Russia.

A check of digits judges them alone: what has not the form of the number at all is left to the schema, and is not wrong.
"""

from __future__ import annotations

import re
from typing import Final

_SNILS: Final = re.compile(r"([0-9]{3})-?([0-9]{3})-?([0-9]{3})[ -]?([0-9]{2})")
_OID: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]*)){2,}")
_LAST_UNCHECKED_SNILS: Final = 1_001_998
"""Numbers up to 001-001-998 were given out without check digits."""
_INN: Final = {
    10: ((2, 4, 10, 3, 5, 9, 4, 6, 8),),
    12: ((7, 2, 4, 10, 3, 5, 9, 4, 6, 8), (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)),
}
"""Weights of each check digit of an ИНН, by its length."""


def snils_is_right(text: str) -> bool:
    """Check digits of a СНИЛС, ``NNN-NNN-NNN NN`` or 11 digits: weights 9 to 1, modulo 101."""
    if (match := _SNILS.fullmatch(text)) is None:
        return True
    number = "".join(match.group(1, 2, 3))
    if int(number) <= _LAST_UNCHECKED_SNILS:
        return True
    return _weighed(number, range(9, 0, -1)) % 101 % 100 == int(match[4])


def inn_is_right(text: str) -> bool:
    """Check digits of an ИНН of 10 digits (organisation) or 12 (person)."""
    weights = _INN.get(len(text)) if text.isascii() and text.isdigit() else None
    if weights is None:
        return True
    return all(_weighed(text, row) % 11 % 10 == int(text[len(row)]) for row in weights)


def ogrn_is_right(text: str) -> bool:
    """Check digit of an ОГРН of 13 digits or an ОГРНИП of 15."""
    if len(text) not in (13, 15) or not (text.isascii() and text.isdigit()):
        return True
    return int(text[:-1]) % (len(text) - 2) % 10 == int(text[-1])


def is_oid(text: str) -> bool:
    """Tell whether a text is an object identifier: three arcs or more (Source: ITU-T X.660, dotted notation)."""
    return _OID.fullmatch(text) is not None


def _weighed(digits: str, weights: range | tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))
