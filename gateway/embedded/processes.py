"""Processes of a cluster's server that an earlier supervisor left behind.

They are known by the cluster's name in their command line and by their owner: both are readable in
``/proc`` even to a root without the right to trace other users' processes.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.domain.errors import ConfigurationError

_POLL_S: Final = 0.02
_FAST_SHUTDOWN_S: Final = 60
_IMMEDIATE_SHUTDOWN_S: Final = 5


def cluster_name(folder: Path) -> str:
    """Name a cluster by its place on the disk; stays when the folder is moved, differs for a copy."""
    place = folder.stat()
    return f"service-journal-{place.st_dev:x}-{place.st_ino:x}"


def end_leftovers(folder: Path) -> None:
    """End what still runs on the cluster: first as a fast shutdown, then at once, then by force.

    The caller holds the cluster, so whatever runs has lost its supervisor. Takes 0 to 70 seconds. Nothing
    committed is lost in any of the three ways.

    Raises:
        ConfigurationError: a process does not end even by force.
    """
    left = list(_processes(folder))
    if postmaster_pid(folder) in left:
        _signal([postmaster_pid(folder)], signal.SIGINT)
        left = _wait_gone(folder, _FAST_SHUTDOWN_S)
    for way in (signal.SIGQUIT, signal.SIGKILL):
        if left:
            _signal(left, way)
            left = _wait_gone(folder, _IMMEDIATE_SHUTDOWN_S)
    if left:
        raise ConfigurationError(f"Процессы прежнего сервера базы данных {folder} не завершаются: {left}")


def postmaster_pid(folder: Path) -> int:
    """Return the number in ``postmaster.pid``, 0 where there is none; the process may be long dead."""
    lines = postmaster_lines(folder)
    return int(lines[0]) if lines else 0


def postmaster_lines(folder: Path) -> list[str]:
    """Return ``postmaster.pid``: number, folder, start, port, socket folder, address, memory key, status."""
    try:
        return [line.strip() for line in (folder / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def is_running(folder: Path) -> bool:
    """Tell whether a live server serves the cluster."""
    return postmaster_pid(folder) in _processes(folder)


def _processes(folder: Path) -> Iterator[int]:
    name = cluster_name(folder)
    owner = folder.stat().st_uid
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            if process.stat().st_uid == owner and _serves((process / "cmdline").read_bytes(), name):
                yield int(process.name)
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # ended while we looked, or hidden
            continue


def _serves(command_line: bytes, name: str) -> bool:
    if command_line.startswith(f"postgres: {name}: ".encode()):  # a child, which renames itself
        return True
    arguments = command_line.split(b"\0")
    return Path(os.fsdecode(arguments[0])).name == "postgres" and f"cluster_name={name}".encode() in arguments


def _signal(processes: list[int], way: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process, way)
        except ProcessLookupError:
            continue


def _wait_gone(folder: Path, limit_s: float) -> list[int]:
    deadline = time.monotonic() + limit_s
    while (left := list(_processes(folder))) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return left
