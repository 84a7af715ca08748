"""Writing the documents of a launch into a folder: archives to hand over, archives of mistakes, and a protocol."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile

from gateway.disk import require_replaceable
from gateway.operations.archive import Filed

ARCHIVED: Final = 10_000
"""Documents of one archive: its directory is kept in memory, and older programs read no more than 65 535 of them."""
GOOD: Final = "good"
BAD: Final = "bad"
PROTOCOL: Final = "protocol.txt"
_OURS: Final = re.compile(rf"(?:(?:{GOOD}|{BAD})(?:-[0-9]+)?\.zip|{re.escape(PROTOCOL)})(?:\.part)?")
_FURTHER: Final = re.compile(rf"(?:{GOOD}|{BAD})-[0-9]+\.zip")
_LEFTOVER: Final = re.compile(rf"(?:(?:{GOOD}|{BAD})(?:-[0-9]+)?\.zip|{re.escape(PROTOCOL)})\.part")


def write_archives(packets: Iterable[Filed], folder: Path, archived: int = ARCHIVED) -> tuple[int, int]:
    """Write packets as they come; return how many there are, and how many with mistakes.

    Sound documents go into ``good.zip``, those beyond ``archived`` into ``good-2.zip`` and so on, those with mistakes
    into ``bad.zip`` alike; ``protocol.txt`` tells what became of each. The files get their names when all are whole,
    and replace those that an earlier call left in the folder.

    Raises:
        ConfigurationError: one of these names is a link or anything else than a file; nothing has been touched then.
        OSError: the folder cannot be written.
    """
    for path in sorted(folder.iterdir()):
        if _OURS.fullmatch(path.name):
            require_replaceable(path)
    _forget(folder, _LEFTOVER)
    parts = _Parts(folder)
    try:
        counts = _fill(packets, parts, archived)
        (folder / PROTOCOL).unlink(missing_ok=True)  # without it a folder is not whole, whenever we die
        _forget(folder, _FURTHER)
        parts.keep()
    finally:
        parts.drop()
    return counts


def _fill(packets: Iterable[Filed], parts: _Parts, archived: int) -> tuple[int, int]:
    total = faulty = 0
    with (
        closing(_Archives(parts, GOOD, archived)) as sound,
        closing(_Archives(parts, BAD, archived)) as unsound,
        parts.add(PROTOCOL).open("w", encoding="utf-8") as lines,
    ):
        for packet in packets:
            total, faulty = total + 1, faulty + packet.faulty
            lines.write(f"{packet.name}: {packet.status_title}\n")
            lines.writelines(f"    {line}\n" for line in packet.text.splitlines())
            if packet.data is not None:
                (unsound if packet.faulty else sound).write(packet.name, packet.data)
        lines.write(f"Всего: {total}, с ошибками: {faulty}\n")
    return total, faulty


def _forget(folder: Path, named: re.Pattern[str]) -> None:
    for path in folder.iterdir():
        if named.fullmatch(path.name):
            path.unlink()


class _Parts:
    """Files of a folder that do not have their names yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: list[str] = []

    def add(self, name: str) -> Path:
        """Where to write the file that will be called so."""
        self._names.append(name)
        return self._part(name)

    def keep(self) -> None:
        """Give every file its name, the protocol last: it is there when all that it tells of is."""
        for name in sorted(self._names, key=lambda name: name == PROTOCOL):
            self._part(name).replace(self._folder / name)

    def drop(self) -> None:
        """Remove what has no name yet."""
        for name in self._names:
            self._part(name).unlink(missing_ok=True)

    def _part(self, name: str) -> Path:
        return self._folder / f"{name}.part"


class _Archives:
    """As many archives of one kind as its documents need, one at a time; the first is there without any."""

    def __init__(self, parts: _Parts, stem: str, archived: int) -> None:
        self._parts = parts
        self._stem = stem
        self._archived = archived
        self._count = 0
        self._archive = self._next(f"{stem}.zip")

    def write(self, name: str, data: bytes) -> None:
        """Put a document into the archive that has room for it."""
        if self._count and self._count % self._archived == 0:
            self._archive.close()
            self._archive = self._next(f"{self._stem}-{self._count // self._archived + 1}.zip")
        self._archive.writestr(name, data)
        self._count += 1

    def close(self) -> None:
        """End the last archive."""
        self._archive.close()

    def _next(self, name: str) -> ZipFile:
        return ZipFile(self._parts.add(name), "w", ZIP_DEFLATED)
