"""Numbers given out to packets: the files of one МО, service and day."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Date, ForeignKey, PrimaryKeyConstraint, Table

from gateway.journal.columns import count, words
from gateway.journal.registry_tables import metadata

packet_numbers: Final = Table(
    "packet_numbers",
    metadata,
    words("service_code"),
    Column("organization_id", BigInteger, ForeignKey("organizations.id"), nullable=False),
    Column("day", Date, nullable=False),
    count("last"),
    PrimaryKeyConstraint("service_code", "organization_id"),
)
