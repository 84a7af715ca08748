"""Bringing a database to the schema of this release."""

from __future__ import annotations

import secrets
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql import insert

from gateway.domain.errors import ConfigurationError
from gateway.journal.partitions import ensure_partitions
from gateway.journal.registry_tables import installation
from gateway.journal.schema import MIGRATIONS, present_version, wanted_version

_LOCK: Final = 5_180_002
MIN_SERVER: Final = 150000
"""PostgreSQL 15."""


def migrate(engine: Engine) -> str:
    """Bring the database to ``wanted_version``, make partitions ahead and the installation's secret; commit.

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
        command.upgrade(config, wanted_version())
        ensure_partitions(connection)
        secret = insert(installation).values(id=1, secret=secrets.token_bytes(32))
        connection.execute(secret.on_conflict_do_nothing())
    return wanted_version()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
