"""Certification authorities (УЦ): issues of the ministry's register, what is in force, what is being loaded."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    """
    CREATE TABLE ca_issues (
      id BIGINT GENERATED ALWAYS AS IDENTITY,
      version BIGINT NOT NULL,
      issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
      size BIGINT NOT NULL,
      sha256 BYTEA NOT NULL,
      source TEXT NOT NULL,
      etag TEXT NOT NULL,
      last_modified TEXT NOT NULL,
      total INTEGER DEFAULT 0 NOT NULL,
      added INTEGER DEFAULT 0 NOT NULL,
      changed INTEGER DEFAULT 0 NOT NULL,
      missing INTEGER DEFAULT 0 NOT NULL,
      begun_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      loaded_at TIMESTAMP WITH TIME ZONE,
      current BOOLEAN DEFAULT false NOT NULL,
      CONSTRAINT ca_issues_pkey PRIMARY KEY (id)
    )
    """,
    "CREATE UNIQUE INDEX ca_issues_current_idx ON ca_issues (current) WHERE current",
    """
    CREATE TABLE ca_issue_chunks (
      issue_id BIGINT NOT NULL,
      position INTEGER NOT NULL,
      content BYTEA NOT NULL,
      CONSTRAINT ca_issue_chunks_pkey PRIMARY KEY (issue_id, position),
      CONSTRAINT ca_issue_chunks_issue_id_fkey FOREIGN KEY(issue_id) REFERENCES ca_issues (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE ca_arrivals (
      issue_id BIGINT NOT NULL,
      inn TEXT NOT NULL,
      ogrn TEXT NOT NULL,
      digest BYTEA,
      name TEXT,
      short_name TEXT,
      number TEXT,
      successor_ogrn TEXT,
      status TEXT,
      status_since TIMESTAMP WITH TIME ZONE,
      history JSONB,
      thumbprints JSONB,
      CONSTRAINT ca_arrivals_pkey PRIMARY KEY (issue_id, inn, ogrn),
      CONSTRAINT ca_arrivals_issue_id_fkey FOREIGN KEY(issue_id) REFERENCES ca_issues (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE ca_authorities (
      id BIGINT GENERATED ALWAYS AS IDENTITY,
      inn TEXT NOT NULL,
      ogrn TEXT NOT NULL,
      digest BYTEA NOT NULL,
      name TEXT NOT NULL,
      short_name TEXT NOT NULL,
      number TEXT NOT NULL,
      successor_ogrn TEXT NOT NULL,
      status TEXT NOT NULL,
      status_since TIMESTAMP WITH TIME ZONE NOT NULL,
      listed BOOLEAN DEFAULT true NOT NULL,
      seen_version BIGINT NOT NULL,
      changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      CONSTRAINT ca_authorities_pkey PRIMARY KEY (id),
      CONSTRAINT ca_authorities_inn_ogrn_key UNIQUE (inn, ogrn)
    )
    """,
    """
    CREATE TABLE ca_status_history (
      id BIGINT GENERATED ALWAYS AS IDENTITY,
      authority_id BIGINT NOT NULL,
      status TEXT NOT NULL,
      since TIMESTAMP WITH TIME ZONE NOT NULL,
      noted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
      CONSTRAINT ca_status_history_pkey PRIMARY KEY (id),
      CONSTRAINT ca_status_history_status_key UNIQUE (authority_id, status, since),
      CONSTRAINT ca_status_history_authority_id_fkey FOREIGN KEY(authority_id) REFERENCES ca_authorities (id)
    )
    """,
    """
    CREATE TABLE ca_certificates (
      thumbprint TEXT NOT NULL,
      key_id TEXT NOT NULL,
      subject TEXT NOT NULL,
      issuer TEXT NOT NULL,
      serial TEXT NOT NULL,
      valid_from TIMESTAMP WITH TIME ZONE NOT NULL,
      valid_to TIMESTAMP WITH TIME ZONE NOT NULL,
      subject_digest BYTEA,
      serial_number TEXT,
      der BYTEA NOT NULL,
      CONSTRAINT ca_certificates_pkey PRIMARY KEY (thumbprint)
    )
    """,
    "CREATE INDEX ca_certificates_key_id_idx ON ca_certificates (key_id)",
    "CREATE INDEX ca_certificates_subject_digest_idx ON ca_certificates (subject_digest)",
    """
    CREATE TABLE ca_holdings (
      thumbprint TEXT NOT NULL,
      authority_id BIGINT NOT NULL,
      listed BOOLEAN DEFAULT true NOT NULL,
      CONSTRAINT ca_holdings_pkey PRIMARY KEY (thumbprint, authority_id),
      CONSTRAINT ca_holdings_thumbprint_fkey FOREIGN KEY(thumbprint) REFERENCES ca_certificates (thumbprint),
      CONSTRAINT ca_holdings_authority_id_fkey FOREIGN KEY(authority_id) REFERENCES ca_authorities (id)
    )
    """,
    "CREATE INDEX ca_holdings_authority_idx ON ca_holdings (authority_id)",
)


def upgrade() -> None:
    """Add seven tables."""
    for statement in STATEMENTS:
        op.execute(statement)
