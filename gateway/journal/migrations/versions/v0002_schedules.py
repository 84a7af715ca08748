"""Schedules of services, and failures to sign in that all web processes count together."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Widen the settings of services; add the table of failures."""
    op.execute(
        """
        ALTER TABLE service_settings
          ADD COLUMN time_zone TEXT,
          ADD COLUMN jitter_s INTEGER DEFAULT 0 NOT NULL,
          ADD COLUMN next_start_at TIMESTAMP WITH TIME ZONE,
          ADD COLUMN next_start_of TEXT
        """
    )
    op.execute(
        """
        CREATE UNLOGGED TABLE sign_in_failures (
          key BYTEA NOT NULL,
          failures INTEGER NOT NULL,
          until TIMESTAMP WITH TIME ZONE NOT NULL,
          CONSTRAINT sign_in_failures_pkey PRIMARY KEY (key)
        )
        """
    )
    op.execute("CREATE INDEX sign_in_failures_until_idx ON sign_in_failures (until)")
