"""The leftover of a cluster that was never finished goes, whatever its dying server does to it at the same time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gateway.domain.errors import ConfigurationError
from gateway.embedded.account import Account
from gateway.embedded.binaries import Binaries
from gateway.embedded.cluster import Cluster, create

ME = Account(os.geteuid(), os.getegid(), "я", switched=False)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """A data folder in which a cluster was begun and never finished."""
    begun = tmp_path / "postgres.new-1"
    for name in ("base/1", "pg_stat"):
        (begun / name).mkdir(parents=True)
    for name in ("base/1/2662", "base/1/2663", "postmaster.pid"):
        (begun / name).write_bytes(b"8192")
    return Cluster(tmp_path, tmp_path / "postgres")


def take_away(name: str, *, dir_fd: int | None = None) -> None:
    """The server unlinks its own file, once it is listed and before it is removed."""
    os.unlink(name, dir_fd=dir_fd)  # rmtree works below an open folder


def write(name: str, *, dir_fd: int | None = None) -> None:
    """The server writes its last file into a folder that was found empty."""
    os.close(os.open(f"{name}/pgstat.tmp", os.O_WRONLY | os.O_CREAT, dir_fd=dir_fd))


def before_first(monkeypatch: pytest.MonkeyPatch, call: str, act: Callable[..., None]) -> list[str]:
    """Let the server act just before each name is first removed by that call of the system; tell the names."""
    met: list[str] = []
    real = getattr(os, call)

    def hooked(name: str, *, dir_fd: int | None = None) -> None:
        if dir_fd is not None and name not in met:
            met.append(name)
            act(name, dir_fd=dir_fd)
        real(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, call, hooked)
    return met


@pytest.mark.parametrize(
    ("call", "act", "names"),
    [("unlink", take_away, {"2662", "2663", "postmaster.pid"}), ("rmdir", write, {"base", "1", "pg_stat"})],
)
def test_a_leftover_goes_while_its_server_takes_files_away_and_writes_others(
    cluster: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    act: Callable[..., None],
    names: set[str],
) -> None:
    (tmp_path / "initdb").symlink_to(shutil.which("false") or "")
    make = partial(create, cluster, ME, Binaries(tmp_path), durable=False)
    met = before_first(monkeypatch, call, act)
    with (tmp_path / "log").open("w+b") as log, pytest.raises(ConfigurationError, match="Не удалось создать"):
        make(log.fileno())
    assert names <= set(met)
    assert list(cluster.folder.parent.glob("postgres.new-*")) == []
