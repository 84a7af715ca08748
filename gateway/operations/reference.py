"""Reference data: loading a dictionary whole, and telling which versions there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Engine

from gateway.domain.dictionaries import DICTIONARIES, EVER, Dictionary, find_dictionary
from gateway.domain.errors import NotFound
from gateway.journal import reference, registry
from gateway.operations.reference_files import read_entries


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A version as people see it. ``valid_from`` is None when it is in force on any date; ``counts`` is False for one
    that a later load replaced. ``digest`` is hex."""

    name: str
    title: str
    valid_from: date | None
    loaded_at: datetime
    entries: int
    digest: str
    counts: bool


def load_reference(engine: Engine, name: str, file: Path, valid_from: date | None, *, who: str) -> VersionRecord | None:
    """Load a version of a dictionary, in force from a date or on any date; None when it is there already. Commits.

    The objects whose forming failed are judged anew by the next run of every service that uses the dictionary.

    Raises:
        NotFound: there is no dictionary of this name.
        InvalidRequest: the file is wrong; the message says where, nothing is loaded.
    """
    dictionary = _require(name)
    with engine.begin() as connection:
        made = reference.put_version(connection, name, valid_from or EVER, read_entries(file, dictionary))
        if made is None:
            return None
        shown = _record(made, counts=True)
        detail = {
            "valid_from": str(valid_from) if valid_from else None,
            "digest": shown.digest,
            "entries": made.entries,
        }
        registry.audit(connection, None, registry.AuditEvent("reference-load", [name], detail=detail), who=who)
    return shown


def list_reference(engine: Engine, name: str | None = None) -> list[VersionRecord]:
    """The versions that rules go by, of every dictionary loaded; of one dictionary also those that were replaced.

    Raises:
        NotFound: there is no dictionary of this name.
    """
    if name is not None:
        _require(name)
    with engine.connect() as connection:
        versions = reference.list_versions(connection, name)
    newest = {(v.name, v.valid_from): v.id for v in versions}
    records = [_record(v, counts=newest[v.name, v.valid_from] == v.id) for v in versions]
    return [r for r in records if r.counts or name is not None]


def _require(name: str) -> Dictionary:
    dictionary = find_dictionary(name)
    if dictionary is None:
        raise NotFound(f"Нет справочника {name}; есть: {', '.join(DICTIONARIES)}, региональные X_…")
    return dictionary


def _record(version: reference.Version, *, counts: bool) -> VersionRecord:
    valid_from = None if version.valid_from == EVER else version.valid_from
    title = _require(version.name).title
    return VersionRecord(
        version.name, title, valid_from, version.loaded_at, version.entries, version.digest.hex(), counts
    )
