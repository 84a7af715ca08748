"""Sending notifications: entering SENDING, settling outcomes, the peer's later words. Each is a compare-and-set.

A notification whose sending was cut short stays SENDING and is *in doubt*: ``error_text`` says so, ``await_until`` is
set, nobody sends it again. The peer's word still settles it; without one it is NOT_DELIVERED when the time is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from gateway.domain.notices import Word, formed_delta, notice_sources, sent_delta
from gateway.domain.statuses import NotificationStatus
from gateway.journal.bodies import unpack
from gateway.journal.counters import CounterDeltas

AWAIT_S: Final = 48 * 3600.0
"""So long the peer's word is waited for, after the last attempt."""

N = NotificationStatus
SENDING: Final = frozenset({N.SENDING})
_SILENT: Final = "Доставка не подтверждена за 48 часов"


@dataclass(frozen=True, slots=True)
class Quiet:
    """Local hours in which nobody is disturbed, from ``since`` to ``until``; equal: there are none."""

    since: time
    until: time


@dataclass(frozen=True, slots=True)
class ReadyNotice:
    """A notification that entered SENDING: its attempt is journaled, its bytes may leave. ``tries`` is this one's."""

    id: UUID
    address: str
    body: bytes
    tries: int


@dataclass(frozen=True, slots=True)
class NoticeOutcome:
    """A change of one notification's status.

    ``again_s``: seconds until the next attempt, None when there is none. ``uncounted``: the attempt does not count.
    ``peer_ids``: the peer's ids of those of its ``parts`` that it took; each will get a word.
    """

    id: UUID
    status: NotificationStatus
    text: str | None = None
    again_s: float | None = None
    uncounted: bool = False
    parts: int = 0
    peer_ids: tuple[str, ...] = ()
    sources: frozenset[NotificationStatus] = field(default=frozenset())


def enter_sending(
    connection: Connection,
    service_code: str,
    scope: frozenset[int] | None,
    sender: UUID,
    quiet: Quiet,
    limit: int,
) -> tuple[int, list[ReadyNotice]]:
    """Move the next due notifications to SENDING; return how many were looked at, and those that may be sent.

    Those in whose time zone it is quiet now wait for the morning; those whose day is past are cancelled.
    Rows that another transaction holds are passed over. The caller commits, then sends.
    """
    rows = connection.execute(
        _ENTER,
        {
            "service": service_code,
            "scope": None if scope is None else sorted(scope),
            "sender": sender,
            "since": quiet.since,
            "until": quiet.until,
            "limit": limit,
        },
    ).all()
    passed = [
        NoticeOutcome(r.id, N.CANCELLED, "Запланированный день прошёл, уведомление не отправлено")
        for r in rows
        if r.passed
    ]
    settle_notices(connection, service_code, passed)
    ready = [ReadyNotice(r.id, r.address, unpack(r.body), r.tries) for r in rows if r.address is not None]
    return len(rows), ready


_ENTER: Final = text(
    """
    WITH next AS MATERIALIZED (
      SELECT n.id, clock_timestamp() AT TIME ZONE n.time_zone AS local, n.time_zone, n.planned_on
      FROM notifications n
      WHERE n.service_code = :service AND n.not_before <= clock_timestamp()
        AND (CAST(:scope AS bigint[]) IS NULL OR n.organization_id = ANY(CAST(:scope AS bigint[])))
      ORDER BY n.not_before, n.id LIMIT :limit FOR UPDATE SKIP LOCKED),
    judged AS MATERIALIZED (
      SELECT id, planned_on < local::date AS passed,
        CASE WHEN CAST(:since AS time) <= CAST(:until AS time)
          THEN local::time >= CAST(:since AS time) AND local::time < CAST(:until AS time)
          ELSE local::time >= CAST(:since AS time) OR local::time < CAST(:until AS time) END AS quiet,
        (local::date + CAST(:until AS time)
          + CASE WHEN local::time < CAST(:until AS time) THEN interval '0' ELSE interval '1 day' END)
          AT TIME ZONE time_zone AS morning
      FROM next),
    put_off AS (
      UPDATE notifications n SET not_before = j.morning FROM judged j WHERE n.id = j.id AND j.quiet AND NOT j.passed),
    entered AS (
      UPDATE notifications n SET status = 'SENDING', attempts = n.attempts + 1, tries = n.tries + 1, not_before = NULL,
        sender = :sender, sent_at = clock_timestamp(), error_text = NULL
      FROM judged j WHERE n.id = j.id AND NOT j.quiet AND NOT j.passed
      RETURNING n.id, n.address, n.body, n.tries)
    SELECT j.id, j.passed, e.address, e.body, e.tries FROM judged j LEFT JOIN entered e USING (id) ORDER BY j.id
    """
)


def settle_notices(connection: Connection, service_code: str, outcomes: Sequence[NoticeOutcome]) -> set[UUID]:
    """Apply outcomes by compare-and-set and return the ids that changed; the others were settled by somebody else.

    Moves the counters of the notifications' own launches and remembers the peer's ids; a word that came before its id
    is heard now. Notifications of one call must be different. The caller commits.
    """
    if not outcomes:
        return set()
    ordered = sorted(outcomes, key=lambda o: o.id)
    rows = connection.execute(_SETTLE, {"service": service_code, **_parameters(ordered)}).all()
    deltas = CounterDeltas(service_code)
    for row in rows:
        before, after = N(row.old_status), N(row.status)
        formed, sent = formed_delta(before, after), sent_delta(before, after)
        deltas.add(row.launch_id, row.organization_id, notices=formed, sent=sent)
    deltas.write(connection)
    changed = {row.id for row in rows}
    _remember_parts(connection, service_code, [o for o in ordered if o.id in changed])
    return changed


def _parameters(outcomes: Sequence[NoticeOutcome]) -> dict[str, Any]:
    sources = [o.sources & notice_sources(o.status) if o.sources else notice_sources(o.status) for o in outcomes]
    return {
        "ids": [o.id for o in outcomes],
        "statuses": [o.status.value for o in outcomes],
        "sources": [",".join(sorted(each)) for each in sources],
        "texts": [o.text for o in outcomes],
        "pauses": [o.again_s for o in outcomes],
        "uncounted": [int(o.uncounted) for o in outcomes],
        "parts": [o.parts for o in outcomes],
        "awaits": [AWAIT_S if o.peer_ids and o.status is N.SENT else None for o in outcomes],
    }


_SETTLE: Final = text(
    """
    WITH wanted AS (
      SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:sources AS text[]),
          CAST(:texts AS text[]), CAST(:pauses AS float8[]), CAST(:uncounted AS int[]), CAST(:parts AS int[]),
          CAST(:awaits AS float8[]))
          AS w(id, status, sources, error_text, pause_s, uncounted, parts, await_s)),
    old AS (
      SELECT n.id, n.status FROM notifications n JOIN wanted USING (id) WHERE n.service_code = :service
      ORDER BY n.id FOR UPDATE OF n)
    UPDATE notifications n SET status = w.status, error_text = w.error_text, tries = n.tries - w.uncounted,
      not_before = clock_timestamp() + make_interval(secs => w.pause_s), parts = greatest(n.parts, w.parts),
      await_until = clock_timestamp() + make_interval(secs => w.await_s), sender = NULL
    FROM wanted w JOIN old ON old.id = w.id
    WHERE n.id = w.id AND old.status = ANY(string_to_array(w.sources, ','))
    RETURNING n.id, old.status AS old_status, n.status, n.launch_id, n.organization_id
    """
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A notification that may or may not have left, with the ids of the parts that the peer certainly took."""

    id: UUID
    text: str
    parts: int = 0
    peer_ids: tuple[str, ...] = ()


def put_in_doubt(connection: Connection, doubts: Sequence[Doubt], service_code: str) -> None:
    """Leave notifications SENDING and in doubt. The caller commits."""
    connection.execute(
        text(
            """
            UPDATE notifications n SET error_text = w.error_text, parts = greatest(n.parts, w.parts), sender = NULL,
              await_until = clock_timestamp() + make_interval(secs => :await_s)
            FROM unnest(CAST(:ids AS uuid[]), CAST(:texts AS text[]), CAST(:parts AS int[])) AS w(id, error_text, parts)
            WHERE n.id = w.id AND n.status = 'SENDING'
            """
        ),
        {
            "await_s": AWAIT_S,
            "ids": [d.id for d in doubts],
            "texts": [d.text for d in doubts],
            "parts": [d.parts for d in doubts],
        },
    )
    _remember_parts(connection, service_code, doubts)


def interrupted(connection: Connection, service_code: str, sender: UUID, limit: int) -> list[UUID]:
    """Notifications that an earlier attempt of this work, or work that exists no more, left in the middle."""
    statement = text(
        """
        SELECT n.id FROM notifications n
        WHERE n.service_code = :service AND n.status = 'SENDING' AND n.sender IS NOT NULL
          AND (n.sender = :sender OR NOT EXISTS (SELECT FROM outbox o WHERE o.id = n.sender))
        ORDER BY n.id LIMIT :limit FOR UPDATE OF n SKIP LOCKED
        """
    )
    given = {"service": service_code, "sender": sender, "limit": limit}
    return list(connection.execute(statement, given).scalars())


def _remember_parts(connection: Connection, service_code: str, taken: Sequence[NoticeOutcome | Doubt]) -> None:
    parts = sorted((peer_id, each.id) for each in taken for peer_id in each.peer_ids)
    if not parts:
        return
    heard = connection.execute(
        text(
            """
            INSERT INTO notification_parts AS p (service_code, peer_id, notification_id)
            SELECT :service, * FROM unnest(CAST(:peer_ids AS text[]), CAST(:ids AS uuid[]))
            ON CONFLICT (service_code, peer_id) DO UPDATE SET notification_id = excluded.notification_id,
              word = CASE WHEN p.notification_id IS NULL THEN p.word END, created_at = excluded.created_at
            RETURNING notification_id, word
            """
        ),
        {"service": service_code, "peer_ids": [p[0] for p in parts], "ids": [p[1] for p in parts]},
    )
    _judge(connection, service_code, {row.notification_id for row in heard if row.word is not None})


def hear(connection: Connection, service_code: str, words: Mapping[str, Word]) -> None:
    """Take the peer's words on parts of messages, by its ids; of a part delivered nothing else is believed.

    A word on a part that nobody knows yet is kept until its id is journaled. The caller commits, then confirms.
    """
    if not words:
        return
    peer_ids = sorted(words)
    heard = connection.execute(
        text(
            """
            INSERT INTO notification_parts AS p (service_code, peer_id, word)
            SELECT :service, * FROM unnest(CAST(:peer_ids AS text[]), CAST(:words AS text[]))
            ON CONFLICT (service_code, peer_id) DO UPDATE SET word = excluded.word
              WHERE p.word IS DISTINCT FROM 'DELIVERED'
            RETURNING notification_id
            """
        ),
        {"service": service_code, "peer_ids": peer_ids, "words": [words[p].value for p in peer_ids]},
    ).scalars()
    _judge(connection, service_code, {each for each in heard if each is not None})


def _judge(connection: Connection, service_code: str, ids: set[UUID]) -> None:
    """Settle what the words on all parts of a notification amount to; its row is locked before they are counted."""
    if not ids:
        return
    given = {"ids": sorted(ids)}
    lock = "SELECT id FROM notifications WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE"
    connection.execute(text(lock), given)
    rows = connection.execute(
        text(
            """
            SELECT n.id, bool_or(p.word = 'FAILED') AS failed,
              count(*) FILTER (WHERE p.word = 'DELIVERED') >= greatest(n.parts, 1) AS delivered
            FROM unnest(CAST(:ids AS uuid[])) AS w(id) JOIN notifications n ON n.id = w.id
            JOIN notification_parts p ON p.notification_id = n.id AND p.service_code = n.service_code
            GROUP BY n.id, n.parts
            """
        ),
        given,
    )
    outcomes = []
    for row in rows:
        if row.delivered:
            outcomes.append(NoticeOutcome(row.id, N.DELIVERED))
        elif row.failed:
            outcomes.append(NoticeOutcome(row.id, N.NOT_DELIVERED, "Оператор связи сообщил, что не доставил"))
    settle_notices(connection, service_code, outcomes)


def silent_parts(connection: Connection, service_code: str, limit: int) -> list[str]:
    """The peer's ids of parts without a last word, of the notifications that :func:`stop_waiting` would take next."""
    statement = text(
        """
        SELECT p.peer_id FROM notification_parts p JOIN (
          SELECT id FROM notifications WHERE service_code = :service AND await_until <= clock_timestamp()
          ORDER BY id LIMIT :limit) n ON n.id = p.notification_id
        WHERE p.service_code = :service AND (p.word IS NULL OR p.word NOT IN ('DELIVERED', 'FAILED'))
        ORDER BY p.peer_id
        """
    )
    return list(connection.execute(statement, {"service": service_code, "limit": limit}).scalars())


def stop_waiting(connection: Connection, service_code: str, limit: int) -> int:
    """Give up waiting for words that did not come in time; return how many were looked at. The caller commits.

    What was in doubt, or of what the peer itself does not know, is NOT_DELIVERED; the rest stays SENT.
    """
    rows = connection.execute(
        text(
            """
            SELECT n.id, n.status = 'SENDING' OR EXISTS (SELECT FROM notification_parts p
              WHERE p.notification_id = n.id AND p.word = 'UNKNOWN') AS lost
            FROM notifications n WHERE n.service_code = :service AND n.await_until <= clock_timestamp()
            ORDER BY n.id LIMIT :limit FOR UPDATE OF n SKIP LOCKED
            """
        ),
        {"service": service_code, "limit": limit},
    ).all()
    settle_notices(connection, service_code, [NoticeOutcome(r.id, N.NOT_DELIVERED, _SILENT) for r in rows if r.lost])
    over = "UPDATE notifications SET await_until = NULL WHERE id = ANY(CAST(:ids AS uuid[]))"
    connection.execute(text(over), {"ids": [r.id for r in rows]})
    return len(rows)
