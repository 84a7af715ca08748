"""The tables of reference data, and of what a peer held before this journal began."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
)
from sqlalchemy.dialects.postgresql import JSONB

from gateway.journal.columns import blob, count, now, words
from gateway.journal.registry_tables import metadata

reference_versions = Table(
    "reference_versions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    words("name"),
    Column("valid_from", Date, nullable=False),
    now("loaded_at"),
    blob("digest", nullable=False),
    count("entries"),
    Index("reference_versions_name_idx", "name", "valid_from", "id"),
)
"""Versions of dictionaries. Of one name and ``valid_from`` the newest counts, the older ones are kept as history."""

reference_entries = Table(
    "reference_entries",
    metadata,
    Column("version_id", BigInteger, ForeignKey("reference_versions.id"), nullable=False),
    Column("position", Integer, nullable=False),
    words("code"),
    words("title"),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("extra", JSONB),
    PrimaryKeyConstraint("version_id", "position"),
)

baseline_objects = Table(
    "baseline_objects",
    metadata,
    words("service_code"),
    Column("organization_id", BigInteger, ForeignKey("organizations.id"), nullable=False),
    words("object_type"),
    words("object_id"),
    blob("accepted_hash", nullable=False),
    PrimaryKeyConstraint("service_code", "organization_id", "object_type", "object_id"),
)
"""What a peer holds of objects that the МИС has not submitted yet; a row goes when its object comes."""
