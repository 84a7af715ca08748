"""What file servers share, FTP and SFTP alike: where they are, how files are called on their way, what people read.

A file travels under a temporary name that begins with a dot and is made of its name and content. The same file sent
again overwrites what a cut connection left behind, and two senders of one file cannot spoil it for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from random import Random
from typing import Final

from gateway.domain.errors import ConfigurationError
from workers.exchange import NotSent
from workers.transports.wire import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, positive

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
TRANSFER_TIMEOUT_S: Final = 600.0

SIGN_IN_REFUSED: Final = "Ошибка при авторизации"
NO_EXPORT_FOLDER: Final = "Не задана папка для экспорта"
NO_IMPORT_FOLDER: Final = "Не задана папка для импорта"
EXPORT_FOLDER_AWAY: Final = "Папки для экспорта не существует или к ней нет доступа"
IMPORT_FOLDER_AWAY: Final = "Папки для импорта не существует или к ней нет доступа"
NOT_WHOLE: Final = "Файл передан не целиком."
CUT: Final = "Связь с сервером прервалась."
TOO_LARGE: Final = f"Файл на сервере больше допустимых {MAX_FILE_BYTES} байт."
UNREADABLE: Final = "Файл в папке обмена не читается"
NOT_REMOVED: Final = "Файл из папки обмена не удаляется"
_MAX_NAME_BYTES: Final = 200


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of a server; ``path`` is empty when the site names none."""

    path: str
    missing: str
    away: str

    def require(self) -> str:
        """Path of the folder, without a slash at its end.

        Raises:
            ConfigurationError: the site names none.
        """
        if not self.path:
            raise ConfigurationError(self.missing)
        return self.path.rstrip("/") or "/"

    def place(self, name: str) -> str:
        """Path of a file in the folder. Raises as ``require``."""
        return f"{self.require().rstrip('/')}/{name}"


@dataclass(frozen=True, slots=True)
class Site:
    """A server and the two folders of an exchange on it. Times in seconds."""

    host: str
    port: int
    user: str
    password: str
    exported: Folder
    imported: Folder
    connect_timeout_s: float
    read_timeout_s: float
    transfer_timeout_s: float


def read_site(settings: Mapping[str, str], default_port: int) -> Site:
    """Read what FTP and SFTP need alike: host, port, user, password, export_folder, import_folder, time-outs.

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    missing = [key for key in ("host", "user", "password") if not settings.get(key)]
    if missing:
        raise ConfigurationError(f"Не заданы настройки обмена: {', '.join(missing)} (таблица services)")
    port = settings.get("port") or str(default_port)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ConfigurationError("Настройка port: нужен номер порта от 1 до 65535.")
    return Site(
        host=settings["host"],
        port=int(port),
        user=settings["user"],
        password=settings["password"],
        exported=Folder(settings.get("export_folder", ""), NO_EXPORT_FOLDER, EXPORT_FOLDER_AWAY),
        imported=Folder(settings.get("import_folder", ""), NO_IMPORT_FOLDER, IMPORT_FOLDER_AWAY),
        connect_timeout_s=positive(settings, "connect_timeout_s", CONNECT_TIMEOUT_S),
        read_timeout_s=positive(settings, "read_timeout_s", READ_TIMEOUT_S),
        transfer_timeout_s=positive(settings, "transfer_timeout_s", TRANSFER_TIMEOUT_S),
    )


def is_plain(name: str) -> bool:
    """Tell whether this is a plain, visible file name of at most 200 bytes in UTF-8."""
    if not name or name.startswith(".") or set("/\\\0\r\n") & set(name):
        return False
    try:
        return len(name.encode()) <= _MAX_NAME_BYTES
    except UnicodeEncodeError:  # how the system shows a name that is no UTF-8
        return False


def plain(name: str) -> str:
    """Return the name. What is no plain file name is a mistake of the caller: ValueError."""
    if not is_plain(name):
        raise ValueError("not a plain file name")
    return name


def part_name(name: str, data: bytes) -> str:
    """Temporary name of a file on its way."""
    return f".{plain(name)}.{sha256(data).hexdigest()[:12]}.part"


class SomeNames:
    """Names of a folder, of those that an exchange is shown: all of them, sorted, or of more than ``limit`` any, each
    with the same chance, in no order. No more than ``limit`` are held.

    ``patterns`` are those of the manifest's ``incoming``: a name fits one of them, where there are any (letters' case
    counts).
    """

    def __init__(self, patterns: Sequence[str], suffix: str, limit: int) -> None:
        self._patterns = patterns
        self._suffix = suffix
        self._limit = limit
        self._kept: list[str] = []
        self._seen = 0
        self._random = Random()  # noqa: S311 # a fair draw, no secret

    def add(self, name: str) -> None:
        """Take the next name of the listing, which is in no order."""
        if not is_plain(name) or not name.endswith(self._suffix):
            return
        if self._patterns and not any(fnmatchcase(name, pattern) for pattern in self._patterns):
            return
        self._seen += 1
        if self._seen <= self._limit:
            self._kept.append(name)
        elif (place := self._random.randrange(self._seen)) < self._limit:
            self._kept[place] = name

    def told(self) -> tuple[str, ...]:
        """The names, once all were added."""
        if self._seen <= self._limit:
            return tuple(sorted(self._kept))
        return tuple(self._random.sample(self._kept, self._limit))


def no_connection(site: Site) -> NotSent:
    """The server cannot be reached."""
    return NotSent(f"Нет соединения с сервером {site.host}:{site.port}.")
