"""A file appears whole or not at all; what is no file is never replaced by one."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from gateway.disk import written_whole


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
