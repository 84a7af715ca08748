"""Dictionaries in the memory of a worker: those that manifests name, read from the journal once per version."""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from gateway.domain.dictionaries import Entry, find_dictionary
from gateway.journal import reference
from gateway.journal.reference import Version

Edition = Mapping[str, tuple[Entry, ...]]
"""The entries of one version by code."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Dictionaries as they stood when a launch began to form (:class:`workers.exchange.Reference`).

    ``digest`` names the versions that count; it is empty for an exchange that uses no dictionary. ``missing`` are the
    dictionaries asked for of which no version is loaded.
    """

    digest: str
    missing: tuple[str, ...]
    _dates: Mapping[str, Sequence[date]]
    _editions: Mapping[str, Sequence[Edition]]

    @property
    def remark(self) -> str | None:
        """What the result of the launch tells of missing dictionaries."""
        return f"Справочники не загружены: {', '.join(self.missing)}" if self.missing else None

    def has(self, dictionary: str, code: str, on: date) -> bool | None:
        """Tell whether the version in force on a date holds the code on that date; None when there is none."""
        edition = self._edition(dictionary, on)
        return None if edition is None else any(entry.holds(on) for entry in _entries(edition, dictionary, code))

    def title(self, dictionary: str, code: str, on: date) -> str | None:
        """The title of a code in the version in force on a date."""
        return next((e.title for e in self._holding(dictionary, code, on)), None)

    def detail(self, dictionary: str, code: str, on: date, column: str) -> str | None:
        """What a further column of a code says in the version in force on a date."""
        return next((e.extra.get(column) for e in self._holding(dictionary, code, on)), None)

    def _holding(self, dictionary: str, code: str, on: date) -> Iterator[Entry]:
        edition = self._edition(dictionary, on) or {}
        return (entry for entry in _entries(edition, dictionary, code) if entry.holds(on))

    def _edition(self, dictionary: str, on: date) -> Edition | None:
        place = bisect_right(self._dates.get(dictionary, ()), on)
        return self._editions[dictionary][place - 1] if place else None


def _entries(edition: Edition, dictionary: str, code: str) -> tuple[Entry, ...]:
    known = find_dictionary(dictionary)
    return edition.get(known.folded(code) if known else code, ())


class Library:
    """What one process holds of dictionaries, shared by its threads and exchanges."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[str, bytes], Edition] = {}

    def open(self, connection: Connection, names: Sequence[str]) -> Shelf:
        """Take the versions that count now; those not held yet are read, those that no longer count are dropped."""
        if not names:
            return Shelf("", (), {}, {})
        versions = reference.versions_that_count(connection, names)
        with self._lock:
            self._drop(names, versions)
            editions = {v: self._edition(connection, v) for v in versions}
        dates, shelved = defaultdict(list), defaultdict(list)
        for version, edition in editions.items():
            dates[version.name].append(version.valid_from)
            shelved[version.name].append(edition)
        missing = tuple(name for name in names if name not in dates)
        return Shelf(_digest(versions), missing, dates, shelved)

    def _edition(self, connection: Connection, version: Version) -> Edition:
        key = (version.name, version.digest)
        if key not in self._held:
            self._held[key] = _by_code(reference.entries_of(connection, version.id))
        return self._held[key]

    def _drop(self, names: Sequence[str], versions: Iterable[Version]) -> None:
        kept = {(v.name, v.digest) for v in versions}
        for key in [key for key in self._held if key[0] in names and key not in kept]:
            del self._held[key]


def _by_code(entries: Iterable[Entry]) -> Edition:
    found: dict[str, tuple[Entry, ...]] = {}
    for entry in entries:
        found[entry.code] = (*found.get(entry.code, ()), entry)
    return found


def _digest(versions: Iterable[Version]) -> str:
    told = [f"{v.name} {v.valid_from} {v.digest.hex()}" for v in versions]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
