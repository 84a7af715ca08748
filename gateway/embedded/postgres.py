"""Start and stop the PostgreSQL of the embedded profile.

The server is a child of this process, listens on a socket in a private folder and nowhere else, and shuts
down when its supervisor dies, by whatever death. A supervisor that finds the server of a killed one still at
its shutdown waits for it and starts a new server: a server is never shared with another's log and settings.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import psycopg

from gateway.domain.errors import ConfigurationError
from gateway.embedded.account import Account, account_for
from gateway.embedded.binaries import binaries_for
from gateway.embedded.cluster import (
    CLUSTER,
    SUPERUSER,
    Cluster,
    Hold,
    check_usable,
    create,
    locate,
    log_tail,
    open_log,
)
from gateway.embedded.processes import cluster_name, end_leftovers, is_running, postmaster_lines

__all__ = ["DATABASE", "RunningPostgres", "discard", "running_url", "start"]

DATABASE: Final = "gateway"

_PORT: Final = 5432  # only part of the socket's name: no network address is listened on
_SOCKET: Final = f".s.PGSQL.{_PORT}"
_SOCKET_FOLDER: Final = "service-journal-"
_SOCKET_PARENT_LIMIT_BYTES: Final = 60  # the kernel allows 107 for the whole path
_READY_POLL_S: Final = 0.02
# A server that fails is noticed at once by its end; a long recovery after a power cut must not be cut short.
_READY_LIMIT_S: Final = 300
_FAST_SHUTDOWN_S: Final = 60
_IMMEDIATE_SHUTDOWN_S: Final = 10

_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "dynamic_shared_memory_type": "mmap",  # /dev/shm of a container holds 64 MB
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The log must not hold patients' data: errors quote values, their details whole rows, statements
    # both. What stays is the life of the server itself (levels LOG, FATAL and PANIC).
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "logging_collector": "off",
}
_DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_NOT_DURABLE: Final = {**dict.fromkeys(_DURABLE, "off"), "max_wal_size": "128MB"}


@dataclass
class RunningPostgres:
    """A running server. ``url`` is a libpq URI of the database ``gateway``; ``pid`` the server's process.

    Use it as a context manager or call ``stop``.
    """

    url: str
    data_dir: Path
    cluster: Path
    pid: int
    version: str
    account: str
    _process: subprocess.Popen[bytes] = field(repr=False)
    _sockets: Path = field(repr=False)
    _hold: Hold = field(repr=False)
    _stopped: bool = field(default=False, repr=False)

    @property
    def description(self) -> str:
        """One Russian line for people: where the data are and who runs the server."""
        return f"Данные: {self.cluster} (PostgreSQL {self.version}, пользователь {self.account})"

    def is_alive(self) -> bool:
        """Tell whether the server still runs; a dead one is replaced by ``stop`` and a new ``start``."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Shut down: clients are disconnected, open transactions roll back. Waits up to 70 s; repeatable."""
        if self._stopped:
            return
        self._stopped = True
        _end(self._process)
        _remove_sockets(self._sockets)
        self._hold.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(data_dir: Path, *, durable: bool = True) -> RunningPostgres:
    """Start the server of a data folder, making folder, cluster and database ``gateway`` where missing.

    Call it from a thread that lives as long as the server shall: the server shuts down when that thread ends.
    ``durable=False`` trades safety after a power cut for speed (tests only). As root the server runs under
    the owner of an existing cluster, or under the system user ``service-journal``.

    Raises:
        ConfigurationError: the folder is in use by another process or unusable, or the server does not
            start; the message then holds the end of its log.
    """
    cluster = locate(data_dir)
    account = account_for(cluster.folder)
    try:
        hold = Hold(cluster, account)
        try:
            return _start(cluster, account, hold, durable=durable)
        except BaseException:
            hold.release()
            raise
    except OSError as error:
        raise ConfigurationError(f"Папка данных {cluster.data_dir} недоступна: {error.strerror}") from error


def running_url(data_dir: Path) -> str | None:
    """Return the URL of the server that another process runs on this data folder, None where none runs.

    Raises:
        ConfigurationError: the cluster is another user's.
    """
    folder = (data_dir / CLUSTER).resolve()
    if not folder.exists():
        return None
    account_for(folder)
    if not is_running(folder):
        return None
    lines = postmaster_lines(folder)
    return _url(Path(lines[4]), DATABASE) if lines[-1] == "ready" else None


def discard(data_dir: Path) -> None:
    """Delete the cluster of a data folder with everything in it, wherever it lies; the folder itself stays.

    Raises:
        ConfigurationError: the cluster is in use or another user's.
    """
    link = data_dir.resolve() / CLUSTER
    if not link.is_symlink() and not link.exists():
        return
    cluster = Cluster(link.parent, link.resolve())
    hold = Hold(cluster, account_for(cluster.folder))
    try:
        shutil.rmtree(cluster.folder, ignore_errors=not cluster.folder.exists())
        cluster.lock.unlink()
        if cluster.is_elsewhere:
            link.unlink()
            cluster.folder.parent.rmdir()
        cluster.log.unlink(missing_ok=True)
        _remove_sockets(hold.previous_sockets)
    finally:
        hold.release()


def _start(cluster: Cluster, account: Account, hold: Hold, *, durable: bool) -> RunningPostgres:
    binaries = binaries_for(account)
    log = open_log(cluster, account)
    try:
        if not cluster.folder.exists():
            create(cluster, account, binaries, log, durable=durable)
        check_usable(cluster, account)
        end_leftovers(cluster.folder)
        _remove_sockets(hold.previous_sockets)
        sockets = _make_sockets(account)
        hold.record(sockets)
        arguments: list[str | Path] = [binaries.postgres, "-D", cluster.folder, "-p", str(_PORT)]
        for name, value in _settings(cluster, sockets, durable=durable):
            arguments += ["-c", f"{name}={value}"]
        before = os.fstat(log).st_size
        process = account.spawn(arguments, output=log, dies_with_parent=signal.SIGINT)
        try:
            _wait_ready(process, cluster, log, before)
            version = _ensure_database(sockets)
        except BaseException:
            _end(process)
            _remove_sockets(sockets)
            raise
    finally:
        os.close(log)
    return RunningPostgres(
        url=_url(sockets, DATABASE),
        data_dir=cluster.data_dir,
        cluster=cluster.folder,
        pid=process.pid,
        version=version,
        account=account.name,
        _process=process,
        _sockets=sockets,
        _hold=hold,
    )


def _settings(cluster: Cluster, sockets: Path, *, durable: bool) -> Iterator[tuple[str, str]]:
    yield from _SETTINGS.items()
    yield from (_DURABLE if durable else _NOT_DURABLE).items()
    yield "unix_socket_directories", f'"{sockets}"'
    yield "cluster_name", cluster_name(cluster.folder)


def _wait_ready(process: subprocess.Popen[bytes], cluster: Cluster, log: int, log_start: int) -> None:
    deadline = time.monotonic() + _READY_LIMIT_S
    while time.monotonic() < deadline:
        lines = postmaster_lines(cluster.folder)
        if len(lines) == 8 and lines[0] == str(process.pid) and lines[7] == "ready":
            return
        if process.poll() is not None:
            break
        time.sleep(_READY_POLL_S)
    tail = log_tail(log, log_start)
    raise ConfigurationError(f"PostgreSQL не запустился в {cluster.folder} (журнал {cluster.log}): {tail}")


def _ensure_database(sockets: Path) -> str:
    """Create the database when missing; return the server's version."""
    try:
        with psycopg.connect(_url(sockets, "postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(DATABASE)))
            return connection.info.parameter_status("server_version") or ""
    except psycopg.Error as error:
        raise ConfigurationError(f"PostgreSQL запущен, но не отвечает: {error}") from error


def _url(sockets: Path, database: str) -> str:
    return f"postgresql:///{database}?host={quote(str(sockets), safe='/')}&port={_PORT}&user={SUPERUSER}"


def _make_sockets(account: Account) -> Path:
    """Make a private folder with a fresh name: nobody can have put another one in its place."""
    for parent in (tempfile.gettempdir(), "/tmp", "/run"):  # noqa: S108  # a fresh folder is made in it
        if len(os.fsencode(parent)) <= _SOCKET_PARENT_LIMIT_BYTES and account.can_enter(Path(parent)):
            sockets = Path(tempfile.mkdtemp(prefix=_SOCKET_FOLDER, dir=parent))
            account.own(sockets)
            return sockets
    message = "Нет папки для сокета PostgreSQL: откройте /tmp или задайте TMPDIR с коротким путём"
    raise ConfigurationError(message)


def _remove_sockets(sockets: Path) -> None:
    """Remove what is left of a server's socket; the name is checked, since it is read from a file."""
    if not sockets.name.startswith(_SOCKET_FOLDER) or sockets.is_symlink():
        return
    for name in (_SOCKET, f"{_SOCKET}.lock"):
        (sockets / name).unlink(missing_ok=True)
    if sockets.exists():
        sockets.rmdir()


def _end(process: subprocess.Popen[bytes]) -> None:
    for way, limit_s in ((signal.SIGINT, _FAST_SHUTDOWN_S), (signal.SIGQUIT, _IMMEDIATE_SHUTDOWN_S)):
        process.send_signal(way)
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()
