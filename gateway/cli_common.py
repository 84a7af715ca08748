"""What the commands of `gateway` share: where the database is, and how failures are told."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, ParamSpec, TypeVar

import click
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, OperationalError, ProgrammingError

from gateway.domain.errors import ConfigurationError, GatewayError
from gateway.domain.zones import time_zone
from gateway.journal import schema
from gateway.journal.engine import connect
from gateway.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.table import Table

EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 # compared with only

_NOT_HEARD: Final = {
    errno.EADDRINUSE: "порт занят другой программой",
    errno.EADDRNOTAVAIL: "это не адрес этой машины",
    errno.EACCES: "нет права на этот порт, возьмите порт от 1024",
    socket.EAI_NONAME: "такого узла нет",
}

_SENTENCES: Final[Mapping[type[Exception], str]] = {
    OperationalError: "База данных не отвечает: проверьте GATEWAY_DATABASE_URL и то, что PostgreSQL запущен",
    DataError: "База данных не хранит такого значения: оно слишком длинное, или в нём знак с кодом 0",
    UnicodeDecodeError: "Файл должен быть в кодировке UTF-8",
    UnicodeEncodeError: "Значения команды должны быть в кодировке UTF-8",
}
_FAILURES: Final[tuple[type[Exception], ...]] = (ProgrammingError, OSError, *_SENTENCES)
_NO_RIGHTS: Final = "У пользователя базы данных нет прав на её таблицы: дайте их или смените GATEWAY_DATABASE_URL"

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_DATA: Final = ".data"
"""Where the embedded profile keeps its data unless told otherwise."""
DATA = click.option(
    "--data",
    "data_dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Папка данных встроенной базы (без неё: GATEWAY_DATABASE_URL).",
)


def print_table(table: Table) -> None:
    """Print a table whole: what does not fit a terminal is folded, and nothing is folded where there is none."""
    from rich.console import Console  # a worker of production has no use for it

    for column in table.columns:
        column.overflow = "fold"
    console = Console()
    if not console.is_terminal:
        console.width = max(
            console.width, console.measure(table, options=console.options.update(width=1_000_000)).maximum
        )
    console.print(table)


def local(moment: datetime) -> datetime:
    """A moment by the clock of this site (``GATEWAY_TIME_ZONE``).

    Raises:
        ConfigurationError: a setting is wrong.
    """
    return moment.astimezone(time_zone(load_settings().time_zone))


class Moment(click.DateTime):
    """A moment by the clock of this site; aware."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it, or fail as every option does."""
        given: datetime = super().convert(value, param, ctx)
        try:
            moment = given.replace(tzinfo=time_zone(load_settings().time_zone))
            moment.astimezone(UTC)
            return moment
        except ConfigurationError as error:
            self.fail(error.message, param, ctx)
        except (ValueError, OverflowError):  # the first and the last day that Python knows
            self.fail("такого года нет", param, ctx)


def readable_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Turn expected failures into one line and an exit code that means something."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except ConfigurationError as error:
            _fail(error.message, 2)
        except GatewayError as error:
            _fail(error.message, 1)
        except _FAILURES as error:
            if (sentence := _sentence(error)) is None:
                raise
            _fail(sentence, 2)
        except KeyboardInterrupt:
            _fail("Прервано", 130)

    return wrapper


def _sentence(error: Exception) -> str | None:
    """What to tell of a failure that is no fault of ours; None of any other."""
    if isinstance(error, ProgrammingError):
        return _NO_RIGHTS if isinstance(error.orig, InsufficientPrivilege) else None
    if isinstance(error, OSError):
        if error.strerror is None or error.errno == errno.EPIPE:  # whoever read the output had enough
            return None
        place = f" {error.filename}" if error.filename else ""
        return f"Не удалось прочитать или записать{place}: {error.strerror}"
    return next(sentence for kind, sentence in _SENTENCES.items() if isinstance(error, kind))


def _fail(message: str, status: int) -> NoReturn:
    click.echo(f"gateway: {message}", err=True)
    sys.exit(status)


def database(data_dir: Path | None) -> Engine:
    """Engine of the database that a command works on; of the schema of this release.

    Raises:
        ConfigurationError: neither --data nor GATEWAY_DATABASE_URL, or the embedded database is not running.
    """
    engine = connect(url_of(data_dir, load_settings()), pool_size=1)
    schema.require_version(engine)
    return engine


def url_of(data_dir: Path | None, settings: Settings) -> str:
    """Address of that database.

    Raises:
        ConfigurationError: as :func:`database`.
    """
    if data_dir is None:
        if settings.database_url is None and Path(DEFAULT_DATA).is_dir():
            raise ConfigurationError(
                f"Не задан адрес базы данных: укажите --data {DEFAULT_DATA} (встроенная база) или GATEWAY_DATABASE_URL"
            )
        return settings.require_database()
    from gateway.embedded.postgres import running_url  # a worker of production has no use for it

    url = running_url(data_dir)
    if url is None:
        raise ConfigurationError(f"Встроенная база в {data_dir} не запущена: выполните «gateway up --data {data_dir}»")
    return url


def published_url(settings: Settings, host: str, port: int) -> str:
    """Address that the WSDLs publish: the one that the settings give, else that of what listens here."""
    return settings.public_url if "public_url" in settings.model_fields_set else f"http://{_name_of(host)}:{port}"


def _name_of(host: str) -> str:
    """How callers name what listens on ``host``: every address of a machine is reached by the machine's own name."""
    if host not in EVERY_ADDRESS:
        return f"[{host}]" if ":" in host else host
    name = socket.gethostname()
    try:
        known = {str(address[4][0]) for address in socket.getaddrinfo(name, None)}
    except OSError:
        known = set()
    return name if any(not ip_address(address.partition("%")[0]).is_loopback for address in known) else "127.0.0.1"


def require_free(host: str, port: int) -> None:
    """Refuse a port that somebody listens on: the web server shares ports, and requests would go to either.

    Raises:
        ConfigurationError: the port is taken, or the address is not of this machine.
    """
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        reason = _NOT_HEARD.get(error.errno or 0, error.strerror)
        raise ConfigurationError(f"Нельзя слушать {host}:{port}: {reason}") from error
