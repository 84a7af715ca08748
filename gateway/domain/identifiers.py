"""Time-ordered identifiers: UUIDv7 (RFC 9562, section 5.7) made from the database's time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62
_RANDOM_BITS = 74


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970 of an aware moment, 0 for an earlier one."""
    return max(0, (moment - _EPOCH) // _MILLISECOND)


def uuid7(unix_ms: int) -> UUID:
    """Make one UUIDv7 for a moment given in milliseconds since 1970 (48 bits)."""
    return next(uuid7_run(unix_ms))


def uuid7_run(unix_ms: int) -> Iterator[UUID]:
    """Yield ids of one moment in strictly rising order, so that a batch keeps the order in which it was formed."""
    noise = int.from_bytes(os.urandom(10), "big") >> (80 - _RANDOM_BITS)
    while True:
        tail = noise & ((1 << _RANDOM_BITS) - 1)
        high, low = tail >> 62, tail & ((1 << 62) - 1)
        yield UUID(int=(unix_ms & (2**48 - 1)) << 80 | _VERSION_7 | high << 64 | _VARIANT | low)
        noise += 1 + int.from_bytes(os.urandom(4), "big")
        if noise >> _RANDOM_BITS:
            unix_ms, noise = unix_ms + 1, noise & ((1 << 32) - 1)


def uuid7_floor(moment: datetime) -> UUID:
    """The smallest UUIDv7-shaped bound of a moment: every id made at or after it is not smaller."""
    return UUID(int=milliseconds(moment) << 80)


def uuid7_moment(value: UUID) -> datetime:
    """The moment an id was made, in UTC, to the millisecond."""
    return _EPOCH + (value.int >> 80) * _MILLISECOND
