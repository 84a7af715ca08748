"""Settings come from the environment and a file, are typed, and a mistake is told in one readable line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.domain.errors import ConfigurationError
from gateway.settings import MASK, load_settings, mask_url, shown


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without settings of ours."""
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def config(bare: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The settings file, named by GATEWAY_CONFIG, still empty."""
    path = tmp_path / "gateway.toml"
    path.touch()
    bare.setenv("GATEWAY_CONFIG", str(path))
    return path


def refusal() -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "\n" not in caught.value.message
    return caught.value.message


def test_without_anything_there_are_defaults() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.exchange_folders, settings.services_off) == (
        "127.0.0.1",
        8080,
        (),
        (),
    )
    with pytest.raises(ConfigurationError, match="укажите GATEWAY_DATABASE_URL"):
        settings.require_database()


def test_lists_in_the_environment_are_divided_by_commas(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("GATEWAY_EXCHANGE_FOLDERS", "/srv/one, /srv/two")
    bare.setenv("GATEWAY_SERVICES_OFF", "sms,email")
    settings = load_settings()
    assert settings.exchange_folders == (Path("/srv/one"), Path("/srv/two"))
    assert settings.services_off == ("sms", "email")


def test_the_environment_wins_over_the_file(bare: pytest.MonkeyPatch, config: Path) -> None:
    config.write_text('port = 9000\nhost = "192.0.2.1"\nservices_off = ["sms"]\n')
    bare.setenv("GATEWAY_PORT", "9001")
    settings = load_settings()
    assert (settings.port, settings.host, settings.services_off) == (9001, "192.0.2.1", ("sms",))
    assert load_settings(port=9002).port == 9002


def test_settings_of_an_exchange_come_from_either_place(bare: pytest.MonkeyPatch, config: Path) -> None:
    config.write_text('[services.tfoms_hosp]\naddress = "https://peer.example/"\nread_timeout_s = 60\n')
    bare.setenv("GATEWAY_SERVICES__TFOMS_HOSP__PASSWORD", "12345")
    assert dict(load_settings().service_settings("tfoms_hosp")) == {
        "address": "https://peer.example/",
        "read_timeout_s": "60",
        "password": "12345",
    }
    assert dict(load_settings().service_settings("another")) == {}


def test_secrets_may_stand_in_files(bare: pytest.MonkeyPatch, config: Path, tmp_path: Path) -> None:
    url, password = tmp_path / "url", tmp_path / "password"
    url.write_text("postgresql://gateway:invented@db/journal\n")
    password.write_text("invented\n")
    config.write_text(f'[services.tfoms_hosp]\npassword_file = "{password}"\n')
    bare.setenv("GATEWAY_DATABASE_URL_FILE", str(url))
    bare.setenv("GATEWAY_REDIS_URL_FILE", str(url))
    settings = load_settings()
    assert settings.require_database() == "postgresql://gateway:invented@db/journal"
    assert settings.redis_url is not None
    assert dict(settings.service_settings("tfoms_hosp")) == {"password": "invented"}
    password.unlink()
    with pytest.raises(ConfigurationError, match="password_file"):
        settings.service_settings("tfoms_hosp")
    url.unlink()
    assert refusal().startswith("Не читается файл с секретом GATEWAY_DATABASE_URL_FILE")


def test_secrets_are_masked_wherever_they_are_shown(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("GATEWAY_DATABASE_URL", "postgresql://gateway:invented@db/journal")
    bare.setenv("GATEWAY_SERVICES", '{"one": {"password": "invented", "token": "invented", "username": "login"}}')
    settings = load_settings()
    values = shown(settings, {"one": ("password", "token", "username")})
    assert "invented" not in f"{values} {settings!r}"
    assert values["database_url"] == f"postgresql://gateway:{MASK}@db/journal"
    assert values["services.one.password"] == values["services.one.token"] == MASK
    assert values["services.one.username"] == "login"
    assert mask_url("postgresql:///journal?user=gateway&password=invented&host=db") == (
        f"postgresql:///journal?user=gateway&password={MASK}&host=db"
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GATEWAY_PORT", "порт", "Настройка port: нужно целое число"),
        ("GATEWAY_PORT", "70000", "Настройка port: не больше 65535"),
        ("GATEWAY_WEB_PROCESSES", "0", "Настройка web_processes: не меньше 1"),
        ("GATEWAY_LOG_LEVEL", "LOUD", "Настройка log_level: допустимо 'DEBUG', 'INFO', 'WARNING' или 'ERROR'"),
        ("GATEWAY_SERVICES", "{", "Настройка services: нужен объект JSON"),
        ("GATEWAY_SERVICES", '{"one": "secret"}', "Настройка services.one: нужна таблица"),
        (
            "GATEWAY_TIME_ZONE",
            "Moscow",
            "Настройка time_zone: Часового пояса «Moscow» нет: нужно имя вида Europe/Moscow",
        ),
        ("GATEWAY_SCHEDULE_CATCH_UP_S", "1", "Настройка schedule_catch_up_s: не меньше 60"),
        (
            "GATEWAY_DATBASE_URL",
            "postgresql:///x",
            "Переменной окружения GATEWAY_DATBASE_URL шлюз не знает: возможно, имелось в виду GATEWAY_DATABASE_URL",
        ),
        ("gateway_prot", "1", "Переменной окружения gateway_prot шлюз не знает: возможно, имелось в виду GATEWAY_PORT"),
        ("GATEWAY_ZZZZZZ", "1", "Переменной окружения GATEWAY_ZZZZZZ шлюз не знает"),
        ("GATEWAY_CONFIG", "/no/such.toml", "Нет файла настроек /no/such.toml (GATEWAY_CONFIG)"),
    ],
)
def test_a_wrong_setting_is_named(bare: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    bare.setenv(name, value)
    assert refusal() == message


@pytest.mark.parametrize(
    "name",
    ["GATEWAY_TEST_POSTGRES_URL", "GATEWAY_SANDBOX_PASSWORD", "GATEWAY_PASSWORD", "GATEWAYS", "gateway_log_level"],
)
def test_variables_of_others_and_names_in_any_case_are_no_mistake(bare: pytest.MonkeyPatch, name: str) -> None:
    bare.setenv(name, "DEBUG")
    assert load_settings().log_level == ("DEBUG" if name.endswith("level") else "INFO")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('databse_url = "postgresql:///x"', "Настройка databse_url: такого ключа нет"),
        ("port = [", "не читается"),
        ('services = "all"', "Настройка services: нужна таблица"),
    ],
)
def test_a_wrong_file_is_refused(config: Path, text: str, message: str) -> None:
    config.write_text(text)
    assert message in refusal()
