"""The two folders of a stand-in whose exchange is files: rights, and what switches do to one upload, at any door."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Final

from pydantic import Field

from workers.sandbox.switches import Count, Seconds, Switches, SwitchValues

MAX_CUT_BYTES: Final = 2**31


class UploadSwitchValues(SwitchValues):
    """What is switched on now, beyond the switches of every peer.

    ``cut_at_byte``: where an upload breaks off. ``cut_next``: so many uploads lose their connection there;
    ``shorten_next``: so many are kept to there and called whole. ``drop_rename_next``: so many renames are done and
    lose the connection instead of an answer. ``disk_full``: nothing can be written. ``deny_export``: no rights to the
    folder of files to the peer; ``deny_removal``: no right to remove in the folder of files from it.
    ``chunk_delay_s``: how long each piece of an upload takes.
    """

    cut_at_byte: int = Field(default=0, ge=0, le=MAX_CUT_BYTES)
    cut_next: Count = 0
    shorten_next: Count = 0
    drop_rename_next: Count = 0
    disk_full: bool = False
    deny_export: bool = False
    deny_removal: bool = False
    chunk_delay_s: Seconds = 0.0


class Tree:
    """The two folders of the exchange below one root, and who may do what in them.

    The МО writes into the folder of files to the peer and cannot read there; it reads and removes in the folder of
    files to it and cannot write there.
    """

    def __init__(self, root: Path, exported: str, imported: str) -> None:
        self.root = root.resolve()
        self.exported = self.root / exported
        self.imported = self.root / imported
        for folder in (self.exported, self.imported):
            folder.mkdir(parents=True, exist_ok=True)

    def allows(self, path: str | Path, verb: str, values: UploadSwitchValues) -> bool:
        """Tell whether the МО may ``enter``, ``list``, ``read``, ``write`` (also measure, rename) or ``remove``."""
        place = Path(path)
        if place == self.root:
            return verb == "enter"
        if place == self.exported or self.exported in place.parents:
            return not values.deny_export and verb in {"enter", "write", "remove"}
        if place == self.imported or self.imported in place.parents:
            return verb in {"enter", "list", "read"} or (verb == "remove" and not values.deny_removal)
        return False


class Cut(Exception):
    """The connection is to be dropped now, without an answer."""


class Upload:
    """One upload on its way: what of its bytes reaches the disk is for the switches to say."""

    def __init__(self, switches: Switches) -> None:
        self._values = current(switches)
        self._cuts = switches.take("cut_next")
        self._shortens = not self._cuts and switches.take("shorten_next")
        self._cut = False

    def admit(self, data: bytes, offset: int) -> bytes:
        """The part of a piece that is written.

        Raises:
            OSError: the disk is full.
            Cut: what was admitted before is all that is written.
        """
        if self._values.disk_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._values.chunk_delay_s:
            time.sleep(self._values.chunk_delay_s)
        if self._cut:
            raise Cut
        if not (self._cuts or self._shortens):
            return data
        kept = data[: max(0, self._values.cut_at_byte - offset)]
        self._cut = self._cuts and offset + len(data) >= self._values.cut_at_byte
        return kept

    @property
    def is_cut(self) -> bool:
        """The byte where the connection drops was reached."""
        return self._cut


def current(switches: Switches) -> UploadSwitchValues:
    """What is switched on at this moment."""
    values = switches.values
    if not isinstance(values, UploadSwitchValues):
        raise TypeError("switches of another peer")
    return values
