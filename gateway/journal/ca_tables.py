"""The tables of certification authorities (УЦ): what is in force, and the issue that is being loaded.

An issue is loaded beside what is in force and put in force by one transaction, so nobody ever sees half of one. All of
it is as large as the ministry's register (some hundred УЦ, some thousand certificates): nothing is partitioned.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gateway.journal.columns import blob, count, flag, moment, now, words
from gateway.journal.registry_tables import metadata

ca_issues = Table(
    "ca_issues",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("version", BigInteger, nullable=False),
    moment("issued_at", nullable=False),
    Column("size", BigInteger, nullable=False),
    blob("sha256", nullable=False),
    words("source"),
    words("etag"),
    words("last_modified"),
    count("total"),
    count("added"),
    count("changed"),
    count("missing"),
    now("begun_at"),
    moment("loaded_at"),
    flag("current"),
    Index("ca_issues_current_idx", "current", unique=True, postgresql_where=text("current")),
)
"""Issues; ``loaded_at`` is empty while one is being loaded, one is ``current``."""

ca_issue_chunks = Table(
    "ca_issue_chunks",
    metadata,
    Column("issue_id", BigInteger, ForeignKey("ca_issues.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    blob("content", nullable=False),
    PrimaryKeyConstraint("issue_id", "position"),
)
"""The file itself, in compressed pieces."""

ca_arrivals = Table(
    "ca_arrivals",
    metadata,
    Column("issue_id", BigInteger, ForeignKey("ca_issues.id", ondelete="CASCADE"), nullable=False),
    words("inn"),
    words("ogrn"),
    blob("digest"),
    Column("name", Text),
    Column("short_name", Text),
    Column("number", Text),
    Column("successor_ogrn", Text),
    Column("status", Text),
    moment("status_since"),
    Column("history", JSONB),
    Column("thumbprints", JSONB),
    PrimaryKeyConstraint("issue_id", "inn", "ogrn"),
)
"""УЦ of the issue being loaded; without a digest one that is listed and cannot be read."""

ca_authorities = Table(
    "ca_authorities",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    words("inn"),
    words("ogrn"),
    blob("digest", nullable=False),
    words("name"),
    words("short_name"),
    words("number"),
    words("successor_ogrn"),
    words("status"),
    moment("status_since", nullable=False),
    Column("listed", Boolean, nullable=False, server_default=text("true")),
    Column("seen_version", BigInteger, nullable=False),
    now("changed_at"),
    UniqueConstraint("inn", "ogrn", name="ca_authorities_inn_ogrn_key"),
)
"""``listed`` is false once an issue came without the УЦ; ``seen_version`` is the last issue with it."""

ca_status_history = Table(
    "ca_status_history",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("authority_id", BigInteger, ForeignKey("ca_authorities.id"), nullable=False),
    words("status"),
    moment("since", nullable=False),
    now("noted_at"),
    UniqueConstraint("authority_id", "status", "since", name="ca_status_history_status_key"),
)
"""Only ever appended to: what was once published stays, in the order in which it became known."""

ca_certificates = Table(
    "ca_certificates",
    metadata,
    Column("thumbprint", Text, primary_key=True),
    words("key_id"),
    words("subject"),
    words("issuer"),
    words("serial"),
    moment("valid_from", nullable=False),
    moment("valid_to", nullable=False),
    blob("subject_digest"),
    Column("serial_number", Text),
    blob("der", nullable=False),
    Index("ca_certificates_key_id_idx", "key_id"),
    Index("ca_certificates_subject_digest_idx", "subject_digest"),
)
"""``subject_digest`` (SHA-256 of the name in DER) and ``serial_number`` (hexadecimal) are read from the certificate
itself, empty when it cannot be read; ``key_id`` is the published one."""

ca_holdings = Table(
    "ca_holdings",
    metadata,
    Column("thumbprint", Text, ForeignKey("ca_certificates.thumbprint"), nullable=False),
    Column("authority_id", BigInteger, ForeignKey("ca_authorities.id"), nullable=False),
    Column("listed", Boolean, nullable=False, server_default=text("true")),
    PrimaryKeyConstraint("thumbprint", "authority_id"),
    Index("ca_holdings_authority_idx", "authority_id"),
)
"""Which certificates are a УЦ's own; ``listed`` is false once an issue came without it."""
