"""A file appears whole or not at all; what is no file is never replaced by one."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from gateway.disk import temporary_folder, written_whole
from gateway.domain.errors import ConfigurationError


def write(path: Path, data: bytes) -> None:
    with written_whole(path) as file:
        file.write(data)


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / "report.xml"
    link.symlink_to(elsewhere / "kept.xml")
    for data in (b"first", b"second"):
        write(link, data)
        assert link.is_symlink()
        assert [(path.name, path.read_bytes()) for path in elsewhere.iterdir()] == [("kept.xml", data)]


def test_a_pipe_stays_and_gets_what_is_written(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write(link, b"report")
    reader.join(10)
    assert (read, pipe.is_fifo(), link.is_symlink()) == ([b"report"], True, True)
    assert set(tmp_path.iterdir()) == {pipe, link}


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "report.xml"
    write(file, b"before")
    with pytest.raises(TypeError):
        write(file, "no bytes")  # type: ignore[arg-type] # that is the failure
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("report.xml", b"before")]


def test_a_temporary_folder_lies_where_it_is_told_and_goes_with_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with temporary_folder("mine-") as folder:
        (folder / "below").mkdir()
        (folder / "below" / "file").write_bytes(b"data")
        assert (folder.parent, folder.stat().st_mode & 0o777) == (tmp_path, 0o700)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_place_that_cannot_be_used_is_not_passed_over_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TMPDIR", str(tmp_path / kind))
    with pytest.raises(ConfigurationError, match=f"Нет места для временных файлов в {tmp_path / kind}: "):
        temporary_folder("mine-").__enter__()


def test_a_place_closed_meanwhile_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: object, **_: object) -> None:
        raise PermissionError(13, "closed", path)

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(PermissionError), temporary_folder("mine-"):
        monkeypatch.setattr(os, "rmdir", closed)  # root may do all else
    monkeypatch.undo()
