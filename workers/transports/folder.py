"""Exchange folders: files put into one folder and taken from another, as ViPNet post and portals do.

A file appears under its name only when it is whole and on disk; the peer is expected to do the same.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from gateway.catalog import manifest
from gateway.disk import sync_folder
from gateway.domain.errors import ConfigurationError
from workers.exchange import MAX_NAMES, FileUnusable, InDoubt, NotSent, PeerRefused
from workers.transports.file_servers import (
    EXPORT_FOLDER_AWAY,
    MAX_FILE_BYTES,
    NOT_REMOVED,
    UNREADABLE,
    SomeNames,
    plain,
)

_ONE_FILE: Final = frozenset({errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.EIO})
"""What the system says of one file and not of the folder it lies in."""


def open_transport(transport: manifest.Transport, settings: Mapping[str, str], _wsdl: Path | None) -> FolderTransport:
    """Open a pair of folders, which must exist. Settings: ``out`` (ours to the peer) and ``in`` (to us).

    Raises:
        ConfigurationError: a folder is not named or does not exist, or both are one.
    """
    folders = {}
    for key in ("out", "in"):
        path = settings.get(key)
        if not path or not Path(path).is_dir():
            raise ConfigurationError(f"Настройка {key}: такой папки обмена нет.")
        folders[key] = Path(path).resolve()
    if folders["out"] == folders["in"]:
        raise ConfigurationError("Настройки out и in указывают на одну папку; нужны две.")
    return FolderTransport(folders["out"], folders["in"], transport.incoming)


class FolderTransport:
    """Puts files into ``out_folder``; lists, reads and removes those of ``in_folder``.

    A name is a plain file name of at most 200 bytes in UTF-8, not beginning with a dot. ``incoming`` are the patterns
    of the names of files that come for this service.
    """

    def __init__(self, out_folder: Path, in_folder: Path, incoming: Sequence[str] = ()) -> None:
        self._out = out_folder
        self._in = in_folder
        self._incoming = incoming

    def reach(self) -> None:
        """Find the folder that files are put into.

        Raises:
            PeerRefused: it is not there, or not for us.
        """
        if not os.access(self._out, os.W_OK | os.X_OK):
            raise PeerRefused(EXPORT_FOLDER_AWAY)

    def put(self, name: str, data: bytes) -> None:
        """Put a file whole, and return when it is on disk; a file of that name is replaced.

        Raises:
            NotSent: nothing was put under this name.
            InDoubt: the file is there, but the disk did not confirm it.
        """
        target = _inside(self._out, name)
        part = self._out / f".{uuid4().hex}.part"
        try:
            try:
                _write(part, data)
                part.replace(target)
            except OSError as error:
                with suppress(OSError):
                    part.unlink()
                raise NotSent(f"Файл не записан в папку обмена: {_reason(error)}.") from None
            sync_folder(self._out)
        except OSError as error:
            raise InDoubt(f"Файл положен в папку обмена, но диск это не подтвердил: {_reason(error)}.") from None

    def has(self, name: str) -> bool:
        """Tell whether a file that was put still lies there: False when the peer took it away.

        Raises:
            NotSent: the folder cannot be read now.
        """
        with _reading():
            # A folder that went away must not look like a file that was taken.
            self._out.stat()
            return _is_file(_inside(self._out, name))

    def names(self, suffix: str = "", limit: int = MAX_NAMES) -> tuple[str, ...]:
        """Names of the files that came, ending in ``suffix`` (letters' case counts); of more than ``limit`` any.

        Raises:
            NotSent: the folder cannot be read now.
        """
        some = SomeNames(self._incoming, suffix, limit)
        with _reading(), os.scandir(self._in) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    some.add(entry.name)
        return some.told()

    def read(self, name: str) -> bytes:
        """Read a file that came, at most 256 MiB; links are not followed.

        Raises:
            NotSent: nothing can be read now, or the file is no longer there.
            FileUnusable: it is not a file, is too large, or is not for us to read.
        """
        # Without O_NONBLOCK a named pipe put there would keep the run waiting for ever.
        with _reading(UNREADABLE):
            descriptor = os.open(_inside(self._in, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise FileUnusable("В папке обмена лежит не файл.")
                if status.st_size > MAX_FILE_BYTES:
                    raise FileUnusable(f"Файл в папке обмена больше допустимых {MAX_FILE_BYTES} байт.")
                return file.read()

    def remove(self, name: str) -> None:
        """Remove a file that came and is dealt with; one that is no longer there is no error.

        Raises:
            NotSent: nothing can be removed now.
            FileUnusable: it is not for us to remove.
        """
        with _reading(NOT_REMOVED):
            _inside(self._in, name).unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is kept open."""


def _inside(folder: Path, name: str) -> Path:
    return folder / plain(name)


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _reading(unusable: str | None = None) -> Iterator[None]:
    """Tell what fails; ``unusable`` is said of a file that alone is to blame."""
    try:
        yield
    except OSError as error:
        if unusable and error.errno in _ONE_FILE:
            raise FileUnusable(f"{unusable}: {_reason(error)}.") from None
        raise NotSent(f"Папка обмена недоступна: {_reason(error)}.") from None


def _reason(error: OSError) -> str:
    """Name the error without the path: names of files belong to the peer."""
    return f"код ошибки {error.errno}"
