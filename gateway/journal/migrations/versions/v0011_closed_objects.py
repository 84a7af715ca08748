"""Closed objects: what a document of the peer ended is not formed again."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"

_STATEMENTS = (
    # A generated column changes its expression in PostgreSQL 17 and later only; its indexes go with it.
    "ALTER TABLE source_objects DROP COLUMN due",
    """
    ALTER TABLE source_objects ADD COLUMN due BOOLEAN GENERATED ALWAYS AS (
      NOT held AND closed_by IS NULL AND CASE
        WHEN last_status NOT IN ('ACCEPTED', 'FORM_ERROR', 'PARTIAL', 'REJECTED') THEN false
        WHEN (CASE WHEN deleted THEN NULL ELSE content_hash END) IS NOT DISTINCT FROM accepted_hash THEN false
        WHEN last_status = 'FORM_ERROR'
          THEN (CASE WHEN deleted THEN NULL ELSE content_hash END) IS DISTINCT FROM last_hash
        WHEN last_status = 'REJECTED'
          THEN repeat_requested OR (CASE WHEN deleted THEN NULL ELSE content_hash END) IS DISTINCT FROM last_hash
        ELSE true
      END) STORED NOT NULL
    """,
    "CREATE INDEX source_objects_due_idx ON source_objects (service_code, object_type, id) WHERE due",
    """
    CREATE INDEX source_objects_due_organization_idx
      ON source_objects (service_code, object_type, organization_id, id) WHERE due
    """,
)


def upgrade() -> None:
    """Make the generated column anew; rewrites the table of source objects."""
    for statement in _STATEMENTS:
        op.execute(statement)
