"""What stand-in peers share: a service over HTTP with its ports, and a memory in SQLite."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, ClassVar, Final

from gateway.domain.errors import ConfigurationError
from workers.sandbox.server import LOOPBACK, AdminRoutes, Application, SandboxServer
from workers.sandbox.soap import Credentials
from workers.sandbox.switches import Switches, SwitchValues

NO_PLACE: Final = "создайте папку и дайте право записи в неё"
NOT_OURS: Final = "это не файл состояния стенда, укажите другой"
_ADVICE: Final = {
    sqlite3.SQLITE_CANTOPEN: NO_PLACE,
    sqlite3.SQLITE_PERM: "дайте право чтения и записи",
    sqlite3.SQLITE_READONLY: "дайте право записи в файл и его папку",
    sqlite3.SQLITE_NOTADB: NOT_OURS,
    sqlite3.SQLITE_BUSY: "файл занят другим процессом",
}
_LOW_BYTE: Final = 0xFF
"""The rest of SQLite's code tells the same failure in more detail."""


class Memory:
    """What one stand-in remembers, in one file or in memory only; any thread may use it, one at a time.

    Raises:
        ConfigurationError: the file cannot be opened; the message says what to do.
    """

    def __init__(self, file: Path | None, schema: str) -> None:
        self._lock = RLock()
        with ExitStack() as opened:
            try:
                self._db = sqlite3.connect(file or ":memory:", check_same_thread=False, isolation_level=None)
                opened.callback(self._db.close)
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = NORMAL")  # survives the end of the process, which is enough here
                self._db.executescript(schema)
            except sqlite3.Error as error:
                advice = _ADVICE.get(error.sqlite_errorcode & _LOW_BYTE, str(error))
                raise ConfigurationError(f"Файл состояния {file} не открывается: {advice}") from error
            opened.pop_all()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the memory; commit on leaving, roll back on an exception."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _all(self, statement: str, *values: object) -> list[Any]:
        """Execute one statement; its rows."""
        with self._lock:
            return self._db.execute(statement, values).fetchall()

    def _one(self, statement: str, *values: object) -> Any | None:
        """Execute one statement; its first row."""
        rows = self._all(statement, *values)
        return rows[0] if rows else None


Opened = tuple[Application, AdminRoutes, Memory]
"""A service that may be served, what the admin endpoint has besides the switches, and the memory of both."""


class HttpStand:
    """One stand-in peer over HTTP in this process. ``switches`` may be changed at any moment."""

    path: ClassVar[str]
    """Path of its service."""

    def __init__(self, model: type[SwitchValues] = SwitchValues) -> None:
        self.switches: Final = Switches(model)
        self._memory: Memory | None = None

    @property
    def url(self) -> str:
        """Address of the service."""
        return self._server.address + self.path

    @property
    def admin_url(self) -> str:
        """Address of the admin endpoint: GET, POST, DELETE /switches, and what the stand-in adds to it."""
        return self._server.admin_address

    def stop(self) -> None:
        """Finish what was taken, close the ports and the memory."""
        self._server.stop()
        self._forget()

    def _serve(
        self,
        application: Application,
        admin: AdminRoutes,
        memory: Memory | None,
        *,
        host: str,
        port: int,
        admin_port: int,
    ) -> str:
        """Open the ports and return the address of the service; ``memory`` is closed with them.

        Raises:
            OSError: a port is taken.
        """
        self._memory = memory
        self._server = SandboxServer(application, self.switches, admin)
        try:
            self._server.start(host, port, admin_port)
        except OSError:
            self._forget()
            raise
        return self.url

    def _forget(self) -> None:
        if self._memory is not None:
            self._memory.close()


class SoapStand(HttpStand, ABC):
    """One stand-in whose callers sign in to a SOAP service with the one account that it knows."""

    def start(
        self,
        *,
        username: str,
        password: str,
        port: int = 0,
        state: Path | None = None,
        host: str = LOOPBACK,
        admin_port: int = 0,
    ) -> str:
        """Start serving and return the address of the service; its WSDL is at the address with ``?wsdl``.

        Port 0 takes a free one. ``state`` is the file that outlives a restart; None keeps all in memory.

        Raises:
            OSError: a port is taken.
            ConfigurationError: the state file cannot be opened.
        """
        opened = self._open(Credentials(username, password), state)
        return self._serve(*opened, host=host, port=port, admin_port=admin_port)

    @abstractmethod
    def _open(self, credentials: Credentials, state: Path | None) -> Opened:
        """Make the service that is to be served, with its memory in the file ``state`` or in memory only.

        Raises:
            ConfigurationError: the state file cannot be opened.
        """
