"""The command `gateway`: the composition root, and the one file that imports both packages.

A command imports what it alone needs: a worker or a supervisor lives long, and need not carry the rest in its memory.

Exit codes: 0 done; 1 the deed was refused or a check failed; 2 settings, schema or database are wrong; 130 interrupted.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from gateway import __version__
from gateway.catalog.registry import installed, known_settings
from gateway.cli_common import DATA, DEFAULT_DATA, print_table, published_url, readable_errors, require_free, url_of
from gateway.domain.errors import ConfigurationError
from gateway.journal import schema
from gateway.journal.engine import WORKER, connect
from gateway.logs import configure
from gateway.settings import load_settings, shown
from workers.sandbox import SYSTEMS

ELSEWHERE: Final = {
    "account": "cli_registry",
    "archive": "cli_export",
    "baseline": "cli_reference",
    "ca": "cli_ca",
    "export": "cli_export",
    "organization": "cli_registry",
    "reference": "cli_reference",
    "service": "cli_registry",
}
"""Commands of modules of their own, by their names there."""


class Imported(click.Group):
    """Commands each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every command."""
        return sorted({*super().list_commands(ctx), *ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command and return it."""
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(f"gateway.{ELSEWHERE[cmd_name]}"), cmd_name)
        return command


@click.group(cls=Imported, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """Журнал работы сервисов: SOAP/XML-шлюз региональной МИС."""


@main.command()
@click.option("--data", "data_dir", type=click.Path(path_type=Path, file_okay=False), default=Path(DEFAULT_DATA))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@readable_errors
def up(data_dir: Path, host: str, port: int) -> None:
    """Встроенный профиль: база данных, приём запросов и обмены одной командой."""
    configure()
    found = load_settings()
    if found.limits:
        from gateway.soap.contract import SERVICES, operation_limits

        operation_limits(SERVICES, found.limits)  # the child would end with this sentence and be started for ever
    installed(found)  # and so with a wrong manifest or a setting that nothing reads
    public_url = published_url(found, host, port)
    environment = {"GATEWAY_HOST": host, "GATEWAY_PORT": str(port), "GATEWAY_PUBLIC_URL": public_url}
    require_free(host, port)
    stop = _stop_signal()
    from gateway.embedded.supervisor import Supervisor

    with Supervisor(data_dir, environment) as supervisor:
        supervisor.start_children()
        click.echo(supervisor.description)
        click.echo(f"WSDL: {public_url}/ (другой адрес задаёт GATEWAY_PUBLIC_URL)")
        stop.wait()


def _stop_signal() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@main.command()
@click.option("--host", help="Где слушать (GATEWAY_HOST).")
@click.option("--port", type=click.IntRange(0, 65535), help="Порт (GATEWAY_PORT).")
@readable_errors
def serve(host: str | None, port: int | None) -> None:
    """Приём SOAP-запросов (рабочий профиль)."""
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = load_settings(**given)
    configure(settings.log_level)
    installed(settings)  # a wrong manifest is told once, not by every child, and whether the database answers or not
    schema.require_version(connect(settings.require_database(), pool_size=1))
    require_free(settings.host, settings.port)
    from gateway.web import serve as serve_web

    serve_web(settings)


@main.command()
@readable_errors
def worker() -> None:
    """Обмены с внешними системами (рабочий профиль)."""
    settings = load_settings()
    configure(settings.log_level)
    catalog = installed(settings)  # what the settings say is judged before the database is asked
    engine = connect(settings.require_database(), pool_size=settings.worker_threads + 5, application=WORKER)
    schema.require_version(engine)
    from workers.runner.process import WorkerProcess

    process = WorkerProcess(engine, catalog, settings)
    stop = _stop_signal()
    process.start()
    stop.wait()
    process.stop()


class Sandboxes(click.Group):
    """Commands of the stand-ins, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click asks with it
        """Name every stand-in."""
        return sorted(SYSTEMS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 # as above
        """Import the stand-in and return its command."""
        if cmd_name not in SYSTEMS:
            return None
        command: click.Command = import_module(f"workers.sandbox.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a stand-in; its expected failures are one line, as everywhere."""
        return readable_errors(super().invoke)(ctx)


@main.group(cls=Sandboxes)
def sandbox() -> None:
    """Учебная внешняя система: строгая, с памятью и выключателями."""
    configure()


@main.command()
@DATA
@readable_errors
def migrate(data_dir: Path | None) -> None:
    """Привести базу данных к версии программы."""
    from gateway.journal.migrating import migrate as bring

    version = bring(connect(url_of(data_dir, load_settings()), pool_size=1))
    click.echo(f"База данных готова, версия {version}")


@main.command()
@readable_errors
def settings() -> None:
    """Показать действующие настройки; секреты скрыты."""
    from rich.table import Table

    table = Table("Настройка", "Значение")
    found = load_settings()
    for name, value in shown(found, known_settings(found.exchange_folders)).items():
        table.add_row(name, value)
    print_table(table)


@main.command()
@DATA
@readable_errors
def check(data_dir: Path | None) -> None:
    """Проверить манифесты, схемы, WSDL, версию базы данных, очередь и то, что обмены выполняются."""
    found = load_settings()
    url = url_of(data_dir, found) if data_dir is not None or found.database_url is not None else None
    failed = False
    from workers.checks import run_checks

    for item in run_checks(found, url):
        mark = "ошибка" if item.problem else "внимание" if item.warning else "в порядке"
        click.echo(f"{mark:>9}  {': '.join(filter(None, (item.title, item.problem or item.warning)))}")
        failed = failed or item.problem is not None
    sys.exit(1 if failed else 0)


@main.command()
@click.argument("name", required=False)
@click.option(
    "--write", "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Записать все в папку."
)
@click.option("--public-url", default="https://gateway.example", show_default=True, help="Адрес, который публикуется.")
@readable_errors
def wsdl(name: str | None, folder: Path | None, public_url: str) -> None:
    """Напечатать WSDL по имени (например, journal-1.1.wsdl), записать все или перечислить имена."""
    from gateway.soap.app import wsdl_documents

    documents = wsdl_documents(public_url)
    if folder is not None:
        for file, document in documents.items():
            (folder / file).write_bytes(document)
    elif name in documents:
        click.echo(documents[name].decode(), nl=False)
    elif name is None:
        click.echo("\n".join(documents))
    else:
        raise ConfigurationError(f"Нет WSDL {name}; есть: {', '.join(documents)}")


@main.command()
@click.option("--once", is_flag=True, help="Один проход без ожидания; последняя строка — JSON.")
@readable_errors
def demo(once: bool) -> None:
    """Демонстрация: учебный ТФОМС, три МО, больше 200 документов, запуски, журнал."""
    configure("ERROR")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C: all is stopped and removed
    from workers.demo.story import run_demo

    summary = run_demo(stay=not once)
    click.echo(json.dumps(summary, ensure_ascii=False))


if __name__ == "__main__":
    main()
