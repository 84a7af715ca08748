"""Where a data folder's cluster lies, who holds it, and how it comes into being.

A data folder holds ``postgres`` (the cluster), ``postgres.log`` and ``postgres.lock``. Where root keeps the
data folder in a place its system user may not enter (``/root/…``), the cluster lies in a folder of its own
under ``/var/lib/service-journal`` and ``postgres`` is a symbolic link to it. The link is the truth: moving
the data folder keeps its cluster, and a new data folder never finds the cluster of a deleted one.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.disk import sync_folder
from gateway.domain.errors import ConfigurationError
from gateway.embedded.account import SYSTEM_HOME, Account, account_for
from gateway.embedded.binaries import MAJOR_VERSION, Binaries, ensure_system_home

SUPERUSER: Final = "postgres"
CLUSTER: Final = "postgres"
_LOG: Final = "postgres.log"
_LOCK: Final = "postgres.lock"
_STAGING: Final = "postgres.new-"
_LOG_LIMIT_BYTES: Final = 16 * 1024 * 1024
_INITDB_OPTIONS: Final = (
    f"--username={SUPERUSER}",
    "--encoding=UTF8",
    "--locale=C",  # a bare machine has no other locale, and C sorts the same on every machine
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",  # upper, lower and ILIKE know Cyrillic
    "--auth-local=trust",  # the socket's folder lets nobody else in
    "--auth-host=reject",
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster's place: ``folder`` is the real one, ``data_dir`` the data folder it belongs to."""

    data_dir: Path
    folder: Path

    @property
    def log(self) -> Path:
        """The server's log; it holds no statement, no parameter and no error detail."""
        return self.data_dir / _LOG

    @property
    def lock(self) -> Path:
        """Held by the supervisor; lies beside the cluster, so that a copied link finds it held."""
        return self.folder.parent / _LOCK

    @property
    def is_elsewhere(self) -> bool:
        """The data folder holds only a link to the cluster."""
        return self.folder.parent != self.data_dir


class Hold:
    """An exclusive claim on a cluster, dropped by ``release`` or by the death of the process.

    The file tells the holder's process number and the folder of its socket.
    """

    def __init__(self, cluster: Cluster, account: Account) -> None:
        self._descriptor = account.open_file(cluster.lock)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._lines()[0]
            os.close(self._descriptor)
            message = f"Папка данных {cluster.data_dir} уже используется процессом {holder}"
            raise ConfigurationError(message) from None
        self.previous_sockets = Path(self._lines()[1])
        self.record(self.previous_sockets)  # until they are removed: a death before that must not forget them

    def record(self, sockets: Path) -> None:
        """Write down this process and the folder of its server's socket."""
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n{sockets}\n".encode())

    def release(self) -> None:
        """Let another supervisor in."""
        os.close(self._descriptor)

    def _lines(self) -> list[str]:
        return [*os.pread(self._descriptor, 4096, 0).decode().splitlines(), "?", ""]


def locate(data_dir: Path) -> Cluster:
    """Find the cluster of a data folder or choose a place for it; make the data folder when missing.

    A new data folder is closed to others: mode 0700, or 0711 where root's system user must pass through it.

    Raises:
        ConfigurationError: the folder cannot be made or written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        data_dir = data_dir.resolve()
        return Cluster(data_dir, _folder(data_dir))
    except OSError as error:
        raise ConfigurationError(f"Папка данных {data_dir} недоступна: {error.strerror}") from error


def create(cluster: Cluster, account: Account, binaries: Binaries, log: int, *, durable: bool) -> None:
    """Make a new cluster; it appears by one rename, so a death halfway leaves nothing that looks like one.

    ``durable=False`` leaves the writing to the disk to the operating system (tests only).

    Raises:
        ConfigurationError: initdb failed; the message holds the end of its output.
    """
    parent = cluster.folder.parent
    for leftover in parent.glob(f"{_STAGING}*"):
        _remove(leftover)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=parent))
    account.own(staging)
    options = _INITDB_OPTIONS if durable else (*_INITDB_OPTIONS, "--no-sync")
    before = os.fstat(log).st_size
    initdb = account.spawn(
        [binaries.initdb, *options, "--pgdata", staging], output=log, dies_with_parent=signal.SIGKILL
    )
    if initdb.wait() != 0:
        shutil.rmtree(staging)
        message = f"Не удалось создать базу данных в {parent}: {log_tail(log, before)}"
        raise ConfigurationError(message)
    staging.rename(cluster.folder)
    sync_folder(parent)


def check_usable(cluster: Cluster, account: Account) -> None:
    """Refuse a cluster of another major version and one the account cannot reach.

    Raises:
        ConfigurationError: with what to do about it.
    """
    if not account.can_enter(cluster.folder):
        message = f"Пользователь {account.name} не может войти в {cluster.folder}: перенесите папку данных"
        raise ConfigurationError(message)
    version = (cluster.folder / "PG_VERSION").read_text(encoding="ascii").strip()
    if version != str(MAJOR_VERSION):
        message = (
            f"База данных {cluster.folder} создана PostgreSQL {version}, а эта программа содержит "
            f"PostgreSQL {MAJOR_VERSION}: выгрузите данные прежней версией программы"
        )
        raise ConfigurationError(message)


def open_log(cluster: Cluster, account: Account) -> int:
    """Open the log for appending, putting a log over 16 MiB aside first; return its descriptor."""
    if cluster.log.exists() and cluster.log.stat().st_size > _LOG_LIMIT_BYTES:
        cluster.log.rename(cluster.log.with_name(f"{_LOG}.1"))
    return account.open_file(cluster.log)


def log_tail(log: int, start: int) -> str:
    """Return the last lines written to the log after byte ``start``, in one line."""
    written = os.pread(log, 1024 * 1024, start).decode(errors="replace").splitlines()
    return " | ".join(line for line in written[-5:] if line) or "журнал сервера пуст"


def _remove(leftover: Path) -> None:
    """Remove a folder whose server, ending after its supervisor, may be taking files away and writing its last ones."""
    while leftover.exists():
        try:
            shutil.rmtree(leftover)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                raise


def _folder(data_dir: Path) -> Path:
    link = data_dir / CLUSTER
    if link.is_symlink() or link.exists() or account_for(link).can_enter(data_dir):
        return link.resolve()
    ensure_system_home()
    home = Path(tempfile.mkdtemp(prefix=f"{data_dir.name.lstrip('.')}-", dir=SYSTEM_HOME))
    home.chmod(0o711)
    try:
        link.symlink_to(home / CLUSTER)
    except FileExistsError:  # another process was quicker; its place is the place
        home.rmdir()
    return link.resolve()
