"""One throwaway PostgreSQL for a whole test session, and databases made from it.

The server is the embedded one in a temporary folder, or the server of ``GATEWAY_TEST_POSTGRES_URL`` (a libpq
URI of a role that may create databases; its own databases are left alone).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg.sql import SQL, Identifier

from gateway.embedded import start

MEMORY: Final = Path("/dev/shm")  # noqa: S108 # a folder with a random name is made in it
ROOM_BYTES: Final = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class ThrowawayPostgres:
    """A server for tests. ``url`` is a libpq URI of a database that always exists and that nobody fills."""

    url: str

    def create_database(self, template: str | None = None) -> str:
        """Make a database, empty or a copy of the database ``template`` names by its URL; return its URL.

        Nobody may be connected to the template meanwhile.
        """
        name = f"test_{uuid.uuid4().hex}"
        source = _name(template) if template else "template0"
        with psycopg.connect(self.url, autocommit=True) as connection:
            statement = SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
            connection.execute(statement.format(Identifier(name), Identifier(source)))
        return _with_name(self.url, name)

    def drop_database(self, url: str) -> None:
        """Drop a database made here, disconnecting whoever still uses it."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(_name(url))))


@contextmanager
def session_server() -> Iterator[ThrowawayPostgres]:
    """Give the server of a test session; an embedded one is stopped and deleted at the end.

    Enter it from the main thread: an embedded server ends with the thread that started it.
    """
    if url := os.environ.get("GATEWAY_TEST_POSTGRES_URL"):
        yield ThrowawayPostgres(url)
        return
    folder = Path(tempfile.mkdtemp(prefix="gateway-tests-", dir=_roomy_memory()))
    try:
        folder.chmod(0o711)  # as root the server's user must pass through it
        with start(folder / "data", durable=False) as server:
            yield ThrowawayPostgres(server.url)
    finally:
        shutil.rmtree(folder)


def _roomy_memory() -> Path | None:
    """A file system in memory with room for every database of a session; None where there is none.

    A database is some eight hundred files, which most disks take ten times as long to make as to fill.
    """
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free >= ROOM_BYTES and os.access(MEMORY, os.W_OK | os.X_OK):
            return MEMORY
    return None


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _with_name(url: str, name: str) -> str:
    address, separator, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{separator}{options}"
