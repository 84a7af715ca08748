"""Connecting to the journal's PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL, Connection, Engine, create_engine, func, make_url, select
from sqlalchemy.exc import ArgumentError

from gateway.domain.errors import ConfigurationError
from gateway.domain.identifiers import milliseconds, uuid7_moment, uuid7_run

WORKER: Final = "gateway-worker"
"""The name by which the database knows the connections of a worker."""

_WRONG: Final = "Адрес базы данных записан неверно: нужен вид postgresql://пользователь:пароль@узел:порт/база"


def connect(url: str, *, pool_size: int = 5, application: str = "gateway") -> Engine:
    """Make an engine for a libpq address (``postgresql://…``); nothing is opened until first use.

    Statements of more than 60 s and transactions idle for more than 60 s are ended by the server, so that a stuck
    client never holds a row for long. Every statement is planned for its values: a plan for any values
    knows neither the months to look in nor the partial indexes.

    Raises:
        ConfigurationError: it is no such address.
    """
    options = (
        "-c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000 -c timezone=UTC"
        " -c plan_cache_mode=force_custom_plan"
    )
    return create_engine(
        _address(url),
        pool_size=pool_size,
        max_overflow=5,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"options": options, "application_name": application, "connect_timeout": 10},
    )


def _address(url: str) -> URL:
    try:
        conninfo_to_dict(url)  # libpq knows every option that an address may have
        address = make_url(url)
    except (ProgrammingError, ArgumentError, ValueError):
        raise ConfigurationError(_WRONG) from None
    if address.drivername not in ("postgresql", "postgres"):
        raise ConfigurationError(_WRONG)
    return address.set(drivername="postgresql+psycopg")


def database_now(connection: Connection) -> datetime:
    """The database's clock, the only one that ids, leases and pauses go by."""
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now


def new_ids(connection: Connection, of_launch: UUID | None = None) -> Iterator[UUID]:
    """Yield rising UUIDv7 of the database's present time.

    Those of what a launch makes come after its own, even where the clock was set back meanwhile: whoever looks for them
    looks in no month before it.
    """
    after = 0 if of_launch is None else milliseconds(uuid7_moment(of_launch)) + 1
    return uuid7_run(max(after, milliseconds(database_now(connection))))
