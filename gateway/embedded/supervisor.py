"""`gateway up`: PostgreSQL from the wheel, web processes and a worker under one supervisor, data in one folder."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gateway.domain.errors import ConfigurationError
from gateway.embedded import postgres
from gateway.journal.engine import connect
from gateway.journal.migrating import migrate

logger = logging.getLogger(__name__)

CHILDREN: Final = ("serve", "worker")
STOP_S: Final = 30.0
MAX_RESTART_PAUSE_S: Final = 5.0
STEADY_S: Final = 60.0
POLL_S: Final = 0.1
_PR_SET_PDEATHSIG: Final = 1
_libc: Final = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    """The embedded profile as a context: everything runs inside it and has ended after it.

    A child that dies is started again, with growing pauses up to 5 s; the record of a child that ran for
    a minute is clean. A database server that dies is started again too, and the children after it, for its
    address is new.
    """

    def __init__(self, data_dir: Path, environment: Mapping[str, str]) -> None:
        self._data_dir = data_dir
        self._environment = dict(environment)
        self._stop = threading.Event()
        self._watchers: list[threading.Thread] = []
        self._postgres: postgres.RunningPostgres | None = None
        self._database_up = threading.Event()
        self._children_gone = threading.Event()
        self._database = threading.Thread(target=self._keep_database, name="database", daemon=True)

    @property
    def database_url(self) -> str:
        """Address of the running database."""
        if self._postgres is None:
            raise ConfigurationError("Встроенная база данных не запущена")
        return self._postgres.url

    @property
    def description(self) -> str:
        """One line: where the data are."""
        if self._postgres is None:
            raise ConfigurationError("Встроенная база данных не запущена")
        return self._postgres.description

    def __enter__(self) -> Self:
        """Start the database and bring it to this release's schema; children are started by :meth:`start_children`."""
        self._postgres = postgres.start(self._data_dir)
        engine = connect(self._postgres.url, pool_size=1)
        try:
            migrate(engine)
        except BaseException:
            self._postgres.stop()
            raise
        finally:
            engine.dispose()
        self._database_up.set()
        self._database.start()
        return self

    def start_children(self) -> None:
        """Start the web processes and the worker; they get the database's address through their environment."""
        for name in CHILDREN:
            watcher = threading.Thread(target=self._keep_running, args=(name,), name=name, daemon=True)
            watcher.start()
            self._watchers.append(watcher)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the children, then the database."""
        self._stop.set()
        for watcher in self._watchers:
            watcher.join(STOP_S + 5)
        self._children_gone.set()
        self._database.join(STOP_S)
        if self._postgres is not None:
            self._postgres.stop()

    def _keep_database(self) -> None:
        """Start a dead server again. A server ends with the thread that started it: this one outlives the children."""
        pause = POLL_S
        while not self._children_gone.wait(pause):
            pause = POLL_S
            if self._postgres is None or self._postgres.is_alive():
                continue
            logger.error("the database server died, starting it again")
            self._database_up.clear()
            self._postgres.stop()
            try:
                self._postgres = postgres.start(self._data_dir)
            except ConfigurationError as error:
                logger.error("the database server does not start: %s", error.message)
                pause = MAX_RESTART_PAUSE_S
            else:
                self._database_up.set()

    def _keep_running(self, name: str) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            if not self._database_up.wait(POLL_S):
                continue
            database_url = self.database_url
            environment = {**os.environ, **self._environment, "GATEWAY_DATABASE_URL": database_url}
            began = time.monotonic()
            # The death signal follows the thread that forks: this one lives as long as the supervisor.
            child = subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", name],
                env=environment,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 # only calls prctl of a library loaded before
            )
            while child.poll() is None and not self._stop.wait(POLL_S) and self.database_url == database_url:
                pass
            if child.poll() is None:
                _end(child)
            _kill_group(child.pid)
            if self._stop.is_set():
                return
            pause = 0.5 if time.monotonic() - began > STEADY_S else min(MAX_RESTART_PAUSE_S, pause * 2 + 0.5)
            logger.warning("%s ended with status %s, starting again in %.1f s", name, child.returncode, pause)


def _kill_group(leader: int) -> None:
    """End what a dead child left behind: its own children would go on answering on the same port."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
