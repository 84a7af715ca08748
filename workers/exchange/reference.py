"""Words of reference data: what a rule may ask of the dictionaries that its manifest names."""

from __future__ import annotations

from datetime import date
from typing import Final, Protocol


class Reference(Protocol):
    """The dictionaries of an exchange as they are while one launch forms its packets."""

    def has(self, dictionary: str, code: str, on: date) -> bool | None:
        """Tell whether a dictionary holds a code on a date; None when no version of it is loaded for that date.

        A rule that gets None is silent: what is not loaded is told once per launch, not per packet.
        """
        ...

    def title(self, dictionary: str, code: str, on: date) -> str | None:
        """The title of a code on a date; None when the dictionary is not loaded or does not hold the code."""
        ...

    def detail(self, dictionary: str, code: str, on: date, column: str) -> str | None:
        """What a further column says of a code on a date, such as the type that a subtype belongs to; None as above."""
        ...


class _Nothing:
    def has(self, dictionary: str, code: str, on: date) -> None:  # noqa: ARG002 # as the protocol asks
        return None

    def title(self, dictionary: str, code: str, on: date) -> None:  # noqa: ARG002 # as the protocol asks
        return None

    def detail(self, dictionary: str, code: str, on: date, column: str) -> None:  # noqa: ARG002 # as the protocol asks
        return None


NO_REFERENCE: Final[Reference] = _Nothing()
"""No dictionary is loaded."""
