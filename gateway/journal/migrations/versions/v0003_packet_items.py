"""Packets of many objects: their place in a group, their name at the peer, numbers given out to them."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    "ALTER TABLE packets ADD COLUMN group_position INTEGER, ADD COLUMN group_size INTEGER, ADD COLUMN name TEXT",
    "CREATE INDEX packets_name_idx ON packets (service_code, name) WHERE name IS NOT NULL",
    "DROP INDEX source_objects_form_error_idx",
    "CREATE INDEX source_objects_form_error_idx ON source_objects (service_code, object_type, last_rules, id)"
    " WHERE last_status = 'FORM_ERROR'",
    "CREATE INDEX packet_items_object_idx ON packet_items (object_id, packet_id)",
    "CREATE INDEX source_objects_due_organization_idx"
    " ON source_objects (service_code, object_type, organization_id, id) WHERE due",
    """
    CREATE TABLE packet_numbers (
      service_code TEXT NOT NULL,
      organization_id BIGINT NOT NULL,
      day DATE NOT NULL,
      last INTEGER DEFAULT 0 NOT NULL,
      CONSTRAINT packet_numbers_pkey PRIMARY KEY (service_code, organization_id),
      CONSTRAINT packet_numbers_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id)
    )
    """,
)


def upgrade() -> None:
    """Add one table, three columns and three indexes, make one index anew; no table is rewritten."""
    for statement in STATEMENTS:
        op.execute(statement)
