"""The table of the pace: when the next request to each peer may leave."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from gateway.journal.columns import moment
from gateway.journal.registry_tables import metadata

request_pace = Table(
    "request_pace",
    metadata,
    Column("peer", Text, primary_key=True),
    moment("next_at", nullable=False),
)
