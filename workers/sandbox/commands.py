"""What the commands of all stand-ins share: their options, and serving until they are told to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Final, Protocol, TypeVar

import click

from gateway.domain.errors import ConfigurationError


class Stand(Protocol):
    """One stand-in peer in this process."""

    @property
    def admin_url(self) -> str:
        """Address of the switches, on the loopback."""
        ...

    def stop(self) -> None:
        """Finish what was taken and close the ports."""
        ...


F = TypeVar("F", bound=Callable[..., None])
PORT: Final = click.IntRange(0, 65535)


def serving(function: F) -> F:
    """Give a command the options of every stand-in: ``host``, ``port``, ``admin_port``, ``state``."""
    file = click.Path(path_type=Path, dir_okay=False)
    for option in (
        click.option("--state", type=file, help="Файл состояния; без него в памяти."),
        click.option("--admin-port", type=PORT, default=8091, show_default=True, help="Порт выключателей."),
        click.option("--port", type=PORT, default=8090, show_default=True),
        click.option("--host", default="127.0.0.1", show_default=True),
    ):
        function = option(function)
    return function


def signing_in(function: F) -> F:
    """Give a command the options of a stand-in with one account: ``username``, ``password``."""
    for option in (
        click.option("--password", envvar="GATEWAY_SANDBOX_PASSWORD", default="sandbox", show_default=True),
        click.option("--username", default="gateway", show_default=True),
    ):
        function = option(function)
    return function


def serve(title: str, stand: Stand, start: Callable[[], str]) -> None:
    """Start a stand-in, print its addresses, and serve until SIGTERM or Ctrl-C.

    Raises:
        ConfigurationError: a port is taken, or the state file cannot be opened or written.
    """
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        address = start()
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise ConfigurationError(f"Стенд не запустился: {place}{error.strerror}") from error
    click.echo(f"{title} (стенд): {address}, управление: {stand.admin_url}")
    stop.wait()
    stand.stop()
