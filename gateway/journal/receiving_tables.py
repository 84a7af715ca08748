"""The tables of what peers sent: which documents and marks this journal already has. Neither is partitioned.

A document and a mark are kept sealed (:mod:`gateway.journal.seals`): they may name a person.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Uuid, text

from gateway.journal.columns import blob, moment, now, words
from gateway.journal.registry_tables import metadata

received_documents: Final = Table(
    "received_documents",
    metadata,
    words("service_code"),
    blob("document", nullable=False),
    Column("packet_id", Uuid, nullable=False),
    now("received_at"),
    moment("confirmed_at"),
    PrimaryKeyConstraint("service_code", "document"),
    Index("received_documents_unconfirmed_idx", "service_code", postgresql_where=text("confirmed_at IS NULL")),
)

received_marks: Final = Table(
    "received_marks",
    metadata,
    words("service_code"),
    blob("mark", nullable=False),
    Column("packet_id", Uuid, nullable=False),
    PrimaryKeyConstraint("service_code", "mark"),
)
