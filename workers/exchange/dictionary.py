"""Dictionaries of a session: what its events and errors are called. Data, which a site may replace by its own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from gateway.domain.actions import ATTEMPT_EVENTS
from gateway.domain.errors import ConfigurationError
from gateway.settings import explain

SETTING: Final = "dictionary"
"""Setting of an exchange that names a site's own file; what it leaves out keeps its own name."""

_PLACE: Final = re.compile(r"at line ([0-9]+)")

Code = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    StringConstraints(pattern=r"^[0-9A-Za-z._-]{1,64}$"),
]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=250, pattern=r"^\P{C}*$")]


class Titled(BaseModel):
    """An event: its code and what people read for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code
    title: Title


class Dictionary(BaseModel):
    """Events by the names that the exchange's code uses, messages of errors by code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: Mapping[str, Titled] = {}
    errors: Mapping[str, Title] = {}


def load_dictionary(own: Path, settings: Mapping[str, str]) -> Dictionary:
    """Read the dictionary of an exchange, with the site's words in place of ours.

    Raises:
        ConfigurationError: the site's file cannot be read, names what the exchange does not know, or moves a code by
            which the journal tells where an attempt begins, from its event or to another. Any other code several
            events may share. One line in Russian that names the file and what is wrong in it.
    """
    ours = _read(own)
    if not settings.get(SETTING):
        return ours
    path = Path(settings[SETTING])
    theirs = _read(path)
    for problem in _problems(ours, theirs):
        raise _wrong(path, problem)
    return Dictionary(events={**ours.events, **theirs.events}, errors={**ours.errors, **theirs.errors})


def _problems(ours: Dictionary, theirs: Dictionary) -> Iterator[str]:
    """Yield what does not fit; the first is all that people need to be told at once."""
    if unknown := sorted(theirs.events.keys() - ours.events.keys()):
        yield f"обмен не знает события {unknown[0]}"
    if unknown := sorted(theirs.errors.keys() - ours.errors.keys()):
        yield f"обмен не знает ошибки {unknown[0]}"
    for name, event in theirs.events.items():
        before = ours.events[name].code
        if event.code != before and {event.code, before} & ATTEMPT_EVENTS:
            kept = " и ".join(sorted(ATTEMPT_EVENTS))
            yield f"событие {name}: вместо кода {before} указан {event.code}, а коды {kept} менять нельзя"


def _read(path: Path) -> Dictionary:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        raise _wrong(path, "не читается, нужен файл в кодировке UTF-8") from None
    try:
        return Dictionary.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, _unreadable(text, str(error))) from None
    except ValidationError as error:
        raise _wrong(path, explain(error)) from None


def _unreadable(text: str, error: str) -> str:
    """Where a text stops being TOML: the line, and the key that stands on it."""
    lines, place = text.split("\n"), _PLACE.search(error)
    number = int(place[1]) if place else len(lines)
    key = lines[number - 1].partition("=")[0].strip() if 0 < number <= len(lines) else ""
    return f"строка {number}, «{key[:40]}»: это не TOML, или такой код уже указан выше"


def _wrong(path: Path, problem: str) -> ConfigurationError:
    return ConfigurationError(f"Словарь событий и ошибок {path.name}: {problem}")
