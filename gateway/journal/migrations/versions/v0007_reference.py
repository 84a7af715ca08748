"""Dictionaries in versions, what peers held before the journal, and a remark on a launch."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    """
    CREATE TABLE reference_versions (
      id BIGINT GENERATED ALWAYS AS IDENTITY,
      name TEXT NOT NULL,
      valid_from DATE NOT NULL,
      loaded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      digest BYTEA NOT NULL,
      entries INTEGER DEFAULT 0 NOT NULL,
      CONSTRAINT reference_versions_pkey PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX reference_versions_name_idx ON reference_versions (name, valid_from, id)",
    """
    CREATE TABLE reference_entries (
      version_id BIGINT NOT NULL,
      position INTEGER NOT NULL,
      code TEXT NOT NULL,
      title TEXT NOT NULL,
      valid_from DATE,
      valid_to DATE,
      extra JSONB,
      CONSTRAINT reference_entries_pkey PRIMARY KEY (version_id, position),
      CONSTRAINT reference_entries_version_id_fkey FOREIGN KEY(version_id) REFERENCES reference_versions (id)
    )
    """,
    """
    CREATE TABLE baseline_objects (
      service_code TEXT NOT NULL,
      organization_id BIGINT NOT NULL,
      object_type TEXT NOT NULL,
      object_id TEXT NOT NULL,
      accepted_hash BYTEA NOT NULL,
      CONSTRAINT baseline_objects_pkey PRIMARY KEY (service_code, organization_id, object_type, object_id),
      CONSTRAINT baseline_objects_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id)
    )
    """,
    "ALTER TABLE launches ADD COLUMN remark TEXT",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
