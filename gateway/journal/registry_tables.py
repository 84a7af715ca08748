"""The tables of who is there: the installation, МО, accounts, settings of services. None is partitioned."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gateway.journal.columns import blob, count, flag, moment, now, words

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

installation = Table(
    "installation",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    blob("secret", nullable=False),
    now("created_at"),
)
"""One row: the secret that signs cursors and links of this installation, shared by its processes."""

organizations = Table(
    "organizations",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    words("oid", unique=True),
    words("name"),
    Column("codes", JSONB, nullable=False, server_default=text("'{}'")),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    words("login", unique=True),
    words("password_hash"),
    words("role"),
    flag("may_act"),
    now("created_at"),
    now("changed_at"),
    moment("disabled_at"),
    Column("certificate", Text, unique=True),
)

spent_nonces = Table(
    "spent_nonces",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    now("spent_at"),
    Index("spent_nonces_spent_at_idx", "spent_at"),
)
"""Nonces of the last minutes, so that a message is taken once by whichever process it comes to."""

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    moment("until", nullable=False),
    Index("sign_in_failures_until_idx", "until"),
    prefixes=["UNLOGGED"],
)

account_organizations = Table(
    "account_organizations",
    metadata,
    Column("account_id", BigInteger, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("organization_id", BigInteger, ForeignKey("organizations.id"), nullable=False),
    PrimaryKeyConstraint("account_id", "organization_id"),
)

service_settings = Table(
    "service_settings",
    metadata,
    Column("service_code", Text, primary_key=True),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("schedule", Text),
    Column("time_zone", Text),
    count("jitter_s"),
    moment("next_start_at"),
    Column("next_start_of", Text),
    now("changed_at"),
)

service_organizations = Table(
    "service_organizations",
    metadata,
    words("service_code"),
    Column("organization_id", BigInteger, ForeignKey("organizations.id"), nullable=False),
    moment("last_success_at"),
    PrimaryKeyConstraint("service_code", "organization_id"),
)
