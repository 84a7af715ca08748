"""Sessions: the pace of requests, attempts and their errors, ids that a peer gave to objects."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add one table and three columns; no table is rewritten."""
    op.execute(
        """
        CREATE TABLE request_pace (
            peer TEXT NOT NULL,
            next_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT request_pace_pkey PRIMARY KEY (peer))
        """
    )
    op.execute("ALTER TABLE launches ADD COLUMN attempt INTEGER DEFAULT 0 NOT NULL")
    op.execute("ALTER TABLE session_errors ADD COLUMN attempt INTEGER DEFAULT 0 NOT NULL")
    op.execute("ALTER TABLE source_objects ADD COLUMN peer_id TEXT")
