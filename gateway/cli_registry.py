"""Commands about who is there: accounts, МО, and which services work here."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table
from sqlalchemy.exc import IntegrityError

from gateway.catalog.registry import installed
from gateway.catalog.schedule import MAX_JITTER_S, OFF, Schedule, schedule_of
from gateway.cli_common import DATA, database, local, print_table, readable_errors
from gateway.domain.errors import ConfigurationError
from gateway.domain.roles import ROLE_TITLES, UNLIMITED_ROLES, Role
from gateway.domain.zones import time_zone
from gateway.journal import registry, schedules, sign_ins
from gateway.journal.engine import database_now
from gateway.journal.registry import ServiceSettings
from gateway.operations.organizations import named, put_organizations, read_organizations
from gateway.operations.passwords import hash_password
from gateway.operations.source_files import Problems
from gateway.settings import Settings, load_settings

COMMAND_LINE: Final = "командная строка"
LOGIN: Final = re.compile(r"[\w.@-]{1,64}")
"""Neither a colon, which HTTP Basic cannot carry, nor a blank."""
MIN_PASSWORD: Final = 8


@click.group()
def account() -> None:
    """Учётные записи."""


@account.command("add")
@click.argument("login")
@click.option("--role", type=click.Choice([r.value for r in Role]), required=True)
@click.option("--organization", "oids", multiple=True, metavar="OID", help="OID МО; можно несколько раз.")
@click.option("--may-act", is_flag=True, help="МИС может действовать от имени своих пользователей.")
@click.option(
    "--password-file", type=click.File(encoding="utf-8-sig"), help="Файл с паролем; без него пароль спрашивается."
)
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
    if not LOGIN.fullmatch(login):
        raise ConfigurationError("Логин: от 1 до 64 букв, цифр и знаков . _ @ -")
    password = _password(password_file)
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
        registry.audit(connection, None, event, who=COMMAND_LINE)
    click.echo(f"Учётная запись {login} добавлена: {ROLE_TITLES[chosen]}")


def _password(file: Any) -> str:
    again = "Пароль ещё раз"
    password = file.read().strip() if file else click.prompt("Пароль", hide_input=True, confirmation_prompt=again)
    if len(password) < MIN_PASSWORD:
        raise ConfigurationError(f"Пароль короче {MIN_PASSWORD} знаков")
    return str(password)


@account.command("password")
@click.argument("login")
@click.option(
    "--password-file", type=click.File(encoding="utf-8-sig"), help="Файл с паролем; без него пароль спрашивается."
)
@DATA
@readable_errors
def account_password(login: str, password_file: Any, data_dir: Path | None) -> None:
    """Сменить пароль; отключённая учётная запись снова действует."""
    password = _password(password_file)
    with database(data_dir).begin() as connection:
        if not registry.set_password(connection, login, hash_password(password)):
            raise ConfigurationError(f"Нет учётной записи {login}")
        sign_ins.forgive_login(connection, login)
        event = registry.AuditEvent("account-password", [login])
        registry.audit(connection, None, event, who=COMMAND_LINE)
    click.echo(f"Пароль учётной записи {login} сменён")


@account.command("forgive")
@click.argument("login", required=False)
@click.option("--address", metavar="IP", help="Забыть и неудачи с этого адреса: скольким логинам он не подошёл.")
@DATA
@readable_errors
def account_forgive(login: str | None, address: str | None, data_dir: Path | None) -> None:
    """Забыть неудачные попытки входа: логин или адрес снова входит без ожидания."""
    if login is None and address is None:
        raise ConfigurationError("Укажите логин, --address или то и другое")
    try:
        by_address = [] if address is None else [sign_ins.address_key(address)]
    except ValueError as error:
        raise ConfigurationError("--address: нужен адрес IP, например 192.0.2.7") from error
    with database(data_dir).begin() as connection:
        count = sign_ins.forgive(connection, by_address)
        count += 0 if login is None else sign_ins.forgive_login(connection, login)
        told = [name for name in (login, address) if name is not None]
        registry.audit(connection, None, registry.AuditEvent("sign-in-forgive", told), who=COMMAND_LINE)
    click.echo(f"Неудачи забыты: {', '.join(told)}" if count else f"Неудач нет: {', '.join(told)}")


@account.command("list")
@DATA
@readable_errors
def account_list(data_dir: Path | None) -> None:
    """Показать учётные записи."""
    table = Table("Логин", "Роль", "МО", "Действует за пользователей", "Отключена")
    with database(data_dir).connect() as connection:
        for row in registry.list_accounts(connection):
            disabled = f"{local(row.disabled_at):%d.%m.%Y %H:%M}" if row.disabled_at else ""
            table.add_row(row.login, row.role, ", ".join(row.oids), "да" if row.may_act else "", disabled)
    print_table(table)


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
        registry.audit(connection, None, event, who=COMMAND_LINE)
    click.echo(f"Учётная запись {login} отключена")


@click.group()
def organization() -> None:
    """Медицинские организации."""


SHARED = click.option(
    "--shared", multiple=True, metavar="СИСТЕМА", help="Код этой системы у нескольких МО общий (код региона)."
)


@organization.command("add")
@click.argument("oid")
@click.argument("name")
@click.option("--code", "codes", multiple=True, metavar="СИСТЕМА=КОД", help="Код МО во внешней системе.")
@SHARED
@DATA
@readable_errors
def organization_add(
    oid: str, name: str, codes: tuple[str, ...], shared: tuple[str, ...], data_dir: Path | None
) -> None:
    """Добавить МО или изменить МО с этим OID."""
    given = named("команда", oid, name, _codes(codes))
    with database(data_dir).begin() as connection:
        put_organizations(connection, [given], shared, Problems("МО"), who=COMMAND_LINE)
    click.echo(f"МО {given.oid} записана")


def _codes(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [code.partition("=") for code in given]
    if any(not system.strip() or not value.strip() for system, _, value in pairs):
        raise ConfigurationError("Код МО задаётся как СИСТЕМА=КОД, например tfoms=340001")
    return {system: value for system, _, value in pairs}


@organization.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@SHARED
@DATA
@readable_errors
def organization_import(file: Path, shared: tuple[str, ...], data_dir: Path | None) -> None:
    """Загрузить МО из CSV: столбцы oid, name и по столбцу на систему (tfoms …); всё или ничего."""
    problems = Problems(file.name)
    given = read_organizations(file, problems)
    with database(data_dir).begin() as connection:
        put_organizations(connection, given, shared, problems, who=COMMAND_LINE)
    click.echo(f"Загружено МО: {len(given)}")


@organization.command("list")
@DATA
@readable_errors
def organization_list(data_dir: Path | None) -> None:
    """Показать МО."""
    table = Table("OID", "Наименование", "Коды")
    with database(data_dir).connect() as connection:
        for row in registry.load_organizations(connection).values():
            table.add_row(
                row.oid, row.name, ", ".join(f"{system}={code}" for system, code in sorted(row.codes.items()))
            )
    print_table(table)


@click.group()
def service() -> None:
    """Сервисы этой установки."""


@service.command("list")
@DATA
@readable_errors
def service_list(data_dir: Path | None) -> None:
    """Показать сервисы."""
    table = Table("Код", "Наименование", "Включён", "Расписание", "Следующий запуск")
    found = load_settings()
    with database(data_dir).connect() as connection:
        stored = registry.load_service_settings(connection)
    for code, exchange in installed(found).exchanges.items():
        service, kept = exchange.manifest.service, stored.get(code, ServiceSettings())
        schedule = schedule_of(service.schedule, kept, found.time_zone)
        planned = kept.next_start_at if schedule and kept.next_start_of == schedule.mark else None
        table.add_row(
            code,
            service.title,
            "да" if kept.enabled else "нет",
            schedule.title if schedule else "",
            _by_schedule(planned, schedule) if schedule and planned else "",
        )
    print_table(table)


def _by_schedule(moment: datetime, schedule: Schedule) -> str:
    return f"{moment.astimezone(time_zone(schedule.time_zone)):%d.%m.%Y %H:%M}"


@service.command("enable")
@click.argument("code")
@DATA
@readable_errors
def service_enable(code: str, data_dir: Path | None) -> None:
    """Включить сервис."""
    _switch(code, data_dir, enabled=True)


@service.command("disable")
@click.argument("code")
@DATA
@readable_errors
def service_disable(code: str, data_dir: Path | None) -> None:
    """Отключить сервис: запустить его нельзя, начатый запуск доводится до конца."""
    _switch(code, data_dir, enabled=False)


def _switch(code: str, data_dir: Path | None, *, enabled: bool) -> None:
    _require_service(load_settings(), code)
    with database(data_dir).begin() as connection:
        schedules.set_enabled(connection, code, enabled=enabled)
        event = registry.AuditEvent("service-enable" if enabled else "service-disable", [code])
        registry.audit(connection, None, event, who=COMMAND_LINE)
    click.echo(f"Сервис {code} {'включён' if enabled else 'отключён'}")


def _require_service(found: Settings, code: str) -> str | None:
    """The schedule that the service's manifest gives it, if it gives one."""
    exchange = installed(found).exchanges.get(code)
    if exchange is None:
        raise ConfigurationError(f"Нет сервиса {code}: коды перечисляет «gateway service list»")
    return exchange.manifest.service.schedule


@service.command("schedule")
@click.argument("code")
@click.argument("cron", required=False)
@click.option("--off", is_flag=True, help="Не запускать по расписанию.")
@click.option("--default", "as_shipped", is_flag=True, help="Вернуть расписание из поставки обмена.")
@click.option("--time-zone", "zone", metavar="IANA", help="Часовой пояс; без него GATEWAY_TIME_ZONE.")
@click.option("--jitter", "jitter_s", type=click.IntRange(0, MAX_JITTER_S), default=0, help="Разброс запусков, с.")
@DATA
@readable_errors
def service_schedule(
    code: str, cron: str | None, off: bool, as_shipped: bool, zone: str | None, jitter_s: int, data_dir: Path | None
) -> None:
    """Запускать сервис по расписанию: CRON — пять полей, «минута час день месяц день_недели», в кавычках."""
    if (cron is not None) + off + as_shipped != 1:
        raise ConfigurationError("Укажите одно из трёх: расписание, --off или --default")
    found = load_settings()
    default = _require_service(found, code)
    kept = ServiceSettings(True, OFF if off else cron, zone, jitter_s)
    schedule = schedule_of(default, kept, found.time_zone)
    with database(data_dir).begin() as connection:
        now = database_now(connection)
        if schedule:
            schedule.check(now)
        schedules.set_schedule(connection, code, kept.schedule, zone, jitter_s)
        detail = {"schedule": kept.schedule, "time_zone": zone, "jitter_s": jitter_s}
        registry.audit(
            connection, None, registry.AuditEvent("service-schedule", [code], detail=detail), who=COMMAND_LINE
        )
    if schedule is None:
        click.echo(f"Сервис {code} по расписанию не запускается")
    else:
        click.echo(
            f"Сервис {code}: {schedule.title}, ближайший запуск {_by_schedule(schedule.next_start(now), schedule)}"
        )
