"""The documents of a launch in a folder: archives of bounded size, in memory that does not grow with the launch."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from gateway.domain.errors import ConfigurationError
from gateway.operations.archive import Filed
from gateway.operations.archive_files import write_archives

PER_ARCHIVE = 100
ENTRY_BYTES = 400
"""What the directory of an archive takes for one document, at the least."""


def filed(count: int, faulty: int = 0) -> Iterator[Filed]:
    """So many sound documents, and those with mistakes behind them."""
    for number in range(count + faulty):
        yield Filed(f"{number}.xml", "Сформирован", "", number >= count, b"<a/>")


def archived(folder: Path) -> dict[str, int]:
    """How many documents each archive of the folder holds."""
    found = {}
    for path in folder.glob("*.zip"):
        with ZipFile(path) as archive:
            found[path.name] = len(archive.namelist())
    return found


def test_a_large_launch_goes_into_several_archives_that_replace_those_before(tmp_path: Path) -> None:
    assert write_archives(filed(450, 120), tmp_path, PER_ARCHIVE) == (570, 120)
    further = {f"good-{number}.zip": 100 for number in range(2, 5)} | {"good-5.zip": 50, "bad-2.zip": 20}
    assert archived(tmp_path) == {"good.zip": 100, "bad.zip": 100, **further}
    (tmp_path / "good-and-mine.zip").write_bytes((tmp_path / "bad.zip").read_bytes())
    assert write_archives(filed(100), tmp_path, PER_ARCHIVE) == (100, 0)
    assert archived(tmp_path) == {"good.zip": 100, "bad.zip": 0, "good-and-mine.zip": 100}
    assert list(tmp_path.glob("*.part")) == []


def test_a_failure_leaves_what_was_there_before(tmp_path: Path) -> None:
    write_archives(filed(150), tmp_path, PER_ARCHIVE)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def failing() -> Iterator[Filed]:
        yield from filed(250)
        raise OSError(28, "нет места")

    with pytest.raises(OSError, match="нет места"):
        write_archives(failing(), tmp_path, PER_ARCHIVE)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["good.zip", "bad-7.zip", "protocol.txt", "protocol.txt.part"])
@pytest.mark.parametrize("kind", ["ссылка", "папка", "устройство или канал"])
def test_what_is_no_file_is_refused_before_anything_is_touched(tmp_path: Path, name: str, kind: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "bad.zip").write_bytes(b"before")
    place = folder / name
    if kind == "ссылка":
        place.symlink_to(tmp_path / "elsewhere")
    elif kind == "папка":
        place.mkdir()
    else:
        os.mkfifo(place)
    before = place.lstat()
    with pytest.raises(ConfigurationError, match=f"{place} — {kind}, а не файл"):
        write_archives(filed(3, 1), folder)
    assert (place.lstat(), (folder / "bad.zip").read_bytes()) == (before, b"before")
    assert set(folder.iterdir()) == {place, folder / "bad.zip"}
    assert not (tmp_path / "elsewhere").exists()


def test_memory_does_not_grow_with_the_launch(tmp_path: Path) -> None:
    peaks = []
    for count in (2 * PER_ARCHIVE, 2 * PER_ARCHIVE, 20 * PER_ARCHIVE):  # the first one warms up
        tracemalloc.start()
        write_archives(filed(count), tmp_path, PER_ARCHIVE)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 18 * PER_ARCHIVE * ENTRY_BYTES / 4, peaks
