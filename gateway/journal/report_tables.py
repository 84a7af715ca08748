"""The tables of reports, of the same metadata as the journal's own.

A report lives for a day, so nothing here is partitioned; its content is cut into compressed pieces, so that neither
the worker that writes it nor the process that gives it out ever holds the whole.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from gateway.journal.columns import blob, moment, now, words
from gateway.journal.registry_tables import metadata

reports = Table(
    "reports",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", BigInteger, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("viewer", JSONB, nullable=False),
    words("kind"),
    words("format"),
    Column("filter", JSONB, nullable=False),
    words("status"),
    now("created_at"),
    moment("finished_at"),
    Column("size", BigInteger),
    Column("error", Text),
    Index("reports_created_at_idx", "created_at"),
    Index("reports_waiting_idx", "account_id", postgresql_where=text("status = 'WAITING'")),
)

report_chunks = Table(
    "report_chunks",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    blob("content", nullable=False),
    PrimaryKeyConstraint("report_id", "position"),
)
