"""How what a peer tells of somebody stands to what it told before."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum


class Standing(StrEnum):
    """How a state stands to the newest that its МО was told of."""

    FIRST = "first"
    SAME = "same"
    OLDER = "older"
    NEWER = "newer"


def stand(known: tuple[bytes | str, datetime | None] | None, given: tuple[bytes | str, datetime | None]) -> Standing:
    """Compare two states (digest, aware moment of making, None where the peer tells none): the known and the given.

    Equal digests are the same whenever they were made; what has no moment is newer than what came before it.
    """
    if known is None:
        return Standing.FIRST
    if known[0] == given[0]:
        return Standing.SAME
    return Standing.OLDER if known[1] and given[1] and given[1] < known[1] else Standing.NEWER
