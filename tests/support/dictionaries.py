"""Dictionaries that a rule may ask of, without any version loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Books:
    """Dictionaries that all hold every code, but for one that holds none after a day."""

    empty: str
    since: date = date.min

    def has(self, dictionary: str, code: str, on: date) -> bool | None:
        """As the protocol says; an empty code is never asked for."""
        assert code
        return dictionary != self.empty or on < self.since

    def title(self, dictionary: str, code: str, on: date) -> str | None:
        """No rule asks for it."""
        raise NotImplementedError

    def detail(self, dictionary: str, code: str, on: date, column: str) -> str | None:
        """No rule asks for it."""
        raise NotImplementedError
