"""Which schema this release works with and which one a database has; :mod:`gateway.journal.migrating` brings it there.

Alembic is not imported: a process that works need not carry it in its memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, select, text

from gateway.domain.errors import ConfigurationError
from gateway.journal.registry_tables import installation

MIGRATIONS: Final = Path(__file__).with_name("migrations")


def wanted_version() -> str:
    """Version of the schema that this release works with: that of its last migration, ``v<version>_<about>.py``.

    Raises:
        ConfigurationError: the release has no migrations.
    """
    versions = [file.name[1:].partition("_")[0] for file in MIGRATIONS.glob("versions/v*_*.py")]
    if not versions:
        raise ConfigurationError("В поставке нет миграций базы данных")
    return max(versions)


def present_version(connection: Connection) -> str | None:
    """Version of the schema in the database, None when it is empty."""
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is None:
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


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
