"""The system account a PostgreSQL server runs under.

PostgreSQL refuses to run as root. An ordinary user runs it as himself; root runs it under the owner of an
existing cluster, or under the system user ``service-journal``, created when missing. Nothing here changes
the mode or the owner of anything that already exists.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from gateway.domain.errors import ConfigurationError

SYSTEM_USER: Final = "service-journal"
SYSTEM_HOME: Final = Path("/var/lib/service-journal")
SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Nothing of the caller's environment reaches PostgreSQL: PGDATA, PGPORT, LD_PRELOAD or a foreign locale
# would change which cluster is opened and how it sorts.
ENVIRONMENT: Final[Mapping[str, str]] = {"PATH": SYSTEM_PATH, "LC_ALL": "C", "TZ": "UTC"}

_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs PostgreSQL. ``switched`` tells that this process is root and becomes that user first."""

    uid: int
    gid: int
    name: str
    switched: bool

    def spawn(
        self, arguments: Sequence[str | Path], *, output: IO[bytes] | int, dies_with_parent: signal.Signals
    ) -> subprocess.Popen[bytes]:
        """Start a program under this account, in a session of its own, its output going to ``output``.

        The kernel sends ``dies_with_parent`` to it when the *thread* that called this ends, so the caller
        must be a thread that lives as long as the program shall.

        Raises:
            ConfigurationError: the program cannot be started or this process may not change its user.
        """
        try:
            return subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",  # the caller's folder may be closed to this account
                env=ENVIRONMENT,
                user=self.uid if self.switched else None,
                group=self.gid if self.switched else None,
                extra_groups=() if self.switched else None,
                start_new_session=True,  # Ctrl-C at the terminal is the supervisor's to handle
                preexec_fn=_die_with_parent(dies_with_parent),  # noqa: PLW1509  # the only hook after setuid
            )
        except (OSError, subprocess.SubprocessError) as error:
            message = f"Не удалось запустить {arguments[0]} от имени пользователя {self.name}: {error}"
            raise ConfigurationError(message) from error

    def can_enter(self, folder: Path) -> bool:
        """Tell whether this account may pass through ``folder`` and every parent of it.

        Asked of the kernel, not computed from modes: access lists and mount options count too.
        """
        if not self.switched:
            return os.access(folder, os.X_OK)
        probe = self.spawn(["test", "-x", folder], output=subprocess.DEVNULL, dies_with_parent=signal.SIGKILL)
        return probe.wait() == 0

    def own(self, path: Path) -> None:
        """Give ``path``, just made by this process, to the account."""
        if self.switched:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def open_file(self, path: Path) -> int:
        """Open or make a file of the account (mode 0600) for reading and appending; return its descriptor.

        A symbolic link is refused: root must not be led out of a folder that another user owns.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if self.switched:
            os.fchown(descriptor, self.uid, self.gid)
        return descriptor


def account_for(cluster: Path) -> Account:
    """Choose the account for ``cluster``: its owner where it exists, else the system user or the caller.

    Raises:
        ConfigurationError: the cluster is another user's, or root cannot create the system user.
    """
    try:
        owner = cluster.stat()
    except FileNotFoundError:
        return _system_account() if os.geteuid() == 0 else _account(os.geteuid(), os.getegid())
    if os.geteuid() not in (0, owner.st_uid):
        message = (
            f"База данных {cluster} принадлежит пользователю {_name(owner.st_uid)}: "
            "запустите программу от его имени или от root"
        )
        raise ConfigurationError(message)
    if owner.st_uid == 0:
        message = f"База данных {cluster} принадлежит root, а PostgreSQL от root не работает: смените её владельца"
        raise ConfigurationError(message)
    return _account(owner.st_uid, owner.st_gid)


def _account(uid: int, gid: int) -> Account:
    return Account(uid=uid, gid=gid, name=_name(uid), switched=os.geteuid() == 0)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _system_account() -> Account:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _create_system_user()
    return _account(entry.pw_uid, entry.pw_gid)


def _create_system_user() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=SYSTEM_PATH)
    advice = f"создайте системного пользователя {SYSTEM_USER} или запустите программу не от root"
    if useradd is None:
        raise ConfigurationError(f"PostgreSQL не работает от root, а команды useradd нет: {advice}")
    options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    made = subprocess.run(
        [useradd, *options, "--home-dir", SYSTEM_HOME, SYSTEM_USER],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return pwd.getpwnam(SYSTEM_USER)  # another process may have been quicker: then useradd fails, rightly
    except KeyError:
        reason = made.stderr.strip()
        raise ConfigurationError(f"Команда useradd не создала пользователя ({reason}): {advice}") from None


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the signal was armed
            os._exit(1)

    return arm
