"""Alembic's way into the journal: one connection, given by :mod:`gateway.journal.migrating`."""

from __future__ import annotations

from alembic import context

from gateway.journal import (
    ca_tables,  # noqa: F401 # fills the metadata
    reference_tables,  # noqa: F401 # fills the metadata
    report_tables,  # noqa: F401 # fills the metadata
    tables,  # noqa: F401 # fills the metadata
)
from gateway.journal.registry_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
