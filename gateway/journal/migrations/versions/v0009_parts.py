"""Parts: what a peer took of a record of a packet, and what it holds of an object."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add two columns; no table is rewritten."""
    op.execute("ALTER TABLE packet_items ADD COLUMN parts JSONB")
    op.execute("ALTER TABLE source_objects ADD COLUMN accepted_parts JSONB")
