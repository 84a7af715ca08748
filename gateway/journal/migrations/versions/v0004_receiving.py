"""What peers send: documents and their marks, packets of no МО, objects found by whom they are about."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
    CREATE TABLE received_documents (
      service_code TEXT NOT NULL,
      document BYTEA NOT NULL,
      packet_id UUID NOT NULL,
      received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      confirmed_at TIMESTAMP WITH TIME ZONE,
      CONSTRAINT received_documents_pkey PRIMARY KEY (service_code, document)
    )
    """,
    "CREATE INDEX received_documents_unconfirmed_idx ON received_documents (service_code) WHERE confirmed_at IS NULL",
    """
    CREATE TABLE received_marks (
      service_code TEXT NOT NULL,
      mark BYTEA NOT NULL,
      packet_id UUID NOT NULL,
      CONSTRAINT received_marks_pkey PRIMARY KEY (service_code, mark)
    )
    """,
    "ALTER TABLE packets ALTER COLUMN organization_id DROP NOT NULL",
    "ALTER TABLE launch_counters DROP CONSTRAINT launch_counters_pkey",
    "ALTER TABLE launch_counters ALTER COLUMN launch_id SET NOT NULL, ALTER COLUMN organization_id DROP NOT NULL",
    "ALTER TABLE launch_counters ADD CONSTRAINT launch_counters_launch_id_organization_id_key"
    " UNIQUE NULLS NOT DISTINCT (launch_id, organization_id)",
    "ALTER TABLE source_objects ADD COLUMN lookup BYTEA, ADD COLUMN closed_by UUID",
    "CREATE INDEX source_objects_lookup_idx ON source_objects (service_code, object_type, lookup)"
    " WHERE lookup IS NOT NULL",
    "CREATE INDEX source_objects_closed_by_idx ON source_objects (closed_by) WHERE closed_by IS NOT NULL",
)


def upgrade() -> None:
    """Add two tables and two columns; let packets and counters be of no МО."""
    for statement in STATEMENTS:
        op.execute(statement)
