"""What surrounds a command may be wrong: it ends with one line that names the thing, never with a traceback."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.support.running import free_port, gateway_command
from tests.support.tls import CERTIFICATE
from workers.sandbox import SYSTEMS

pytestmark = pytest.mark.usefixtures("closed_engines")

DATABASE_WRONG = "Адрес базы данных записан неверно"
ADDRESSES = (
    "это не адрес",
    "mysql://u@db/journal",
    "postgresql://u@db:порт/journal",
    "postgresql://u@[::1/journal",
    "postgresql://u@db/journal?nonsense=1",
    "host=db dbname=journal",
)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"GATEWAY_DATABASE_URL": None, **environment})


def told(result: Result, status: int = 2) -> str:
    """The one line that a command ends with."""
    assert isinstance(result.exception, SystemExit), result.exc_info
    (line,) = result.output.splitlines()
    assert (result.exit_code, line.startswith("gateway: ")) == (status, True)
    return line.removeprefix("gateway: ")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files that are not what a command takes them for."""
    (tmp_path / "file").touch()
    (tmp_path / "not-utf8").write_bytes(b"port = '\xff'")
    (tmp_path / "not-sqlite").write_text("1" * 5000)
    (tmp_path / "exchanges" / "invented" / "manifest.toml").mkdir(parents=True)
    (tmp_path / "zero.csv").write_text(f"oid,name\n1.2.643.5,{'Больница' * 40}\0\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_that_is_none_of_a_database(command: str, url: str) -> None:
    assert DATABASE_WRONG in told(run(command, GATEWAY_DATABASE_URL=url))


@pytest.mark.parametrize("url", ADDRESSES)
def test_settings_are_shown_and_checked_whatever_the_address(url: str) -> None:
    assert run("settings", GATEWAY_DATABASE_URL=url).exit_code == 0
    checked = run("check", GATEWAY_DATABASE_URL=url)
    assert (checked.exit_code, DATABASE_WRONG in checked.output) == (1, True)


@pytest.mark.parametrize(
    "url", ["это не адрес", "redis://db:порт", "redis://[::1", "redis://127.0.0.1:1?nonsense=1", "http://x"]
)
def test_an_address_that_is_none_of_redis(url: str, database_url: str) -> None:
    checked = run("check", GATEWAY_REDIS_URL=url)
    assert (checked.exit_code, "Адрес Redis записан неверно" in checked.output) == (1, True)
    assert "Адрес Redis записан неверно" in told(
        run("worker", GATEWAY_REDIS_URL=url, GATEWAY_DATABASE_URL=database_url)
    )


ENVIRONMENTS = [
    ({"GATEWAY_CONFIG": "{0}/nothing"}, "Нет файла настроек {0}/nothing"),
    ({"GATEWAY_CONFIG": "{0}/not-utf8"}, "Файл настроек {0}/not-utf8 не читается"),
    ({"GATEWAY_CONFIG": "{0}/" + "x" * 300}, "не читается"),
    ({"GATEWAY_DATABASE_URL_FILE": "{0}"}, "Не читается файл с секретом GATEWAY_DATABASE_URL_FILE"),
    ({"GATEWAY_DATABASE_URL_FILE": "{0}/not-utf8"}, "GATEWAY_DATABASE_URL_FILE: нужна кодировка UTF-8"),
    ({"GATEWAY_EXCHANGE_FOLDERS": "{0}/exchanges"}, "invented/manifest.toml: не читается"),
]


@pytest.mark.parametrize(("environment", "sentence"), ENVIRONMENTS)
def test_settings_that_cannot_be_read(
    environment: dict[str, str], sentence: str, folder: Path, database_url: str
) -> None:
    given = {name: value.format(folder) for name, value in environment.items()}
    database = {} if "GATEWAY_DATABASE_URL_FILE" in given else {"GATEWAY_DATABASE_URL": database_url}
    assert sentence.format(folder) in told(run("serve", **database, **given))


COMMANDS = [
    ("up --data {0}/file/data --port {1}", "Папка данных {0}/file/data недоступна"),
    ("up --data {0}/data --host a..b", "Нельзя слушать a..b:8080: такого узла нет"),
    ("up --data {0}/data --host 192.0.2.1", "Нельзя слушать 192.0.2.1:8080: это не адрес этой машины"),
    ("migrate --data {0}/nothing", "выполните «gateway up --data {0}/nothing»"),
    ("wsdl --write /proc", "Не удалось прочитать или записать /proc/journal-"),
    ("sandbox mse --certificate {0}/file --port 0 --sftp-port 0 --admin-port 0", "Сертификат {0}/file не читается"),
    ("sandbox ips --certificate {0}/file --port 0 --admin-port 0", "Сертификат информационной системы не читается"),
]


@pytest.mark.parametrize(("command", "sentence"), COMMANDS)
def test_a_place_that_cannot_be_used(command: str, sentence: str, folder: Path) -> None:
    assert sentence.format(folder) in told(run(*command.format(folder, free_port()).split()))


STATEFUL = [system for system in SYSTEMS if system not in ("alkona", "volgograd")]
STATES = [
    ("/proc/state", ("создайте папку и дайте право записи в неё", "/proc/state.files")),
    ("{0}/not-sqlite", ("это не файл состояния стенда, укажите другой",)),
]


@pytest.mark.parametrize("system", STATEFUL)
@pytest.mark.parametrize(("state", "sentences"), STATES)
def test_a_state_that_cannot_be_opened(system: str, state: str, sentences: Sequence[str], folder: Path) -> None:
    more = {
        "smsc": ("--http-port", "0"),
        "mse": ("--sftp-port", "0"),
        "ips": ("--certificate", str(CERTIFICATE)),
    }.get(system, ())
    line = told(run("sandbox", system, "--port", "0", "--admin-port", "0", "--state", state.format(folder), *more))
    assert any(sentence in line for sentence in sentences)


def test_a_port_of_another_programme(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert "порт занят другой программой" in told(run("up", "--data", str(folder / "data"), "--port", port))
        assert "ddress already in use" in told(run("sandbox", "tfoms", "--port", port, "--admin-port", "0"))


VALUES = [
    ("organization import {0}/zero.csv", "знак с кодом 0"),
    ("organization add 1.2.643.5 Боль\udcffница", "в кодировке UTF-8"),
    ("account add mis --role mis --organization 1.2 --password-file {0}/not-utf8", "в кодировке UTF-8"),
]


@pytest.mark.parametrize(("command", "sentence"), VALUES)
def test_a_value_that_no_database_holds(command: str, sentence: str, folder: Path, database_url: str) -> None:
    result = run(*command.format(folder).split(), GATEWAY_DATABASE_URL=database_url)
    assert sentence in told(result)


MOMENTS = ["ca check --at 0001-01-01 --certificate {0}/file", "export LAUNCHES --account x --started-to 0001-01-01"]


@pytest.mark.parametrize("command", MOMENTS)
def test_a_moment_that_no_clock_shows(command: str, folder: Path) -> None:
    result = run(*command.format(folder).split())
    assert (result.exit_code, "такого года нет" in result.output) == (2, True)


@pytest.mark.parametrize("limits", ['{"Nonsense": {"max_bytes": 1}}', '{"StartService": {"max_bites": 1}}'])
def test_limits_of_what_is_none_are_told_before_anything_is_served(limits: str, database_url: str) -> None:
    served = run("serve", "--port", "0", GATEWAY_DATABASE_URL=database_url, GATEWAY_LIMITS=limits)
    assert "нет такой операции или такого предела" in told(served)
    checked = run("check", GATEWAY_DATABASE_URL=database_url, GATEWAY_LIMITS=limits)
    assert (checked.exit_code, "Пределы запросов: Настройка limits." in checked.output) == (1, True)


@pytest.mark.parametrize(
    "url", ["foo", "ftp://x", "https://", "https://x:порт", "https://[::1", "https://x y", "https://x?a=1"]
)
def test_an_address_that_no_wsdl_can_publish(url: str, database_url: str) -> None:
    result = run("serve", GATEWAY_DATABASE_URL=database_url, GATEWAY_PUBLIC_URL=url)
    assert told(result) == "Настройка public_url: нужен адрес вида https://узел:порт"


def test_limits_of_what_is_none_are_told_before_the_embedded_database_starts(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])  # taken: a start that went on would end there
        up = ("up", "--data", str(folder / "data"), "--port", port)
        assert "нет такой операции или такого предела" in told(
            run(*up, GATEWAY_LIMITS='{"Nonsense": {"max_bytes": 1}}')
        )
    assert not (folder / "data").exists()


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_setting_that_nothing_reads_is_told_before_the_database_is_asked(command: str) -> None:
    away = f"postgresql://u@127.0.0.1:{free_port()}/journal"
    result = run(command, GATEWAY_DATABASE_URL=away, GATEWAY_SERVICES__CA__SINGER="hunter2")
    assert told(result) == "неизвестная настройка services.ca.singer: возможно, signer"


def test_a_setting_that_nothing_reads_is_told_before_the_embedded_database_starts(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])  # taken: a start that went on would end there
        result = run("up", "--data", str(folder / "data"), "--port", port, GATEWAY_SERVICES__CA__SINGER="hunter2")
    assert told(result) == "неизвестная настройка services.ca.singer: возможно, signer"
    assert not (folder / "data").exists()


def test_the_default_folder_is_named_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "--data" not in told(run("account", "list"))
    (tmp_path / ".data").mkdir()
    assert "укажите --data .data" in told(run("account", "list"))


def test_the_demonstration_does_not_begin_without_a_place_for_its_files(tmp_path: Path) -> None:
    ended = gateway_command("demo", "--once", TMPDIR=str(tmp_path / "missing"))  # takes signals: not in our process
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"gateway: Нет места для временных файлов в {tmp_path / 'missing'}: ")
