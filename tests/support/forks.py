"""Processes of ours forked from one that has imported everything and runs no threads: each costs a second less.

They are processes in every other respect: they have memory, connections and a death of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import wait
from typing import Final

FORKS: Final = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.support.apart", "tests.support.doomed_worker"])
_READING_ENDS: Final = threading.Lock()
"""How a process ended can be read once, and every start of another one reads it too."""


class Fork:
    """A process that runs a function of a module; it ends with the test session at the latest."""

    def __init__(self, run: Callable[..., None], *arguments: object) -> None:
        self._process = FORKS.Process(target=run, args=arguments, daemon=True)
        with _READING_ENDS:
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def end(self, limit_s: float | None = None) -> int | None:
        """Wait for its end and return the exit code, a negative signal if it was killed; None when it still lives."""
        wait([self._process.sentinel], limit_s)
        with _READING_ENDS:
            return self._process.exitcode

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self._process.kill()
        self.end()
