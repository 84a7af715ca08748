"""Bringing a database to the schema of this release, and telling which one it has."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.dialects.postgresql import insert

from gateway.domain.errors import ConfigurationError
from gateway.journal.partitions import ensure_partitions
from gateway.journal.registry_tables import installation

_LOCK: Final = 5_180_002
MIN_SERVER: Final = 150000
"""PostgreSQL 15."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def wanted_version() -> str:
    """Version of the schema that this release works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise ConfigurationError("В поставке нет миграций базы данных")
    return head


def present_version(connection: Connection) -> str | None:
    """Version of the schema in the database, None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine) -> str:
    """Bring the database to :func:`wanted_version`, make partitions ahead and the installation's secret; commit.

    Several processes may call it at once: they queue. Waits at most 10 s for a table's lock.

    Raises:
        ConfigurationError: the server is older than PostgreSQL 15, or the database is newer than this release.
    """
    with engine.begin() as connection:
        if int(connection.execute(text("SHOW server_version_num")).scalar_one()) < MIN_SERVER:
            raise ConfigurationError("Нужен PostgreSQL 15 или новее")
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        config = _config()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        present = present_version(connection)
        if present is not None and present not in known:
            raise ConfigurationError(f"База данных новее программы (версия {present}): обновите программу")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        ensure_partitions(connection)
        secret = insert(installation).values(id=1, secret=secrets.token_bytes(32))
        connection.execute(secret.on_conflict_do_nothing())
    return wanted_version()


def require_version(engine: Engine) -> None:
    """Refuse to work on a database of another version.

    Raises:
        ConfigurationError: it says which version is there and what to do.
    """
    with engine.connect() as connection:
        present, wanted = present_version(connection), wanted_version()
    if present != wanted:
        raise ConfigurationError(
            f"Версия базы данных {present or 'не задана'}, нужна {wanted}: выполните «gateway migrate»"
        )


def load_secret(engine: Engine) -> bytes:
    """The secret that signs cursors and links of this installation (32 bytes)."""
    with engine.connect() as connection:
        return bytes(connection.execute(select(installation.c.secret)).scalar_one())
