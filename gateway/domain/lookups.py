"""Finding an object by who it is about: values made comparable before they are sealed into an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_SEPARATOR: Final = "\x1f"
"""Cannot stand in XML, so that no two lists of values give one text."""


def comparable(values: Sequence[str]) -> str | None:
    """Make one text of several values; None when all are blank, for nobody is found by nothing.

    Upper case, Ё as Е, outer blanks removed, inner runs of blanks folded to one space.
    """
    folded = [" ".join(value.split()).upper().replace("Ё", "Е") for value in values]
    return _SEPARATOR.join(folded) if any(folded) else None
