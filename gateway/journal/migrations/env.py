"""Alembic's way into the journal: one connection, given by :mod:`gateway.journal.schema`."""

from __future__ import annotations

from alembic import context

from gateway.journal.report_tables import reports

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=reports.metadata,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
