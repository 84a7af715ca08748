"""The tables of the journal (PostgreSQL 15 to 18).

Ids of what grows are UUIDv7 made from the database's time; what grows is partitioned by month of that id, and
children of a packet by the packet's id, so that a look-up by id touches one partition and a month detaches whole.
Partitions are made by :mod:`gateway.journal.partitions`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

import gateway.journal.notification_tables  # noqa: F401 # partitioned as well
from gateway.domain.statuses import OPEN_STATUSES, VERDICTS, Direction, PacketStatus
from gateway.journal.columns import blob, count, flag, moment, now, words
from gateway.journal.registry_tables import metadata

BY_ID: Final[dict[str, Any]] = {"postgresql_partition_by": "RANGE (id)"}
BY_PACKET: Final[dict[str, Any]] = {"postgresql_partition_by": "RANGE (packet_id)"}


_BUSY = ", ".join(f"'{status}'" for status in sorted(OPEN_STATUSES))
_SETTLED = ", ".join(f"'{status}'" for status in sorted(VERDICTS | {PacketStatus.FORM_ERROR}))
DUE_SQL: Final = f"""
NOT held AND closed_by IS NULL AND CASE
  WHEN last_status NOT IN ({_SETTLED}) THEN false
  WHEN (CASE WHEN deleted THEN NULL ELSE content_hash END) IS NOT DISTINCT FROM accepted_hash THEN false
  WHEN last_status = '{PacketStatus.FORM_ERROR}'
    THEN (CASE WHEN deleted THEN NULL ELSE content_hash END) IS DISTINCT FROM last_hash
  WHEN last_status = '{PacketStatus.REJECTED}'
    THEN repeat_requested OR (CASE WHEN deleted THEN NULL ELSE content_hash END) IS DISTINCT FROM last_hash
  ELSE true
END
"""
"""``gateway.domain.repeats.next_step`` = FORM, for the rules an object was last judged by."""

source_objects = Table(
    "source_objects",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    words("service_code"),
    Column("organization_id", BigInteger, ForeignKey("organizations.id"), nullable=False),
    words("object_type"),
    words("object_id"),
    moment("changed_at", nullable=False),
    now("received_at"),
    flag("deleted"),
    blob("content", nullable=False),
    blob("content_hash", nullable=False),
    Column("batch_id", Text),
    Column("last_packet_id", Uuid),
    Column("last_status", Text),
    blob("last_hash"),
    Column("last_rules", Text),
    blob("accepted_hash"),
    Column("peer_id", Text),
    flag("held"),
    flag("repeat_requested"),
    Column("due", Boolean, Computed(DUE_SQL, persisted=True), nullable=False),
    blob("lookup"),
    Column("closed_by", Uuid),
    Column("accepted_parts", JSONB),
    UniqueConstraint("service_code", "organization_id", "object_type", "object_id", name="source_objects_object_key"),
    Index("source_objects_due_idx", "service_code", "object_type", "id", postgresql_where=text("due")),
    Index(
        "source_objects_due_organization_idx",
        "service_code",
        "object_type",
        "organization_id",
        "id",
        postgresql_where=text("due"),
    ),
    Index(
        "source_objects_form_error_idx",
        "service_code",
        "object_type",
        "last_rules",
        "id",
        postgresql_where=text(f"last_status = '{PacketStatus.FORM_ERROR}'"),
    ),
    Index(
        "source_objects_lookup_idx",
        "service_code",
        "object_type",
        "lookup",
        postgresql_where=text("lookup IS NOT NULL"),
    ),
    Index("source_objects_closed_by_idx", "closed_by", postgresql_where=text("closed_by IS NOT NULL")),
)
"""``lookup`` is the sealed person (or whatever the manifest names) of the object; ``closed_by`` the inbound packet that
ended its exchange; ``accepted_parts`` the parts of it that the peer took, each with its mark."""

launches = Table(
    "launches",
    metadata,
    Column("id", Uuid, primary_key=True),
    words("service_code"),
    moment("started_at", nullable=False),
    moment("finished_at"),
    words("result"),
    Column("result_text", Text),
    Column("result_counts", Text),
    Column("remark", Text),
    Column("scope", ARRAY(BigInteger)),
    Column("organization_id", BigInteger, ForeignKey("organizations.id")),
    Column("packet_group_id", Uuid),
    Column("account_id", BigInteger, ForeignKey("accounts.id")),
    words("started_by"),
    moment("stop_requested_at"),
    words("stage", server_default=text("'REARM'")),
    moment("answers_until"),
    Column("last_event_code", Text),
    count("attempt"),
    Index("launches_service_idx", "service_code", "id"),
    Index("launches_started_by_idx", "account_id", "service_code", "id"),
    Index("launches_organization_idx", "organization_id", "service_code", "id"),
    Index("launches_group_idx", "packet_group_id", postgresql_where=text("packet_group_id IS NOT NULL")),
    Index("launches_running_idx", "service_code", postgresql_where=text("result = 'RUNNING'")),
    Index("launches_failed_idx", "service_code", "id", postgresql_where=text("result = 'FAILED'")),
)

launch_requests = Table(
    "launch_requests",
    metadata,
    Column("account_id", BigInteger, ForeignKey("accounts.id"), nullable=False),
    words("request_id"),
    words("fingerprint"),
    Column("launch_ids", ARRAY(Uuid), nullable=False),
    now("created_at"),
    PrimaryKeyConstraint("account_id", "request_id"),
)

launch_counters = Table(
    "launch_counters",
    metadata,
    Column("launch_id", Uuid, ForeignKey("launches.id"), nullable=False),
    Column("organization_id", BigInteger, ForeignKey("organizations.id")),
    words("service_code"),
    count("packets_total"),
    count("packets_with_errors"),
    count("error_count"),
    count("notifications_formed"),
    count("notifications_sent"),
    UniqueConstraint("launch_id", "organization_id", postgresql_nulls_not_distinct=True),
    Index("launch_counters_organization_idx", "organization_id", "service_code", "launch_id"),
)
"""What is of no МО has a row of its own, without one: only who sees every МО sums it up."""

packets = Table(
    "packets",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("launch_id", Uuid, nullable=False),
    words("service_code"),
    Column("organization_id", BigInteger),
    words("direction", server_default=text(f"'{Direction.EXPORT}'")),
    words("packet_type"),
    words("operation"),
    words("status"),
    Column("result_text", Text),
    flag("held"),
    count("attempts"),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    Column("object_id", Text),
    Column("source_object_id", BigInteger),
    blob("content_hash"),
    Column("items_total", Integer),
    Column("items_not_accepted", Integer),
    Column("group_position", Integer),
    Column("group_size", Integer),
    Column("name", Text),
    Column("data_size", Integer),
    blob("data_sha256"),
    Column("answer_size", Integer),
    blob("answer_sha256"),
    now("changed_at"),
    Index("packets_launch_idx", "launch_id", "id"),
    Index("packets_launch_status_idx", "launch_id", "status", "id"),
    Index("packets_service_idx", "service_code", "id"),
    Index("packets_organization_idx", "organization_id", "id"),
    Index("packets_organization_status_idx", "organization_id", "status", "id"),
    Index("packets_status_idx", "service_code", "status", "id"),
    Index("packets_type_idx", "service_code", "packet_type", "operation", "id"),
    Index("packets_object_idx", "object_id", "id"),
    Index("packets_changed_idx", "changed_at", "id"),
    Index("packets_name_idx", "service_code", "name", postgresql_where=text("name IS NOT NULL")),
    Index("packets_held_idx", "service_code", "id", postgresql_where=text("held")),
    Index(
        "packets_open_idx",
        "service_code",
        "status",
        "operation",
        "packet_type",
        "id",
        postgresql_where=text(f"status IN ({_BUSY}, '{PacketStatus.SEND_ERROR}')"),
    ),
    **BY_ID,
)


def _child(name: str, *columns: Any) -> Table:
    packet_id = Column("packet_id", Uuid, ForeignKey("packets.id"), nullable=False)
    return Table(name, metadata, packet_id, *columns, **BY_PACKET)


packet_bodies = _child(
    "packet_bodies",
    words("kind"),
    words("media_type"),
    blob("content", nullable=False),
    PrimaryKeyConstraint("packet_id", "kind"),
    CheckConstraint("kind IN ('DATA', 'ANSWER')", name="kind"),
)

packet_findings = _child(
    "packet_findings",
    Column("position", Integer, nullable=False),
    words("path"),
    Column("line", Integer),
    words("code"),
    words("message"),
    PrimaryKeyConstraint("packet_id", "position"),
)

packet_items = _child(
    "packet_items",
    Column("position", Integer, nullable=False),
    words("object_id"),
    Column("source_object_id", BigInteger, nullable=False),
    blob("content_hash"),
    Column("outcome", Text),
    Column("message", Text),
    Column("parts", JSONB),
    PrimaryKeyConstraint("packet_id", "position"),
    Index("packet_items_object_idx", "object_id", "packet_id"),
)

attempts = _child(
    "attempts",
    Column("number", Integer, nullable=False),
    now("started_at"),
    moment("finished_at"),
    Column("outcome", Text),
    Column("error_text", Text),
    PrimaryKeyConstraint("packet_id", "number"),
)

session_events = Table(
    "session_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("launch_id", Uuid, nullable=False),
    words("code"),
    words("title"),
    Column("about", Text),
    now("started_at"),
    moment("sent_at"),
    moment("answered_at"),
    moment("finished_at"),
    Index("session_events_launch_idx", "launch_id", "id"),
    **BY_ID,
)

session_errors = Table(
    "session_errors",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("launch_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    words("stage"),
    words("message"),
    Column("about", Text),
    now("at"),
    count("attempt"),
    Index("session_errors_launch_idx", "launch_id", "id"),
    **BY_ID,
)

inbound_documents = Table(
    "inbound_documents",
    metadata,
    Column("id", Uuid, primary_key=True),
    words("service_code"),
    Column("organization_id", BigInteger),
    words("document_type"),
    Column("packet_id", Uuid),
    now("received_at"),
    blob("content", nullable=False),
    moment("taken_at"),
    moment("confirmed_at"),
    Column("accepted", Boolean),
    Column("reason", Text),
    Column("superseded_by", Uuid),
    Index(
        "inbound_documents_waiting_idx",
        "organization_id",
        "service_code",
        "id",
        postgresql_where=text("confirmed_at IS NULL AND superseded_by IS NULL"),
    ),
    **BY_ID,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    words("task"),
    words("service_code"),
    Column("launch_id", Uuid, ForeignKey("launches.id"), unique=True),
    now("created_at"),
    now("not_before"),
    moment("published_at"),
    Column("lease_owner", Text),
    Column("lease_token", BigInteger, nullable=False, server_default=text("0")),
    moment("lease_until"),
    count("failures"),
    count("crashes"),
    count("deaths"),
    Index("outbox_not_before_idx", "not_before"),
    Index("outbox_answers_idx", "service_code", unique=True, postgresql_where=text("task = 'answers'")),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    now("at"),
    Column("account_id", BigInteger),
    words("who"),
    words("action"),
    Column("organization_id", BigInteger),
    Column("object", Text),
    Column("address", Text),
    Column("detail", JSONB),
    Index("audit_events_account_idx", "account_id", "id"),
    Index("audit_events_object_idx", "object", "id"),
    **BY_ID,
)

PARTITIONED: Final[tuple[Table, ...]] = tuple(
    table for table in metadata.sorted_tables if table.dialect_options["postgresql"]["partition_by"]
)
