"""Services that ask: where they go on reading a peer's changes, and the newest document of what a peer tells of."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = (
    """
    CREATE TABLE service_cursors (
      service_code TEXT NOT NULL,
      cursor TEXT NOT NULL,
      changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      CONSTRAINT service_cursors_pkey PRIMARY KEY (service_code)
    )
    """,
    """
    CREATE TABLE received_states (
      service_code TEXT NOT NULL,
      organization_id BIGINT NOT NULL REFERENCES organizations (id),
      subject BYTEA NOT NULL,
      digest BYTEA NOT NULL,
      as_of TIMESTAMP WITH TIME ZONE,
      packet_id UUID NOT NULL,
      document_id UUID,
      CONSTRAINT received_states_pkey PRIMARY KEY (service_code, organization_id, subject)
    )
    """,
    "ALTER TABLE inbound_documents ADD COLUMN superseded_by UUID",
    "DROP INDEX inbound_documents_waiting_idx",
    "CREATE INDEX inbound_documents_waiting_idx ON inbound_documents (organization_id, service_code, id)"
    " WHERE confirmed_at IS NULL AND superseded_by IS NULL",
)


def upgrade() -> None:
    """Add two tables and a column; what is superseded no longer waits."""
    for statement in STATEMENTS:
        op.execute(statement)
