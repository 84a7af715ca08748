"""Words of an exchange of files: what every transport of files can do, a local folder, FTP or SFTP alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


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

    def names(self, suffix: str = "") -> Sequence[str]:
        """Names of the files that came, ending in ``suffix`` (letters' case counts), sorted; no hidden or other files.

        Raises:
            NotSent, SignInRefused: the folder cannot be read now.
        """
        ...

    def read(self, name: str) -> bytes:
        """Read a file that came.

        Raises:
            NotSent, SignInRefused: it cannot be read now, or is no longer there.
            PeerRefused: it is not a file, or is too large.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a file that came and is dealt with; one that is no longer there is no error.

        Raises:
            NotSent, SignInRefused: it cannot be removed now.
        """
        ...
