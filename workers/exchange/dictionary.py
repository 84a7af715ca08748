"""Dictionaries of a session: what its events and errors are called. Data, which a site may replace by its own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.domain.actions import ATTEMPT_EVENTS
from gateway.domain.errors import ConfigurationError

SETTING: Final = "dictionary"
"""Setting of an exchange that names a site's own file; what it leaves out keeps its own name."""


@dataclass(frozen=True, slots=True)
class Titled:
    """An event: its code and what people read for it."""

    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Events by the names that the exchange's code uses, messages of errors by code."""

    events: Mapping[str, Titled]
    errors: Mapping[str, str]


def load_dictionary(own: Path, settings: Mapping[str, str]) -> Dictionary:
    """Read the dictionary of an exchange, with the site's words in place of ours.

    Raises:
        ConfigurationError: the site's file cannot be read, names what the exchange does not know, or
            moves a code by which the journal tells where an attempt begins.
    """
    ours = _read(own)
    theirs = _read(Path(settings[SETTING])) if settings.get(SETTING) else Dictionary({}, {})
    unknown = sorted({*(theirs.events.keys() - ours.events.keys()), *(theirs.errors.keys() - ours.errors.keys())})
    if unknown:
        raise ConfigurationError(f"Словарь событий и ошибок: обмен не знает {', '.join(unknown)}")
    moved = [name for name, event in theirs.events.items() if {event.code, ours.events[name].code} & ATTEMPT_EVENTS]
    if any(theirs.events[name].code != ours.events[name].code for name in moved):
        raise ConfigurationError(f"Словарь событий и ошибок: коды {', '.join(sorted(ATTEMPT_EVENTS))} менять нельзя")
    return Dictionary({**ours.events, **theirs.events}, {**ours.errors, **theirs.errors})


def _read(path: Path) -> Dictionary:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        events = {name: Titled(str(row["code"]), str(row["title"])) for name, row in _table(tables, "events").items()}
        errors = {str(code): str(message) for code, message in _table(tables, "errors").items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError("Словарь событий и ошибок не читается: нужны таблицы events и errors.") from None
    return Dictionary(events, errors)


def _table(tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table: Mapping[str, Any] = tables.get(name, {})
    return table
