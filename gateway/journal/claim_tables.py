"""The table of claims: what of a peer one session changes alone."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Table, Text, Uuid

from gateway.journal.registry_tables import metadata

claims = Table(
    "claims",
    metadata,
    Column("service_code", Text, primary_key=True),
    Column("thing", LargeBinary, primary_key=True),
    Column("work_id", Uuid, ForeignKey("outbox.id", ondelete="CASCADE"), nullable=False),
    Column("lease_token", BigInteger, nullable=False),
    Index("claims_work_idx", "work_id"),
)
