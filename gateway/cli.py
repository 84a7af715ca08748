"""The command `gateway`: the composition root, and the one file that imports both packages.

The web server, the SOAP room and the demonstration are imported by the commands that need them: a worker or an export
need not carry them in its memory.

Exit codes: 0 done; 1 the deed was refused or a check failed; 2 settings, schema or database are wrong; 130 interrupted.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import IntegrityError

from gateway import __version__
from gateway.catalog.registry import load_catalog
from gateway.cli_common import DATA, database, readable_errors, url_of
from gateway.cli_export import export
from gateway.domain.errors import ConfigurationError
from gateway.domain.roles import ROLE_TITLES, UNLIMITED_ROLES, Role
from gateway.embedded.supervisor import Supervisor
from gateway.journal import registry, schema
from gateway.journal.engine import connect
from gateway.logs import configure
from gateway.operations.passwords import hash_password
from gateway.settings import load_settings, shown
from workers.runner.process import WorkerProcess

SANDBOXES: Final = ("tfoms",)
"""Modules of workers.sandbox that serve a peer."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """Журнал работы сервисов: SOAP/XML-шлюз региональной МИС."""


@main.command()
@click.option("--data", "data_dir", type=click.Path(path_type=Path, file_okay=False), default=Path(".data"))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@readable_errors
def up(data_dir: Path, host: str, port: int) -> None:
    """Встроенный профиль: база данных, приём запросов и обмены одной командой."""
    configure()
    environment = {"GATEWAY_HOST": host, "GATEWAY_PORT": str(port)}
    if "GATEWAY_PUBLIC_URL" not in os.environ:
        environment["GATEWAY_PUBLIC_URL"] = f"http://{host}:{port}"
    stop = _stop_signal()
    with Supervisor(data_dir, environment) as supervisor:
        supervisor.start_children()
        click.echo(supervisor.description)
        click.echo(f"WSDL: {environment.get('GATEWAY_PUBLIC_URL', os.environ.get('GATEWAY_PUBLIC_URL'))}/")
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
    schema.require_version(connect(settings.require_database(), pool_size=1))
    load_catalog(settings.exchange_folders, settings.services_off)  # a wrong manifest is told once, not by every child
    from gateway.web import serve as serve_web

    serve_web(settings)


@main.command()
@readable_errors
def worker() -> None:
    """Обмены с внешними системами (рабочий профиль)."""
    settings = load_settings()
    configure(settings.log_level)
    engine = connect(settings.require_database(), pool_size=settings.worker_threads + 4, application="gateway-worker")
    schema.require_version(engine)
    process = WorkerProcess(engine, load_catalog(settings.exchange_folders, settings.services_off), settings)
    stop = _stop_signal()
    process.start()
    stop.wait()
    process.stop()


@main.command()
@click.argument("system", type=click.Choice(SANDBOXES))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True)
@click.option("--admin-port", type=click.IntRange(0, 65535), default=8091, show_default=True, help="Порт выключателей.")
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False), help="Файл состояния; без него в памяти.")
@click.option("--username", default="gateway", show_default=True)
@click.option("--password", envvar="GATEWAY_SANDBOX_PASSWORD", default="sandbox", show_default=True)
@readable_errors
def sandbox(
    system: str, host: str, port: int, admin_port: int, state: Path | None, username: str, password: str
) -> None:
    """Учебная внешняя система: строгая, с памятью и выключателями."""
    configure()
    serve = import_module(f"workers.sandbox.{system}").serve
    try:
        serve(host, port, state, username=username, password=password, admin_port=admin_port, until=_stop_signal())
    except OSError as error:
        raise ConfigurationError(f"Стенд не запустился: {error.strerror}") from error


@main.command()
@DATA
@readable_errors
def migrate(data_dir: Path | None) -> None:
    """Привести базу данных к версии программы."""
    version = schema.migrate(connect(url_of(data_dir, load_settings()), pool_size=1))
    click.echo(f"База данных готова, версия {version}")


@main.group()
def account() -> None:
    """Учётные записи."""


@account.command("add")
@click.argument("login")
@click.option("--role", type=click.Choice([r.value for r in Role]), required=True)
@click.option("--organization", "oids", multiple=True, metavar="OID", help="OID МО; можно несколько раз.")
@click.option("--may-act", is_flag=True, help="МИС может действовать от имени своих пользователей.")
@click.option("--password-file", type=click.File(), help="Файл с паролем; без него пароль спрашивается.")
@click.option("--certificate", metavar="DN", help="Субъект клиентского сертификата (RFC 2253): вход и по нему.")
@DATA
@readable_errors
def account_add(
    login: str,
    role: str,
    oids: tuple[str, ...],
    may_act: bool,
    password_file: Any,
    certificate: str | None,
    data_dir: Path | None,
) -> None:
    """Добавить учётную запись."""
    chosen = Role(role)
    if bool(oids) == (chosen in UNLIMITED_ROLES):
        raise ConfigurationError(f"Роль {role}: {'МО не указываются' if oids else 'укажите --organization OID'}")
    password = password_file.read().strip() if password_file else click.prompt("Пароль", hide_input=True)
    if len(password) < 8:
        raise ConfigurationError("Пароль короче 8 знаков")
    with database(data_dir).begin() as connection:
        found = registry.find_organizations(connection, oids)
        missing = [oid for oid in oids if oid not in found]
        if missing:
            raise ConfigurationError(f"Нет МО с OID {', '.join(missing)}: добавьте «gateway organization add»")
        ids = [row.id for row in found.values()]
        try:
            registry.add_account(
                connection, login, hash_password(password), chosen, ids, may_act=may_act, certificate=certificate
            )
        except IntegrityError as error:
            raise ConfigurationError(f"Учётная запись {login} или её сертификат уже есть") from error
        event = registry.AuditEvent("account-add", [login], detail={"role": role})
        registry.audit(connection, None, event, who="командная строка")
    click.echo(f"Учётная запись {login} добавлена: {ROLE_TITLES[chosen]}")


@account.command("list")
@DATA
@readable_errors
def account_list(data_dir: Path | None) -> None:
    """Показать учётные записи."""
    table = Table("Логин", "Роль", "МО", "Действует за пользователей", "Отключена")
    with database(data_dir).connect() as connection:
        for row in registry.list_accounts(connection):
            disabled = f"{row.disabled_at:%d.%m.%Y %H:%M}" if row.disabled_at else ""
            table.add_row(row.login, row.role, ", ".join(row.oids), "да" if row.may_act else "", disabled)
    Console().print(table)


@account.command("disable")
@click.argument("login")
@DATA
@readable_errors
def account_disable(login: str, data_dir: Path | None) -> None:
    """Отключить учётную запись."""
    with database(data_dir).begin() as connection:
        if not registry.disable_account(connection, login):
            raise ConfigurationError(f"Нет действующей учётной записи {login}")
        event = registry.AuditEvent("account-disable", [login])
        registry.audit(connection, None, event, who="командная строка")
    click.echo(f"Учётная запись {login} отключена")


@main.group()
def organization() -> None:
    """Медицинские организации."""


@organization.command("add")
@click.argument("oid")
@click.argument("name")
@click.option("--code", "codes", multiple=True, metavar="СИСТЕМА=КОД", help="Код МО во внешней системе.")
@DATA
@readable_errors
def organization_add(oid: str, name: str, codes: tuple[str, ...], data_dir: Path | None) -> None:
    """Добавить МО или изменить МО с этим OID."""
    with database(data_dir).begin() as connection:
        registry.put_organization(connection, oid, name, _codes(codes))
    click.echo(f"МО {oid} записана")


def _codes(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [code.partition("=") for code in given]
    if any(not system or not value for system, _, value in pairs):
        raise ConfigurationError("Код МО задаётся как СИСТЕМА=КОД, например tfoms=340001")
    return {system: value for system, _, value in pairs}


@organization.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@DATA
@readable_errors
def organization_import(file: Path, data_dir: Path | None) -> None:
    """Загрузить МО из CSV: столбцы oid, name и по столбцу на систему (tfoms …); всё или ничего."""
    rows = _read_organizations(file)
    with database(data_dir).begin() as connection:
        for row in rows:
            codes = {key: value for key, value in row.items() if key not in {"oid", "name"} and value}
            registry.put_organization(connection, row["oid"], row["name"], codes)
    click.echo(f"Загружено МО: {len(rows)}")


def _read_organizations(file: Path) -> list[dict[str, str]]:
    rows = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restkey="", restval="")
            if not {"oid", "name"} <= set(reader.fieldnames or ()):
                raise ConfigurationError(f"{file}: нужны столбцы oid и name, разделённые запятыми")
            for row in reader:
                if not row["oid"] or not row["name"]:
                    raise ConfigurationError(f"{file}, строка {reader.line_num}: пустой oid или name")
                if "" in row:
                    raise ConfigurationError(f"{file}, строка {reader.line_num}: значений больше, чем столбцов")
                rows.append(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{file}: не читается как CSV в UTF-8: {error}") from error
    return rows


@main.command()
@readable_errors
def settings() -> None:
    """Показать действующие настройки; секреты скрыты."""
    table = Table("Настройка", "Значение")
    for name, value in shown(load_settings()).items():
        table.add_row(name, value)
    Console().print(table)


@main.command()
@DATA
@readable_errors
def check(data_dir: Path | None) -> None:
    """Проверить манифесты, схемы, WSDL, версию базы данных и очередь."""
    found = load_settings()
    url = url_of(data_dir, found) if data_dir is not None or found.database_url is not None else None
    failed = False
    from workers.checks import run_checks

    for item in run_checks(found, url):
        click.echo(
            f"{'ошибка' if item.problem else 'в порядке':>9}  {item.title}{': ' + item.problem if item.problem else ''}"
        )
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
    from workers.demo.story import run_demo

    summary = run_demo(stay=None if once else _stop_signal())
    click.echo(json.dumps(summary, ensure_ascii=False))


main.add_command(export)

if __name__ == "__main__":
    main()
