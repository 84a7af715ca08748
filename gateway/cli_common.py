"""What the commands of `gateway` share: where the database is, and how failures are told."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NoReturn, ParamSpec, TypeVar

import click
from sqlalchemy import Engine
from sqlalchemy.exc import ArgumentError, OperationalError

from gateway.domain.errors import ConfigurationError, GatewayError
from gateway.journal import schema
from gateway.journal.engine import connect
from gateway.settings import Settings, load_settings

EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 # compared with only

P = ParamSpec("P")
R = TypeVar("R")

DATA = click.option(
    "--data",
    "data_dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Папка данных встроенной базы (без неё: GATEWAY_DATABASE_URL).",
)


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
        except OperationalError:
            _fail("База данных не отвечает: проверьте GATEWAY_DATABASE_URL и то, что PostgreSQL запущен", 2)
        except ArgumentError:
            _fail("Адрес базы данных записан неверно: нужен вид postgresql://пользователь@узел/база", 2)
        except UnicodeDecodeError:
            _fail("Файл должен быть в кодировке UTF-8", 2)
        except KeyboardInterrupt:
            _fail("Прервано", 130)

    return wrapper


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
        reason = "порт занят другой программой" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
        raise ConfigurationError(f"Нельзя слушать {host}:{port}: {reason}") from error
