"""The tables of notifications to patients.

``notifications`` is partitioned by month of its id. The two others are found by what is not an id of ours, so they
are whole, and housekeeping keeps them short: keys of events long past and message ids that no peer will name any more.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from gateway.journal.columns import blob, count, moment, now, words
from gateway.journal.registry_tables import metadata

notifications: Final = Table(
    "notifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("launch_id", Uuid, nullable=False),
    words("service_code"),
    Column("organization_id", BigInteger, nullable=False),
    Column("source_object_id", BigInteger, nullable=False),
    words("channel"),
    words("patient_name"),
    Column("patient_birth_date", Date, nullable=False),
    Column("address", Text),
    blob("body"),
    Column("planned_on", Date),
    Column("time_zone", Text),
    words("status"),
    count("attempts"),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    Column("parts", SmallInteger, nullable=False, server_default=text("0")),
    moment("not_before"),
    moment("await_until"),
    Column("sender", Uuid),
    moment("sent_at"),
    Column("error_text", Text),
    Index("notifications_launch_idx", "launch_id", "status", "id"),
    Index("notifications_page_idx", "launch_id", "id"),
    Index("notifications_due_idx", "service_code", "not_before", "id", postgresql_where=text("not_before IS NOT NULL")),
    Index("notifications_await_idx", "service_code", "await_until", postgresql_where=text("await_until IS NOT NULL")),
    Index("notifications_sending_idx", "service_code", "id", postgresql_where=text("status = 'SENDING'")),
    postgresql_partition_by="RANGE (id)",
)
"""``not_before``: waits to be sent then. ``await_until``: waits for the peer's word so long. ``attempts``: all,
``tries``: those that count. ``sender``: the work that is sending it."""

notification_keys: Final = Table(
    "notification_keys",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("notification_id", Uuid, nullable=False),
    Column("planned_on", Date, nullable=False),
    Index("notification_keys_planned_idx", "planned_on"),
)
"""One notification per person and event: the seal of both."""

notification_parts: Final = Table(
    "notification_parts",
    metadata,
    words("service_code"),
    words("peer_id"),
    Column("notification_id", Uuid),
    Column("word", Text),
    now("created_at"),
    PrimaryKeyConstraint("service_code", "peer_id"),
    Index("notification_parts_notification_idx", "notification_id"),
    Index("notification_parts_created_idx", "created_at"),
)
"""A message's id at the peer and what the peer said of it; the word may come before we know whose it is."""
