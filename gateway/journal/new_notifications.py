"""Journaling new notifications: one per person and event, whatever was submitted how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from gateway.domain.notices import Channel, formed_delta
from gateway.domain.statuses import NotificationStatus
from gateway.journal.copying import copy_rows
from gateway.journal.counters import CounterDeltas
from gateway.journal.notifications import NoticeOutcome, settle_notices
from gateway.journal.objects import DueObject
from gateway.journal.seals import seal

REPLACED: Final = "Сведения изменились: уведомление заменено новым"
WITHDRAWN: Final = "МИС отозвала напоминание"
_OPEN: Final = frozenset({NotificationStatus.NEW, NotificationStatus.SEND_ERROR})


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A notification just made of a due object; CANCELLED with its reason when it is not to be sent.

    ``event`` tells person and event; it is kept sealed. ``packed`` is what is sent, packed.
    """

    id: UUID
    source: DueObject
    channel: Channel
    patient_name: str
    patient_birth_date: date
    planned_on: date
    event: str
    address: str | None = None
    packed: bytes | None = None
    time_zone: str | None = None
    reason: str | None = field(default=None)

    @property
    def status(self) -> NotificationStatus:
        """The status in which the notification enters the journal."""
        return NotificationStatus.CANCELLED if self.reason else NotificationStatus.NEW


def journal_notices(
    connection: Connection,
    service_code: str,
    launch_id: UUID,
    rules: str,
    made: Sequence[NewNotice],
    withdrawn: Sequence[DueObject],
) -> None:
    """Write a batch of new notifications (COPY), take back what they replace, mark their objects, move the counters.

    What an object's earlier notification has not told yet is cancelled. A person already told of an event, by whatever
    object, is not told again. The objects must be locked by this transaction. The caller commits.
    """
    reasons = {n.source.id: n.reason or REPLACED for n in made} | {o.id: WITHDRAWN for o in withdrawn}
    _take_back(connection, service_code, reasons)
    fresh = [n for n in made if n.reason] + _first_of_their_event(connection, service_code, made)
    fresh.sort(key=lambda n: n.id)
    copy_rows(connection, "notifications", _COLUMNS, (_row(service_code, launch_id, n) for n in fresh))
    if any(not n.reason for n in fresh):
        _due_now(connection, [n.id for n in fresh if not n.reason])
    _mark_objects(connection, rules, [n.source for n in made] + list(withdrawn), {n.source.id: n.id for n in fresh})
    deltas = CounterDeltas(service_code)
    for notice in fresh:
        deltas.add(launch_id, notice.source.organization_id, notices=formed_delta(None, notice.status))
    deltas.write(connection)


_COLUMNS: Final = (
    "id",
    "launch_id",
    "service_code",
    "organization_id",
    "source_object_id",
    "channel",
    "patient_name",
    "patient_birth_date",
    "address",
    "body",
    "planned_on",
    "time_zone",
    "status",
    "error_text",
)


def _row(service_code: str, launch_id: UUID, n: NewNotice) -> tuple[object, ...]:
    of = (n.id, launch_id, service_code, n.source.organization_id, n.source.id, n.channel.value)
    person = (n.patient_name, n.patient_birth_date)
    return (*of, *person, n.address, n.packed, n.planned_on, n.time_zone, n.status.value, n.reason)


def _due_now(connection: Connection, ids: Sequence[UUID]) -> None:
    connection.execute(
        text(
            "UPDATE notifications n SET not_before = clock_timestamp() FROM unnest(CAST(:ids AS uuid[])) AS w(id)"
            " WHERE n.id = w.id"
        ),
        {"ids": list(ids)},
    )


def _take_back(connection: Connection, service_code: str, reasons: Mapping[int, str]) -> None:
    """Cancel what these objects' newest notifications have not told yet."""
    rows = connection.execute(
        text(
            """
            SELECT n.id, o.id AS object_id FROM source_objects o JOIN notifications n ON n.id = o.last_packet_id
            WHERE o.id = ANY(CAST(:ids AS bigint[])) AND n.status IN ('NEW', 'SEND_ERROR')
            """
        ),
        {"ids": sorted(reasons)},
    )
    cancelled = [NoticeOutcome(r.id, NotificationStatus.CANCELLED, reasons[r.object_id], sources=_OPEN) for r in rows]
    settle_notices(connection, service_code, cancelled)


def _first_of_their_event(connection: Connection, service_code: str, made: Sequence[NewNotice]) -> list[NewNotice]:
    """Those that are the first to tell their person of their event; the event is theirs from now on."""
    wanted = [n for n in made if not n.reason]
    if not wanted:
        return []
    seals = seal(connection, "notice", [f"{service_code}\x1e{n.event}".encode() for n in wanted])
    by_key: dict[bytes, NewNotice] = {}
    for key, notice in zip(seals, wanted, strict=True):
        by_key.setdefault(key, notice)
    keys = sorted(by_key)
    given = {
        "keys": keys,
        "ids": [by_key[key].id for key in keys],
        "days": [by_key[key].planned_on for key in keys],
    }
    mine = set(connection.execute(_TAKE_KEYS, given).scalars())
    if len(mine) < len(keys):
        mine |= set(connection.execute(_TAKE_OVER_KEYS, given).scalars())
    return [notice for key, notice in by_key.items() if key in mine]


_TAKE_KEYS: Final = text(
    """
    INSERT INTO notification_keys (key, notification_id, planned_on)
    SELECT * FROM unnest(CAST(:keys AS bytea[]), CAST(:ids AS uuid[]), CAST(:days AS date[]))
    ON CONFLICT (key) DO NOTHING RETURNING key
    """
)
_TAKE_OVER_KEYS: Final = text(
    """
    WITH wanted AS (
      SELECT * FROM unnest(CAST(:keys AS bytea[]), CAST(:ids AS uuid[]), CAST(:days AS date[])) AS w(key, id, day)),
    free AS (
      SELECT k.key FROM notification_keys k JOIN wanted w USING (key) JOIN notifications n ON n.id = k.notification_id
      WHERE k.notification_id <> w.id AND n.status = 'CANCELLED' ORDER BY k.key FOR UPDATE OF k)
    UPDATE notification_keys k SET notification_id = w.id FROM wanted w JOIN free USING (key)
    WHERE k.key = w.key RETURNING k.key
    """
)
"""An event whose notification was cancelled may be told by a new one."""


def _mark_objects(connection: Connection, rules: str, objects: Sequence[DueObject], newest: Mapping[int, UUID]) -> None:
    """What a notification was made of is dealt with until the МИС changes it."""
    connection.execute(
        text(
            """
            UPDATE source_objects o SET last_packet_id = coalesce(n.notice_id, o.last_packet_id),
                last_status = 'ACCEPTED', last_hash = n.hash, accepted_hash = n.hash, last_rules = :rules,
                repeat_requested = false
            FROM unnest(CAST(:ids AS bigint[]), CAST(:notices AS uuid[]), CAST(:hashes AS bytea[]))
                AS n(id, notice_id, hash)
            WHERE o.id = n.id
            """
        ),
        {
            "rules": rules,
            "ids": [o.id for o in objects],
            "notices": [newest.get(o.id) for o in objects],
            "hashes": [o.content_hash for o in objects],
        },
    )
