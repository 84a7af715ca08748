"""Claims: what of a peer one session changes alone."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add one table."""
    op.execute(
        """
        CREATE TABLE claims (
            service_code TEXT NOT NULL,
            thing BYTEA NOT NULL,
            work_id UUID NOT NULL,
            lease_token BIGINT NOT NULL,
            CONSTRAINT claims_pkey PRIMARY KEY (service_code, thing),
            CONSTRAINT claims_work_id_fkey FOREIGN KEY (work_id) REFERENCES outbox (id) ON DELETE CASCADE)
        """
    )
    op.execute("CREATE INDEX claims_work_idx ON claims (work_id)")
