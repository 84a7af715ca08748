"""`gateway check`: one line per thing that must be right before this installation can work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import redis
from lxml import etree
from sqlalchemy.exc import SQLAlchemyError

from gateway.catalog.registry import Catalog, Exchange, installed, load_catalog
from gateway.domain.errors import ConfigurationError
from gateway.domain.launches import LogKind
from gateway.journal.engine import connect
from gateway.journal.outbox import attendance
from gateway.journal.schema import require_version
from gateway.resources import resource_dir
from gateway.settings import Settings
from gateway.soap.app import wsdl_documents
from gateway.soap.contract import SERVICES, SNAPSHOT_URL, operation_limits
from gateway.xml.canonical import canonical
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.runner.broker import WRONG_ADDRESS
from workers.runs.loading import load_exchange
from workers.runs.wording import read_manner
from workers.transports import open_transport


@dataclass(frozen=True, slots=True)
class Check:
    """One checked thing; ``problem`` is None when it is right, ``warning`` tells of what may be meant so."""

    title: str
    problem: str | None
    warning: str | None = None


def run_checks(settings: Settings, database_url: str | None) -> Iterator[Check]:
    """Check manifests, schemas, WSDL snapshots, the database's version and the broker."""
    found: list[Catalog] = []

    def read_catalog() -> None:
        found.append(installed(settings))

    yield _check("Манифесты обменов", read_catalog)
    for catalog in found:
        for code, exchange in load_catalog(settings.exchange_folders, settings.services_off).exchanges.items():
            if code not in catalog.exchanges:
                slug = exchange.manifest.slug
                yield Check(f"Сервис {code}: не подключён, в списке его нет (нет таблицы services.{slug})", None)
        several = Counter(exchange.manifest.slug for exchange in catalog.exchanges.values())
        for code, exchange in catalog.exchanges.items():
            slug = exchange.manifest.slug
            name = f"{slug}, сервис {code}" if several[slug] > 1 else slug
            yield _check(f"Обмен {name}: функции и схемы", partial(_check_exchange, exchange))
            yield _check(f"Обмен {name}: настройки", partial(_check_settings, exchange, settings))
    yield _check("Снимки WSDL", _check_wsdl)
    if settings.limits:
        yield _check("Пределы запросов", partial(operation_limits, SERVICES, settings.limits))
    if database_url is None:
        yield Check("База данных", "не задана: укажите GATEWAY_DATABASE_URL или --data")
    else:
        database = _check("База данных", partial(_check_database, database_url))
        yield database
        if database.problem is None:
            yield _attendance(database_url)
    if settings.redis_url is not None:
        url = settings.redis_url.get_secret_value()
        yield _check("Очередь Redis", partial(_check_redis, url))


def _check(title: str, look: Callable[[], object]) -> Check:
    try:
        look()
    except ConfigurationError as error:
        return Check(title, error.message)
    except SQLAlchemyError:
        return Check(title, "не отвечает")
    return Check(title, None)


def _check_exchange(exchange: Exchange) -> None:
    load_exchange(exchange)
    manifest = exchange.manifest
    names = [p.schema_path for p in manifest.packet_types] + [o.schema_path for o in manifest.object_types]
    for name in [*names, *([manifest.answer_schema] if manifest.answer_schema else [])]:
        validate(etree.Element("any"), exchange.schema(name))


def _check_settings(exchange: Exchange, settings: Settings) -> None:
    manifest = exchange.manifest
    if manifest.service.log is LogKind.NOTIFICATIONS:
        read_manner(exchange, settings.service_settings(manifest.slug))
    values = settings.service_settings(manifest.slug)
    if (check := load_exchange(exchange).check_settings) is not None:
        check(values)
    open_transport(manifest.transport, values, exchange.wsdl()).close()


def _check_wsdl() -> None:
    for name, document in wsdl_documents(SNAPSHOT_URL).items():
        file = resource_dir("wsdl") / name
        if not file.is_file() or canonical(parse(file.read_bytes())) != canonical(parse(document)):
            raise ConfigurationError(f"снимок {name} отличается от того, что публикует программа")


def _check_database(url: str) -> None:
    require_version(connect(url, pool_size=1))


def _attendance(url: str) -> Check:
    """Before the first start nobody works and nothing waits: that is told, and is no failure."""
    title = "Обмены"
    try:
        with connect(url, pool_size=1).connect() as connection:
            found = attendance(connection)
    except SQLAlchemyError:
        return Check(title, "не отвечает база данных")
    if not found.workers:
        nobody = "ни один worker не работает"
        start = "запустите «gateway worker» (служба gateway-worker; во встроенном профиле — «gateway up»)"
        if found.late:
            return Check(title, f"{nobody}, запуски ждут: {found.late}; {start}")
        return Check(title, None, f"{nobody}; {start}")
    if found.late:
        busy = (
            f"дольше минуты ждут: {found.late}; если так остаётся, добавьте процессов worker (GATEWAY_WORKER_THREADS)"
        )
        return Check(title, None, busy)
    return Check(title, None)


def _check_redis(url: str) -> None:
    try:
        redis.Redis.from_url(url, socket_connect_timeout=5).ping()
    except redis.RedisError as error:
        raise ConfigurationError("не отвечает") from error
    except (ValueError, TypeError):
        raise ConfigurationError(WRONG_ADDRESS) from None
