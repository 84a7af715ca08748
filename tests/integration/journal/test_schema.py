"""The migrations, the model and the catalog of the server tell the same, whoever migrates and how often."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

import gateway.journal
from gateway.domain.errors import ConfigurationError
from gateway.journal.engine import connect
from gateway.journal.migrating import migrate
from gateway.journal.registry_tables import metadata
from gateway.journal.schema import MIGRATIONS, load_secret, present_version, require_version, wanted_version
from tests.support.postgres import ThrowawayPostgres

for module in pkgutil.iter_modules(gateway.journal.__path__, "gateway.journal."):
    importlib.import_module(module.name)  # every table of the model, whichever module tells of it

CATALOG = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
          pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND a.attnum > 0 AND NOT a.attisdropped""",
    "indexes": """
        SELECT c.relname, i.relname, replace(pg_get_indexdef(i.oid), 'ONLY ', ''), x.indisunique, x.indisprimary
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
        WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition""",
    "constraints": """
        SELECT c.relname, k.conname, k.contype, pg_get_constraintdef(k.oid) FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid
        WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition AND k.conparentid = 0""",
    "persistence": """
        SELECT c.relname, c.relpersistence FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition""",
    "partition keys": """
        SELECT c.relname, pg_get_partkeydef(c.oid) FROM pg_class c
        WHERE c.relkind = 'p' AND c.relnamespace = 'public'::regnamespace""",
}


@pytest.fixture
def empty(server: ThrowawayPostgres) -> Iterator[Engine]:
    """A database with nothing in it."""
    url = server.create_database()
    made = connect(url, pool_size=8)
    yield made
    made.dispose()
    server.drop_database(url)


def catalog(connection: Connection, part: str) -> list[tuple[Any, ...]]:
    rows = {tuple(row) for row in connection.execute(text(CATALOG[part]))}
    return sorted((row for row in rows if row[0] != "alembic_version"), key=repr)


def test_alembic_sees_no_difference(connection: Connection) -> None:
    """Months are not of the model, and the server retells generated columns; the comparison below sees those."""

    def ours(item: Any, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
        if kind == "foreign_key_constraint":
            name = item.elements[0].target_fullname.partition(".")[0]
        computed = kind == "column" and item.computed is not None
        return not computed and not re.search(r"_\d{4}_\d\d$", name or "")

    options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
    assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


@pytest.mark.parametrize("part", CATALOG)
def test_the_catalog_is_that_of_the_model(connection: Connection, empty: Engine, part: str) -> None:
    metadata.create_all(empty)
    with empty.connect() as of_model:
        modelled, migrated = catalog(of_model, part), catalog(connection, part)
    assert migrated == modelled
    assert migrated


def test_the_last_migration_by_name_is_the_head(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == wanted_version()
    assert MigrationContext.configure(connection).get_current_revision() == present_version(connection)


def test_migrating_again_changes_nothing(engine: Engine, connection: Connection) -> None:
    secret, before = load_secret(engine), [catalog(connection, part) for part in CATALOG]
    assert migrate(engine) == wanted_version()
    assert load_secret(engine) == secret
    assert len(secret) == 32
    assert [catalog(connection, part) for part in CATALOG] == before
    require_version(engine)


def test_four_that_migrate_at_once_queue(empty: Engine) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, [empty] * 4)) == [wanted_version()] * 4
    with empty.connect() as connection:
        assert present_version(connection) == wanted_version()
        assert connection.execute(text("SELECT count(*) FROM installation")).scalar_one() == 1


def test_an_empty_database_is_refused_until_it_is_migrated(empty: Engine) -> None:
    with pytest.raises(ConfigurationError, match=r"не задана.*gateway migrate"):
        require_version(empty)
    migrate(empty)
    require_version(empty)


def test_a_database_of_a_newer_release_is_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="9999"):
        migrate(engine)
    with pytest.raises(ConfigurationError, match="9999"):
        require_version(engine)
