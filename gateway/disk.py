"""What the disk is asked for beside reading and writing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gateway.domain.errors import ConfigurationError


def sync_folder(folder: Path) -> None:
    """Return when the disk holds what the folder lists, such as a name just given by a rename.

    Raises:
        OSError: the folder cannot be opened, or the disk does not confirm it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A private folder for as long as the block lasts, in the place that ``TMPDIR`` names or the system has for such.

    Python would pass over a ``TMPDIR`` that cannot be used, and its own way to remove a folder calls itself without
    end where the place has been closed meanwhile.

    Raises:
        ConfigurationError: the folder cannot be made there.
        OSError: it cannot be removed.
    """
    named = os.environ.get("TMPDIR")
    try:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=Path(named).absolute() if named else None))
    except OSError as error:
        raise ConfigurationError(
            f"Нет места для временных файлов{f' в {named}' if named else ''}: {error.strerror} (TMPDIR)"
        ) from error
    try:
        yield folder
    finally:
        while folder.exists():
            with suppress(FileNotFoundError):  # a process that is ending takes its own files away meanwhile
                shutil.rmtree(folder)


def require_replaceable(path: Path) -> None:
    """Refuse a name that something else than a file has: what it leads to would be lost, and nobody told.

    Raises:
        ConfigurationError: it is a link, whatever that leads to, a folder, a device or a pipe.
        OSError: the folder cannot be read.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        what = "ссылка" if path.is_symlink() else "папка" if path.is_dir() else "устройство или канал"
        raise ConfigurationError(f"{path} — {what}, а не файл, и не заменяется: уберите или выберите другую папку")


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open what appears under its name when the block ends without an error, and not at all when it fails.

    A link is followed. A device or a pipe is written to as it stands: in its place nothing is put.

    Raises:
        OSError: it cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            yield file
        return
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
