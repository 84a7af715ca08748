"""Settings of one process: environment ``GATEWAY_*`` and an optional TOML file, parsed once, typed, refused at start.

Lists in the environment are divided by commas. A secret may stand in a file:
``GATEWAY_DATABASE_URL_FILE=/run/secrets/url``, or in a service's table ``password_file = "…"``. Secrets are masked
wherever settings are shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_origin
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyNetwork, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from gateway.domain.errors import ConfigurationError
from gateway.domain.zones import DEFAULT_ZONE, time_zone

PREFIX: Final = "GATEWAY_"
_BESIDE_FIELDS: Final = (f"{PREFIX}CONFIG", f"{PREFIX}DATABASE_URL_FILE", f"{PREFIX}REDIS_URL_FILE")
_NOT_SETTINGS: Final = (f"{PREFIX}TEST_", f"{PREFIX}SANDBOX_", f"{PREFIX}DEMO_", f"{PREFIX}PASSWORD")
"""Variables of the tests, the stand-ins, the demonstration and the client examples."""
MASK: Final = "••••••"


def _divide(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


FromCommas: Final = BeforeValidator(_divide)


def _known_zone(name: str) -> str:
    try:
        time_zone(name)
    except ConfigurationError as error:
        raise ValueError(error.message) from None
    return name


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
        port = parts.port  # reading it judges it
    except ValueError:
        right = False
    if not right or port == 0 or re.search(r"\s", url):
        raise ValueError("нужен адрес вида https://узел:порт")
    return url


class Settings(BaseSettings):
    """All that a site may set. Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        env_ignore_empty=True,
        coerce_numbers_to_str=True,
    )

    database_url: SecretStr | None = Field(None, description="Адрес PostgreSQL: postgresql://…")
    redis_url: SecretStr | None = Field(None, description="Адрес Redis: redis://…; без него очередь живёт в процессе")
    public_url: Annotated[str, AfterValidator(_web_address)] = Field(
        "http://127.0.0.1:8080", description="Адрес, который публикуют WSDL"
    )
    host: str = Field("127.0.0.1", description="Где слушать")
    port: int = Field(8080, ge=0, le=65535, description="Порт")
    web_processes: int = Field(1, ge=1, le=64, description="Процессов приёма запросов")
    web_threads: int = Field(4, ge=1, le=64, description="Потоков в каждом из них")
    worker_threads: int = Field(4, ge=1, le=64, description="Потоков обменов в процессе worker")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Подробность журнала программы")
    exchange_folders: Annotated[tuple[Path, ...], NoDecode, FromCommas] = Field(
        (), description="Папки с дополнительными обменами"
    )
    services_off: Annotated[tuple[str, ...], NoDecode, FromCommas] = Field(
        (), description="Коды сервисов, которых в этом регионе нет"
    )
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        DEFAULT_ZONE, description="Часовой пояс отчётов, команд и расписаний, у которых нет своего"
    )
    schedule_catch_up_s: int = Field(
        3600, ge=60, le=86_400, description="Насколько опоздавший запуск по расписанию ещё выполняется, с"
    )
    max_objects: int = Field(1000, ge=1, le=10_000, description="Документов в одном SubmitObjects")
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode, FromCommas] = Field(
        (), description="Адреса прокси, которым верим об адресе, TLS и сертификате клиента"
    )
    certificate_header: str = Field(
        "X-Client-Certificate", pattern=r"^[A-Za-z0-9-]+$", description="Заголовок прокси с DN сертификата клиента"
    )
    allow_plain_http: bool = Field(False, description="Принимать пароли по сети без TLS (только для испытаний)")
    limits: dict[str, dict[str, Annotated[int, Field(ge=1)]]] = Field(
        {}, description="Пределы запросов по операциям: max_bytes, max_depth, max_elements, max_items, send_s…"
    )
    services: dict[str, dict[str, str]] = Field({}, repr=False, description="Настройки обменов по их slug")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 # fixed by the base class
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 # fixed by the base class
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: given in code, environment, then the file named by ``GATEWAY_CONFIG``."""
        config = os.environ.get(f"{PREFIX}CONFIG")
        toml = (TomlConfigSettingsSource(settings_cls, Path(config)),) if config else ()
        return (init_settings, env_settings, *toml)

    def service_settings(self, slug: str) -> Mapping[str, str]:
        """Settings of one exchange, with every ``…_file`` key read into the key it stands for."""
        given = self.services.get(slug, {})
        merged = {key: value for key, value in given.items() if not key.endswith("_file")}
        for key, value in given.items():
            if key.endswith("_file"):
                merged[key.removesuffix("_file")] = _read_secret(f"services.{slug}.{key}", value)
        return merged

    def require_database(self) -> str:
        """The database's address.

        Raises:
            ConfigurationError: none is set.
        """
        if self.database_url is None:
            raise ConfigurationError("Не задан адрес базы данных: укажите GATEWAY_DATABASE_URL")
        return self.database_url.get_secret_value()


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"Не читается файл с секретом {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"Не читается файл с секретом {name}: нужна кодировка UTF-8") from error


def _refuse_unknown_variables() -> None:
    """A mistyped name would silently leave its default in force."""
    fields = {f"{PREFIX}{name}".upper(): field for name, field in Settings.model_fields.items()}
    tables = tuple(f"{name}__" for name, field in fields.items() if get_origin(field.annotation) is dict)
    known = {*fields, *_BESIDE_FIELDS}
    for variable in sorted(os.environ):
        name = variable.upper()
        if not name.startswith(PREFIX) or name in known or name.startswith((*tables, *_NOT_SETTINGS)):
            continue
        near = get_close_matches(name.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known], n=1)
        hint = f": возможно, имелось в виду {PREFIX}{near[0]}" if near else ""
        raise ConfigurationError(f"Переменной окружения {variable} шлюз не знает{hint}")


def load_settings(**given: Any) -> Settings:
    """Parse the settings of this process; ``given`` values win.

    Raises:
        ConfigurationError: it names the setting and what is wrong with it, or a ``GATEWAY_*`` variable that is none.
    """
    _refuse_unknown_variables()
    config = os.environ.get(f"{PREFIX}CONFIG")
    for name in ("database_url", "redis_url"):
        variable = f"{PREFIX}{name.upper()}_FILE"
        if variable in os.environ and name not in given:
            given[name] = _read_secret(variable, os.environ[variable])
    try:
        if config and not Path(config).is_file():
            raise ConfigurationError(f"Нет файла настроек {config} (GATEWAY_CONFIG)")
        return Settings(**given)
    except ValidationError as error:
        raise ConfigurationError(f"Настройка {explain(error)}") from None
    except SettingsError as error:
        named = _IN_QUOTES.search(str(error))
        raise ConfigurationError(f"Настройка {named[0] if named else PREFIX}: нужен объект JSON") from None
    except (ValueError, OSError) as error:
        raise ConfigurationError(f"Файл настроек {config} не читается: {error}") from error


_IN_QUOTES: Final = re.compile(r'(?<=")\w+(?=")')

_REASONS: Final = {
    "extra_forbidden": "такого ключа нет",
    "missing": "не указано",
    "string_type": "нужна строка",
    "string_pattern_mismatch": "недопустимая запись",
    "string_too_short": "пустая строка",
    "string_too_long": "строка длиннее {max_length} знаков",
    "int_type": "нужно целое число",
    "int_parsing": "нужно целое число",
    "float_type": "нужно число",
    "float_parsing": "нужно число",
    "bool_type": "нужно true или false",
    "bool_parsing": "нужно true или false",
    "greater_than": "должно быть больше {gt}",
    "greater_than_equal": "не меньше {ge}",
    "less_than_equal": "не больше {le}",
    "literal_error": "допустимо {expected}",
    "enum": "допустимо {expected}",
    "dict_type": "нужна таблица",
    "model_type": "нужна таблица",
    "tuple_type": "нужен список",
}


def explain(error: ValidationError) -> str:
    """The first problem of a setting or manifest in one line: its key and what is wrong, never the value given."""
    first = error.errors(include_input=False, include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"] if part != "[key]")
    known = _REASONS.get(first["type"])
    reason = (
        first["msg"].removeprefix("Value error, ")
        if known is None
        else known.format_map(first.get("ctx", {})).replace(" or ", " или ")
    )
    return f"{name}: {reason}" if name else reason


_PASSWORD_IN_QUERY: Final = re.compile(r"(?<=password=)[^&]+")


def mask_url(url: str) -> str:
    """The same address with its password hidden; one that cannot be read is hidden whole."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return MASK
    hidden = url.replace(f":{password}@", f":{MASK}@", 1) if password else url
    return _PASSWORD_IN_QUERY.sub(MASK, hidden)


SECRET_KEYS: Final = ("password", "secret", "token", "key")


def is_known(key: str, known: Iterable[str]) -> bool:
    """Tell whether a key, or the one that it names a file for, is among these; ``field_*`` stands for a family."""
    name = key.removesuffix("_file")
    return any(len(name) >= len(k) and name.startswith(k[:-1]) if k.endswith("*") else name == k for k in known)


def require_known(services: Mapping[str, Mapping[str, str]], known: Mapping[str, Iterable[str]]) -> None:
    """Refuse the first key that nothing would read, with the nearest of those that are read.

    Raises:
        ConfigurationError: there is such a key. Its value is not told: it may be a secret.
    """
    for slug, table in sorted(services.items()):
        keys = sorted(known.get(slug, ()))
        for key in sorted(key for key in table if not is_known(key, keys)):
            nearest = get_close_matches(key.removesuffix("_file"), keys, n=1)
            hint = f": возможно, {nearest[0].replace('*', '…')}" if nearest else ""
            raise ConfigurationError(f"неизвестная настройка services.{slug}.{key}{hint}")


def shown(settings: Settings, known: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Effective values as text for ``gateway settings``: secrets are masked, and all that is not ``known``, by slug."""
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name == "services":
            continue
        values[name] = mask_url(value.get_secret_value()) if isinstance(value, SecretStr) else _text(value)
    for slug, table in sorted(settings.services.items()):
        for key, value in sorted(table.items()):
            secret = any(word in key for word in SECRET_KEYS) and not key.endswith("_file")
            secret = secret or not is_known(key, known.get(slug, ()))
            values[f"services.{slug}.{key}"] = MASK if secret else mask_url(value)
    return values


def _text(value: object) -> str:
    if value is None:
        return "—"
    return ", ".join(str(v) for v in value) if isinstance(value, tuple) else str(value)
