"""Notifications to patients: how each is sent, one per person and event, the peer's ids of their parts."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    """
    ALTER TABLE notifications
      ADD COLUMN service_code TEXT NOT NULL,
      ADD COLUMN source_object_id BIGINT NOT NULL,
      ADD COLUMN address TEXT,
      ADD COLUMN body BYTEA,
      ADD COLUMN planned_on DATE,
      ADD COLUMN time_zone TEXT,
      ADD COLUMN attempts INTEGER DEFAULT 0 NOT NULL,
      ADD COLUMN tries SMALLINT DEFAULT 0 NOT NULL,
      ADD COLUMN parts SMALLINT DEFAULT 0 NOT NULL,
      ADD COLUMN not_before TIMESTAMP WITH TIME ZONE,
      ADD COLUMN await_until TIMESTAMP WITH TIME ZONE,
      ADD COLUMN sender UUID
    """,
    "CREATE INDEX notifications_page_idx ON notifications (launch_id, id)",
    "CREATE INDEX notifications_due_idx ON notifications (service_code, not_before, id) WHERE not_before IS NOT NULL",
    "CREATE INDEX notifications_await_idx ON notifications (service_code, await_until) WHERE await_until IS NOT NULL",
    "CREATE INDEX notifications_sending_idx ON notifications (service_code, id) WHERE status = 'SENDING'",
    """
    CREATE TABLE notification_keys (
      key BYTEA NOT NULL,
      notification_id UUID NOT NULL,
      planned_on DATE NOT NULL,
      CONSTRAINT notification_keys_pkey PRIMARY KEY (key)
    )
    """,
    "CREATE INDEX notification_keys_planned_idx ON notification_keys (planned_on)",
    """
    CREATE TABLE notification_parts (
      service_code TEXT NOT NULL,
      peer_id TEXT NOT NULL,
      notification_id UUID,
      word TEXT,
      created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      CONSTRAINT notification_parts_pkey PRIMARY KEY (service_code, peer_id)
    )
    """,
    "CREATE INDEX notification_parts_notification_idx ON notification_parts (notification_id)",
    "CREATE INDEX notification_parts_created_idx ON notification_parts (created_at)",
)


def upgrade() -> None:
    """Widen ``notifications``, which nothing has been written to yet, and add two tables."""
    for statement in STATEMENTS:
        op.execute(statement)
