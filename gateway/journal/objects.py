"""Source objects: what the МИС submitted, and what a run finds due among it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, TextClause, text

from gateway.domain.repeats import operation_for
from gateway.domain.statuses import Operation
from gateway.journal.seals import seal


@dataclass(frozen=True, slots=True)
class Arrival:
    """One object at the door, already judged by its lax schema. ``packed`` is empty for a removal.

    ``lookup`` is what it may be found by (:func:`gateway.domain.lookups.comparable`); it is kept sealed.
    """

    object_type: str
    object_id: str
    changed_at: datetime
    deleted: bool
    packed: bytes
    content_hash: bytes
    lookup: str | None = None


@dataclass(slots=True)
class _Stored:
    id: int | None
    changed_at: datetime
    deleted: bool
    packed: bytes | None
    content_hash: bytes
    dirty: bool = False
    lookup: bytes | None = None


def submit(
    connection: Connection,
    service_code: str,
    organization_id: int,
    arrivals: Sequence[Arrival],
    batch_id: str | None,
) -> list[bool]:
    """Store the latest state of objects of one МО; tell for each arrival whether it changed anything.

    An older ``changed_at`` than stored, equal content, and the removal of what was never there change nothing. The
    content of a removed object is kept, since the packet that removes it at the peer is made of it. An object that a
    baseline told of comes with the hash that the peer accepted. Submissions of one МО to one service are serialised.
    The caller commits.
    """
    lock_submissions(connection, service_code, organization_id)
    stored = _stored(connection, service_code, organization_id, arrivals)
    sealed = sealed_lookups(connection, [(a.object_type, a.lookup) for a in arrivals])
    verdicts = [_apply(stored, *each) for each in zip(arrivals, sealed, strict=True)]
    _insert(connection, service_code, organization_id, stored, batch_id)
    _update(connection, stored, batch_id)
    return verdicts


def sealed_lookups(connection: Connection, wanted: Sequence[tuple[str, str | None]]) -> list[bytes | None]:
    """Seal what objects of a type are found by, as the index keeps it; None stays None."""
    texts = [f"{object_type}\x1e{lookup}".encode() for object_type, lookup in wanted if lookup is not None]
    sealed = iter(seal(connection, "lookup", texts) if texts else ())
    return [None if lookup is None else next(sealed) for _, lookup in wanted]


def lock_submissions(connection: Connection, service_code: str, organization_id: int) -> None:
    """Serialise submissions of one МО to one service until the transaction ends."""
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"submit:{service_code}:{organization_id}"},
    )


def _stored(
    connection: Connection, service_code: str, organization_id: int, arrivals: Sequence[Arrival]
) -> dict[tuple[str, str], _Stored]:
    rows = connection.execute(
        text(
            """
            SELECT o.id, o.object_type, o.object_id, o.changed_at, o.deleted, o.content_hash
            FROM source_objects o
            JOIN (SELECT DISTINCT * FROM unnest(CAST(:types AS text[]), CAST(:ids AS text[])))
              AS a(object_type, object_id)
              USING (object_type, object_id)
            WHERE o.service_code = :service AND o.organization_id = :organization
            ORDER BY o.id FOR UPDATE OF o
            """
        ),
        {
            "types": [a.object_type for a in arrivals],
            "ids": [a.object_id for a in arrivals],
            "service": service_code,
            "organization": organization_id,
        },
    )
    return {(r.object_type, r.object_id): _Stored(r.id, r.changed_at, r.deleted, None, r.content_hash) for r in rows}


def _apply(stored: dict[tuple[str, str], _Stored], arrival: Arrival, lookup: bytes | None) -> bool:
    key = (arrival.object_type, arrival.object_id)
    known = stored.get(key)
    if known is None:
        if arrival.deleted:
            return False
        stored[key] = _Stored(None, arrival.changed_at, False, arrival.packed, arrival.content_hash, lookup=lookup)
        return True
    if arrival.changed_at < known.changed_at:
        return False
    same = known.deleted if arrival.deleted else not known.deleted and known.content_hash == arrival.content_hash
    known.dirty = known.dirty or not same or arrival.changed_at > known.changed_at
    known.changed_at = arrival.changed_at
    known.lookup = lookup
    if same:
        return False
    known.deleted = arrival.deleted
    if not arrival.deleted:
        known.packed, known.content_hash = arrival.packed, arrival.content_hash
    return True


_INSERT: Final = text(
    """
    WITH arrived AS (
      SELECT * FROM unnest(CAST(:types AS text[]), CAST(:ids AS text[]), CAST(:changed AS timestamptz[]),
        CAST(:deleted AS boolean[]), CAST(:contents AS bytea[]), CAST(:hashes AS bytea[]),
        CAST(:lookups AS bytea[]))
        WITH ORDINALITY AS a(object_type, object_id, changed_at, deleted, content, content_hash, lookup, position)),
    told AS MATERIALIZED (
      SELECT a.*, b.row, b.accepted_hash FROM arrived a LEFT JOIN LATERAL (
        SELECT ctid AS row, accepted_hash FROM baseline_objects WHERE service_code = :service
          AND organization_id = :organization AND object_type = a.object_type AND object_id = a.object_id LIMIT 1) b
        ON true),
    forgotten AS (DELETE FROM baseline_objects WHERE ctid = ANY(ARRAY(SELECT row FROM told WHERE row IS NOT NULL)))
    INSERT INTO source_objects (service_code, organization_id, batch_id, object_type, object_id, changed_at,
                                deleted, content, content_hash, lookup, accepted_hash)
    SELECT :service, :organization, :batch, object_type, object_id, changed_at, deleted, content, content_hash, lookup,
      accepted_hash
    FROM told ORDER BY position
    """
)
"""Rows of a baseline change only under the lock of their МО, which the submission holds: their places stay."""


def _insert(
    connection: Connection,
    service_code: str,
    organization_id: int,
    stored: dict[tuple[str, str], _Stored],
    batch_id: str | None,
) -> None:
    new = [(key, row) for key, row in stored.items() if row.id is None]
    if not new:
        return
    connection.execute(
        _INSERT,
        {
            "service": service_code,
            "organization": organization_id,
            "batch": batch_id,
            "types": [key[0] for key, _ in new],
            "ids": [key[1] for key, _ in new],
            "changed": [row.changed_at for _, row in new],
            "deleted": [row.deleted for _, row in new],
            "contents": [row.packed for _, row in new],
            "hashes": [row.content_hash for _, row in new],
            "lookups": [row.lookup for _, row in new],
        },
    )


def _update(connection: Connection, stored: dict[tuple[str, str], _Stored], batch_id: str | None) -> None:
    old = [row for row in stored.values() if row.id is not None and row.dirty]
    if not old:
        return
    connection.execute(
        text(
            """
            UPDATE source_objects o SET changed_at = n.changed_at, deleted = n.deleted, content_hash = n.content_hash,
                content = coalesce(n.content, o.content), batch_id = :batch, lookup = n.lookup,
                received_at = CASE WHEN n.deleted IS DISTINCT FROM o.deleted OR n.content_hash <> o.content_hash
                  THEN clock_timestamp() ELSE o.received_at END
            FROM unnest(CAST(:ids AS bigint[]), CAST(:changed AS timestamptz[]), CAST(:deleted AS boolean[]),
                CAST(:contents AS bytea[]), CAST(:hashes AS bytea[]), CAST(:lookups AS bytea[]))
                AS n(id, changed_at, deleted, content, content_hash, lookup)
            WHERE o.id = n.id
            """
        ),
        {
            "batch": batch_id,
            "ids": [row.id for row in old],
            "changed": [row.changed_at for row in old],
            "deleted": [row.deleted for row in old],
            "contents": [row.packed for row in old],
            "hashes": [row.content_hash for row in old],
            "lookups": [row.lookup for row in old],
        },
    )


@dataclass(frozen=True, slots=True)
class DueObject:
    """An object that a run must form a packet of. ``content_hash`` is None for a Delete.

    ``accepted_parts`` are the parts of it that the peer took, each with the mark of its content.
    """

    id: int
    organization_id: int
    object_id: str
    operation: Operation
    packed: bytes
    content_hash: bytes | None
    accepted_parts: Mapping[str, str] = field(default_factory=dict)


def lock_due(
    connection: Connection,
    service_code: str,
    object_type: str,
    scope: frozenset[int] | None,
    rules: str,
    *,
    until: datetime,
    limit: int,
    operation: Operation | None = None,
) -> list[DueObject]:
    """Lock and return the next objects to form, in the order of their ids; both halves go by a partial index.

    With an ``operation`` only those that need it, МО by МО.

    ``rules`` names the schema, rules and reference data in force: an object in FORM_ERROR judged by others is due
    again. Objects received after ``until`` wait for the next run, so that a run ends. The outer condition is judged
    again on a row that another transaction changed while this one waited for its lock; such a row may be left out, so
    that less than ``limit`` does not mean that nothing is left.
    """
    rows = connection.execute(
        _DUE if operation is None else _DUE_OF_OPERATION[operation],
        {
            "service": service_code,
            "type": object_type,
            "scope": None if scope is None else sorted(scope),
            "rules": rules,
            "until": until,
            "limit": limit,
        },
    )
    return [_due(row) for row in rows]


def _due_statement(order: str, condition: str) -> TextClause:
    wanted = f"""service_code = :service AND object_type = :type AND received_at <= :until AND {condition}
        AND (CAST(:scope AS bigint[]) IS NULL OR organization_id = ANY(CAST(:scope AS bigint[])))
        ORDER BY {order} LIMIT :limit"""
    # Not IS DISTINCT FROM, which no index knows: what these very rules refused may be a hundred thousand objects.
    judged_anew = """last_status = 'FORM_ERROR' AND NOT held AND closed_by IS NULL
        AND (last_rules < :rules OR last_rules > :rules OR last_rules IS NULL)
        AND (CASE WHEN deleted THEN NULL ELSE content_hash END) IS DISTINCT FROM accepted_hash"""
    return text(
        f"""
        SELECT id, organization_id, object_id, deleted, accepted_hash, content_hash, content, accepted_parts
        FROM source_objects
        WHERE id IN (
          SELECT id FROM (
            (SELECT {order} FROM source_objects WHERE due AND {wanted})
            UNION
            (SELECT {order} FROM source_objects WHERE {judged_anew} AND {wanted})
            ORDER BY {order} LIMIT :limit) AS next)
          AND (due OR {judged_anew})
        ORDER BY {order} FOR UPDATE
        """
    )


_DUE: Final = _due_statement("id", "true")
_DUE_OF_OPERATION: Final = {
    operation: _due_statement("organization_id, id", condition)
    for operation, condition in (
        (Operation.INSERT, "NOT deleted AND accepted_hash IS NULL"),
        (Operation.UPDATE, "NOT deleted AND accepted_hash IS NOT NULL"),
        (Operation.DELETE, "deleted"),
    )
}


def _due(row: Row[Any]) -> DueObject:
    wanted = None if row.deleted else row.content_hash
    operation = operation_for(wanted, row.accepted_hash) or Operation.UPDATE
    parts = row.accepted_parts or {}
    return DueObject(row.id, row.organization_id, row.object_id, operation, row.content, wanted, parts)


def judge_anew(connection: Connection, organization_ids: Sequence[int]) -> None:
    """Let the next run form the objects of these МО that were refused at forming, though nothing of theirs changed.

    The caller commits.
    """
    connection.execute(
        text(
            """
            WITH refused AS (
              SELECT id FROM source_objects WHERE organization_id = ANY(CAST(:ids AS bigint[]))
                AND last_status = 'FORM_ERROR' AND last_rules IS NOT NULL ORDER BY id FOR UPDATE)
            UPDATE source_objects o SET last_rules = NULL FROM refused WHERE o.id = refused.id
            """
        ),
        {"ids": list(organization_ids)},
    )
