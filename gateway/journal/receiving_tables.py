"""The tables of what peers sent: which documents and marks this journal has, the newest of what they tell of, and how
far a peer's changes are read. None is partitioned.

A document, a mark and a subject are kept sealed (:mod:`gateway.journal.seals`): they may name a person.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, PrimaryKeyConstraint, Table, Uuid, text

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

received_states: Final = Table(
    "received_states",
    metadata,
    words("service_code"),
    Column("organization_id", BigInteger, ForeignKey("organizations.id"), nullable=False),
    blob("subject", nullable=False),
    blob("digest", nullable=False),
    moment("as_of"),
    Column("packet_id", Uuid, nullable=False),
    Column("document_id", Uuid),
    PrimaryKeyConstraint("service_code", "organization_id", "subject"),
)
"""The newest state of a subject that a МО was told of: the packet it came in and the document for the МИС."""

service_cursors: Final = Table(
    "service_cursors",
    metadata,
    words("service_code"),
    words("cursor"),
    now("changed_at"),
    PrimaryKeyConstraint("service_code"),
)
"""Where a service reads on at its peer; under «service/object type» whose turn it is to be asked for."""
