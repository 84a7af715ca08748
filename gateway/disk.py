"""What the disk is asked for beside reading and writing."""

from __future__ import annotations

import os
from pathlib import Path


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
