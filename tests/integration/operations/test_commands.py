"""The command line: what every command says, and the exit code it ends with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from gateway.cli import main
from gateway.journal import registry, sign_ins
from gateway.journal.engine import connect
from tests.support.postgres import ThrowawayPostgres

EXCHANGES = str(Path(__file__).parents[2] / "exchanges")
OID = "1.2.643.5.1.13.13.12.2.99.1"


pytestmark = pytest.mark.usefixtures("closed_engines")


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command, by the words that call it."""
    found: list[tuple[str, ...]] = [path]
    for name, command in group.commands.items():
        found += commands(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return found


def audited(database_url: str, action: str) -> list[tuple[str, Any]]:
    """(object, detail) of every audited deed of this kind."""
    engine = connect(database_url, pool_size=1)
    with engine.connect() as connection:
        query = text("SELECT object, detail FROM audit_events WHERE action = :action ORDER BY id")
        rows = [(row.object, row.detail) for row in connection.execute(query, {"action": action})]
    engine.dispose()
    return rows


def run(*arguments: str, database: str | None = None, **environment: str) -> Result:
    """Run a command in this process; nothing but an exit may come out of it."""
    given: dict[str, str | None] = {"GATEWAY_DATABASE_URL": database, **environment}
    result = CliRunner().invoke(main, arguments, env=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def refused(result: Result, code: int, words: str) -> None:
    """It ended with this code and one line."""
    assert (result.exit_code, result.stderr.count("\n")) == (code, 1), result.output
    assert result.stderr.startswith("gateway: ")
    assert words in result.stderr


@pytest.mark.parametrize("path", commands(main), ids=" ".join)
def test_every_command_explains_itself_in_russian(path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert any("а" <= letter <= "я" for letter in result.stdout)


def test_organizations_and_accounts_are_kept(database_url: str, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("invented-password\n")
    secret = ("--password-file", str(password))
    assert run("organization", "add", OID, "Учебная", "--code", "tfoms=990001", database=database_url).exit_code == 0
    added = run("account", "add", "mis", "--role", "mis", "--organization", OID, *secret, database=database_url)
    assert (added.exit_code, added.stdout) == (
        0,
        "Учётная запись mis добавлена: Медицинская информационная система\n",
    )
    assert run("account", "add", "root", "--role", "dc_admin", *secret, database=database_url).exit_code == 0
    listed = run("account", "list", database=database_url, COLUMNS="150").stdout
    assert all(word in listed for word in ("mis", OID, "root", "dc_admin"))
    assert run("account", "disable", "mis", database=database_url).exit_code == 0
    refused(run("account", "disable", "mis", database=database_url), 2, "Нет действующей учётной записи mis")
    refused(run("account", "add", "root", "--role", "dc_admin", *secret, database=database_url), 2, "уже есть")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--role", "dc_admin", "--organization", OID), "МО не указываются"),
        (("--role", "mo_admin"), "укажите --organization OID"),
        (("--role", "mis"), "укажите --organization OID"),
        (("--role", "mis", "--organization", "1.2.3"), "Нет МО с OID 1.2.3"),
    ],
)
def test_an_account_that_cannot_be_is_refused(
    database_url: str, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    password = tmp_path / "password"
    password.write_text("invented-password\n")
    given = ("account", "add", "someone", *arguments, "--password-file", str(password))
    refused(run(*given, database=database_url), 2, words)
    password.write_text("short")
    refused(run("account", "add", "x", "--role", "dc_admin", *given[-2:], database=database_url), 2, "короче 8 знаков")


def test_a_list_of_organizations_is_taken_whole(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "organizations.csv"
    file.write_text(f"\ufeffoid,name,tfoms\n{OID},Учебная больница,990001\n1.2.3,Поликлиника,\n", encoding="utf-8")
    for _ in range(2):
        assert run("organization", "import", str(file), database=database_url).stdout == "Загружено МО: 2\n"
    engine = connect(database_url, pool_size=1)
    with engine.connect() as connection:
        found = registry.find_organizations(connection, [OID, "1.2.3"])
    engine.dispose()
    assert {row.name: dict(row.codes) for row in found.values()} == {
        "Учебная больница": {"tfoms": "990001"},
        "Поликлиника": {},
    }
    assert [oid for oid, _ in audited(database_url, "organization-put")] == [OID, "1.2.3"] * 2


def test_migrating_twice_is_no_harm_and_an_old_base_is_named(server: ThrowawayPostgres) -> None:
    url = server.create_database()
    refused(run("account", "list", database=url), 2, "выполните «gateway migrate»")
    first, second = run("migrate", database=url), run("migrate", database=url)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == second.stdout
    server.drop_database(url)


def test_check_tells_a_healthy_installation_from_a_broken_one(database_url: str, tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("out", "in")}
    for folder in folders.values():
        folder.mkdir()
    settings = {
        "free_beds": {name: str(folder) for name, folder in folders.items()},
        "tfoms_hosp": {"address": "http://127.0.0.1:1/tfoms", "username": "u", "password": "invented"},
    }
    given = {"GATEWAY_EXCHANGE_FOLDERS": EXCHANGES, "GATEWAY_SERVICES": json.dumps(settings)}
    whole = run("check", database=database_url, **given)
    assert whole.exit_code == 0, whole.output
    assert "ошибка" not in whole.stdout
    assert "Обмен free_beds: функции и схемы" in whole.stdout
    assert len(set(whole.stdout.splitlines())) == len(whole.stdout.splitlines())
    assert "Сервис edu: не подключён, в списке его нет (нет таблицы services.edu)" in whole.stdout
    half = run("check", database=database_url, GATEWAY_SERVICES__TFOMS_HOSP__USERNAME="u")
    assert (
        "Обмен tfoms_hosp, сервис tfoms-hosp: настройки: Не заданы настройки обмена: address, password" in half.stdout
    )
    mistyped = run("service", "list", database=database_url, GATEWAY_SERVICES__TFOMS__USERNAME="u")
    refused(mistyped, 2, "которого нет: services.tfoms")


def test_check_names_what_is_broken(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "manifest.toml").write_text("slug = 1")
    result = run(
        "check",
        database="postgresql://nobody@127.0.0.1:1/none",
        GATEWAY_EXCHANGE_FOLDERS=str(tmp_path),
        GATEWAY_REDIS_URL="redis://127.0.0.1:1/0",
    )
    assert result.exit_code == 1
    assert result.stdout.count("ошибка") == 3
    assert "База данных: не отвечает" in result.stdout
    assert str(broken / "manifest.toml") in result.stdout


@pytest.mark.parametrize("command", [("serve",), ("worker",), ("migrate",), ("account", "list")])
def test_a_base_that_is_not_there_ends_with_2(command: tuple[str, ...]) -> None:
    refused(run(*command), 2, "GATEWAY_DATABASE_URL")
    refused(run(*command, database="postgresql://nobody@127.0.0.1:1/none"), 2, "База данных не отвечает")
    refused(run(*command, database="это не адрес"), 2, "Адрес базы данных записан неверно")
    refused(run(*command, GATEWAY_PORT="много"), 2, "Настройка port: нужно целое число")


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_wrong_manifest_ends_a_process_at_once(database_url: str, tmp_path: Path, command: str) -> None:
    refused(
        run(command, database=database_url, GATEWAY_EXCHANGE_FOLDERS=str(tmp_path)), 2, "нет ни одного manifest.toml"
    )


def test_settings_are_shown_without_secrets() -> None:
    shown = run("settings", database="postgresql://gateway:invented@db/journal", COLUMNS="150").stdout
    assert "postgresql://gateway:••••••@db/journal" in shown
    assert "invented" not in shown


def test_a_service_is_switched_off_and_on(database_url: str) -> None:
    def service(*words: str) -> Result:
        return run("service", *words, database=database_url, GATEWAY_SERVICES__TFOMS_HOSP__ADDRESS="https://a.example")

    assert service("disable", "tfoms-hosp").exit_code == 0
    assert "нет" in service("list").stdout
    assert service("enable", "tfoms-hosp").exit_code == 0
    assert "нет" not in service("list").stdout
    refused(service("enable", "invented"), 2, "Нет сервиса invented")


def test_a_service_gets_a_schedule_and_loses_it(database_url: str) -> None:
    def service(*words: str) -> Result:
        given = {"GATEWAY_SERVICES__TFOMS_HOSP__ADDRESS": "https://a.example", "GATEWAY_TIME_ZONE": "Asia/Omsk"}
        return run("service", *words, database=database_url, COLUMNS="160", **given)

    def schedule(*words: str) -> str:
        return service("schedule", "tfoms-hosp", *words).stdout

    assert re.fullmatch(
        r"Сервис tfoms-hosp: 30 3 \* \* \* Asia/Omsk, ближайший запуск \d\d\.\d\d\.\d{4} 03:30\n",
        schedule("30 3 * * *"),
    )
    assert "30 3 * * * Asia/Omsk" in service("list").stdout
    assert "UTC" in schedule("0 8 * * MON-FRI", "--time-zone", "UTC", "--jitter", "600")
    assert audited(database_url, "service-schedule")[-1] == (
        "tfoms-hosp",
        {"schedule": "0 8 * * MON-FRI", "time_zone": "UTC", "jitter_s": 600},
    )
    assert schedule("--off") == "Сервис tfoms-hosp по расписанию не запускается\n"
    assert "MON-FRI" not in service("list").stdout
    assert schedule("--default") == "Сервис tfoms-hosp по расписанию не запускается\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tfoms-hosp",), "одно из трёх"),
        (("tfoms-hosp", "0 3 * * *", "--off"), "одно из трёх"),
        (("tfoms-hosp", "0 3 * *"), "пять полей cron"),
        (("tfoms-hosp", "0 3 * * *", "--time-zone", "Omsk"), "Часового пояса «Omsk» нет"),
        (("tfoms-hosp", "* * * * *", "--jitter", "60"), "не меньше промежутка"),
        (("invented", "0 3 * * *"), "Нет сервиса invented"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(database_url: str, arguments: tuple[str, ...], words: str) -> None:
    given = {"GATEWAY_SERVICES__TFOMS_HOSP__ADDRESS": "https://a.example"}
    refused(run("service", "schedule", *arguments, database=database_url, **given), 2, words)
    assert audited(database_url, "service-schedule") == []


def test_a_mistyped_variable_is_refused_before_anything_is_done(database_url: str) -> None:
    for command in (("worker",), ("serve",), ("up",), ("account", "list")):
        result = run(*command, database=database_url, GATEWAY_WEB_PROCESES="2")
        refused(result, 2, "возможно, имелось в виду GATEWAY_WEB_PROCESSES")


def test_a_password_is_changed_and_the_account_works_again(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first-invented")
    word = ("--password-file", str(file))
    assert run("account", "add", "centre", "--role", "dc_admin", *word, database=database_url).exit_code == 0
    assert run("account", "disable", "centre", database=database_url).exit_code == 0
    file.write_text("second-invented")
    assert run("account", "password", "centre", *word, database=database_url).exit_code == 0
    engine = connect(database_url, pool_size=1)
    with engine.connect() as connection:
        stored = registry.find_account(connection, "centre")
    engine.dispose()
    assert stored is not None
    assert not stored.disabled
    refused(run("account", "password", "nobody", *word, database=database_url), 2, "Нет учётной записи nobody")
    refused(run("account", "add", "a:b", "--role", "dc_admin", *word, database=database_url), 2, "Логин")


def counted(database_url: str, *change: tuple[str, str]) -> int:
    """Count failures of these logins at these addresses; how many records there are then."""
    engine = connect(database_url, pool_size=1)
    with engine.begin() as connection:
        for login, address in change:
            sign_ins.note_failure(connection, sign_ins.keys_of(login, address))
        found = connection.execute(text("SELECT count(*) FROM sign_in_failures")).scalar_one()
    engine.dispose()
    return int(found)


def test_failures_to_sign_in_are_forgiven_by_login_and_by_address(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("invented-password\n")
    word = ("--password-file", str(tmp_path / "password"))
    assert run("account", "add", "centre", "--role", "dc_admin", *word, database=database_url).exit_code == 0
    failures = [("centre", "192.0.2.1"), ("centre", "2001:db8::1"), ("mis", "192.0.2.1")]
    assert counted(database_url, *failures) == 7, "three pairs, two logins, two addresses"
    told = run("account", "forgive", "centre", database=database_url)
    assert (told.exit_code, told.stdout, counted(database_url)) == (0, "Неудачи забыты: centre\n", 4)
    assert run("account", "forgive", "centre", database=database_url).stdout == "Неудач нет: centre\n"
    told = run("account", "forgive", "mis", "--address", "2001:db8::2", database=database_url)
    assert (told.stdout, counted(database_url)) == ("Неудачи забыты: mis, 2001:db8::2\n", 1)
    assert counted(database_url, ("centre", "192.0.2.2")) == 4
    assert run("account", "password", "centre", *word, database=database_url).exit_code == 0
    assert counted(database_url) == 2, "the addresses stay"
    assert audited(database_url, "sign-in-forgive")[-1][0] is not None
    refused(run("account", "forgive", database=database_url), 2, "Укажите логин")
    refused(run("account", "forgive", "--address", "here", database=database_url), 2, "нужен адрес IP")
