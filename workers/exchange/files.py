"""Words of an exchange of files: what every transport of files can do, a local folder, FTP or SFTP alike."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from gateway.logs import Once
from workers.exchange.common import FileUnusable

logger = logging.getLogger(__name__)

MAX_NAMES: Final = 100_000
"""So many files are taken from a folder over one connection; the others wait for the next ones."""


class Files(Protocol):
    """Two folders of a peer: files are put into *ours to the peer* and come in *the peer's to us*.

    A name is a plain file name, at most 200 bytes in UTF-8, with no leading dot; anything else is a ValueError, a
    mistake of the caller. A file of at most 256 MiB is read. No error's text holds a file's name or content.
    """

    def reach(self) -> None:
        """Connect, sign in and find the folder that files are put into: all that ``put`` does before its first byte.

        Raises:
            NotSent, SignInRefused.
            PeerRefused: the folder is not there, or not for us.
        """
        ...

    def put(self, name: str, data: bytes) -> None:
        """Put a file to the peer, whole or not at all; one of that name is replaced by it.

        The bytes go under a temporary name that begins with a dot, are confirmed there (on disk, or by the size that
        the server tells), and only then get their name in one rename. Returns when the file is there for certain.

        Raises:
            NotSent: nothing was put under this name; what the temporary name held is removed where that is possible.
            InDoubt: the rename was asked for and its outcome is not known; :meth:`has` tells.
            SignInRefused: the server does not accept our credentials.
            PeerRefused: the server refuses this file for good.
        """
        ...

    def has(self, name: str) -> bool:
        """Tell whether a file that was put still lies there under its name: False when the peer took it away.

        Raises:
            NotSent, SignInRefused: the folder cannot be read now.
        """
        ...

    def names(self, suffix: str = "", limit: int = MAX_NAMES) -> Sequence[str]:
        """Names of the files that came, ending in ``suffix`` (letters' case counts), sorted; no hidden or other files.

        Of more than ``limit`` it is any so many, in no order, each with the same chance, so that files which nobody can
        remove do not bar the others for ever; no more are held meanwhile.

        Raises:
            NotSent, SignInRefused: the folder cannot be read now.
        """
        ...

    def read(self, name: str) -> bytes:
        """Read a file that came.

        Raises:
            NotSent, SignInRefused: nothing can be read now, or the file is no longer there.
            FileUnusable: it is not a file, is too large, or is not for us to read.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a file that came and is dealt with; one that is no longer there is no error.

        Raises:
            NotSent, SignInRefused: nothing can be removed now.
            FileUnusable: it is not for us to remove.
        """
        ...


class Arrivals:
    """The files that came, for as long as one connection lasts: each is offered once, and none bars those behind it.

    What is not removed is offered again by the next connection, which may find it corrected. Of a folder of more than
    ``limit`` files any so many are offered, and ``more`` tells that others wait for the next connections.
    """

    def __init__(self, files: Files, suffix: str = "", limit: int = MAX_NAMES) -> None:
        self._files = files
        self._suffix = suffix
        self._limit = limit
        self._offered: set[str] = set()
        self.more = False

    def fresh(self) -> Iterator[str]:
        """Names not offered yet. Raises as ``Files.names``."""
        if len(self._offered) == self._limit:
            return
        for name in self._files.names(self._suffix, self._limit + 1):
            if name in self._offered:
                continue
            if len(self._offered) == self._limit:
                self.more = True
                return
            self._offered.add(name)
            yield name

    def read(self, name: str) -> bytes | None:
        """Read a file; None for one that is unusable. Raises as ``Files.read`` otherwise."""
        try:
            return self._files.read(name)
        except FileUnusable as error:
            _tell_once(name, error)
            return None

    def remove(self, names: Sequence[str]) -> None:
        """Remove files that are dealt with; one that is not for us to remove stays. Raises as ``Files.remove``."""
        for name in names:
            try:
                self._files.remove(name)
            except FileUnusable as error:
                _tell_once(name, error)


_once: Final = Once()


def _tell_once(name: str, error: FileUnusable) -> None:
    """Log what is wrong with a file, without its name."""
    if _once.first(name, str(error)):
        logger.warning("a file of a peer is left where it lies: %s", error)
