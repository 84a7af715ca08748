"""Writing packets: what was formed, entering SENDING, settling outcomes. Each change is a compare-and-set."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, text

from gateway.domain.errors import Finding
from gateway.domain.statuses import VERDICTS, Operation, PacketStatus, error_delta, sources_of
from gateway.journal.bodies import pack, unpack
from gateway.journal.copying import copy_rows
from gateway.journal.counters import CounterDeltas
from gateway.journal.items import ItemOutcome, settle_items

XML: Final = "application/xml"
DATA: Final = "DATA"
ANSWER: Final = "ANSWER"


@dataclass(frozen=True, slots=True)
class ReadyPacket:
    """A FORMED packet that entered SENDING: its attempt is journaled, its bytes may leave."""

    id: UUID
    packet_type: str
    operation: Operation
    tries: int
    data: bytes
    name: str | None = None


def enter_sending(
    connection: Connection,
    service_code: str,
    scope: frozenset[int] | None,
    operation: Operation,
    packet_type: str,
    limit: int,
) -> list[ReadyPacket]:
    """Move the oldest FORMED packets of one operation and type to SENDING, each with a new row in ``attempts``.

    The ban («Не отправлять пакет») of packet and object is checked in the same statement. Order: by id. The caller
    commits, then sends.
    """
    rows = connection.execute(
        _ENTER,
        {
            "service": service_code,
            "operation": operation.value,
            "type": packet_type,
            "scope": _scope(scope),
            "limit": limit,
        },
    ).all()
    _tell_objects(connection, [r.id for r in rows])
    return [ReadyPacket(r.id, packet_type, operation, r.tries, unpack(r.content), r.name) for r in rows]


_ENTER: Final = text(
    """
    WITH next AS (
      SELECT p.id FROM packets p
      WHERE p.service_code = :service AND p.status = 'FORMED' AND p.operation = :operation
        AND p.packet_type = :type AND NOT p.held
        AND (CAST(:scope AS bigint[]) IS NULL OR p.organization_id = ANY(CAST(:scope AS bigint[])))
      ORDER BY p.id LIMIT :limit FOR UPDATE),
    entered AS (
      UPDATE packets p SET status = 'SENDING', attempts = p.attempts + 1, tries = p.tries + 1,
        changed_at = clock_timestamp()
      FROM next WHERE p.id = next.id AND p.status = 'FORMED' AND NOT p.held
      RETURNING p.id, p.attempts, p.tries, p.name),
    journaled AS (
      INSERT INTO attempts (packet_id, number, started_at)
      SELECT id, attempts, clock_timestamp() FROM entered)
    SELECT e.id, e.tries, e.name, b.content
    FROM entered e JOIN packet_bodies b ON b.packet_id = e.id AND b.kind = 'DATA'
    ORDER BY e.id
    """
)


def _scope(scope: frozenset[int] | None) -> list[int] | None:
    return None if scope is None else sorted(scope)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A change of one packet's status. ``error`` is the attempt's error text, for people.

    ``sources`` narrows the statuses it may come from; empty means every status that the transition table allows.
    ``items`` is the peer's word on single records of a packet of many, by position from 1; ``findings`` its reasons,
    at their places in the packet.
    """

    packet_id: UUID
    status: PacketStatus
    text: str | None = None
    answer: bytes | None = None
    error: str | None = None
    sources: frozenset[PacketStatus] = field(default=frozenset())
    items: Mapping[int, ItemOutcome] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def settle(
    connection: Connection, service_code: str, outcomes: Sequence[Outcome], *, note_success: bool = True
) -> set[UUID]:
    """Apply outcomes by compare-and-set and return the ids that changed; the others were settled by somebody else
    or are no packets of this service.

    ``note_success``: a packet the peer took is a «последняя успешная выгрузка» of its МО; in a session only the whole
    session is.

    Moves counters of the packets' own launches, closes their open attempts, stores answers, and tells the objects.
    Packets of one call must be different. The caller commits.
    """
    if not outcomes:
        return set()
    ordered = sorted(outcomes, key=lambda o: o.packet_id)
    rows = connection.execute(_SETTLE, {"service": service_code, **_settle_parameters(ordered)}).all()
    changed = {row.id for row in rows}
    applied = [o for o in ordered if o.packet_id in changed]
    _close_attempts(connection, applied)
    store_answers(connection, {o.packet_id: o.answer for o in applied if o.answer is not None})
    _store_findings(connection, applied)
    _tell_objects(connection, [o.packet_id for o in applied])
    judged = {row.id for row in rows if row.items_total is not None and row.status in VERDICTS}
    settle_items(connection, {o.packet_id: o.items for o in applied if o.packet_id in judged})
    deltas = CounterDeltas(service_code)
    for row in rows:
        delta = error_delta(PacketStatus(row.old_status), PacketStatus(row.status))
        deltas.add(row.launch_id, row.organization_id, with_errors=delta)
    deltas.write(connection)
    taken = {r.organization_id for r in rows if r.status in TAKEN} if note_success else set()
    note_export(connection, service_code, taken - {None})
    return changed


TAKEN: Final = frozenset({PacketStatus.ACCEPTED, PacketStatus.PARTIAL})


def note_export(connection: Connection, service_code: str, organization_ids: set[int]) -> None:
    """Set «Дата последней успешной выгрузки» of these МО to now. The caller commits."""
    if organization_ids:
        connection.execute(
            text(
                """
                INSERT INTO service_organizations (service_code, organization_id, last_success_at)
                SELECT :service, id, clock_timestamp() FROM unnest(CAST(:ids AS bigint[])) AS o(id)
                ON CONFLICT (service_code, organization_id) DO UPDATE SET last_success_at = excluded.last_success_at
                """
            ),
            {"service": service_code, "ids": sorted(organization_ids)},
        )


_SETTLE: Final = text(
    """
    WITH wanted AS (
      SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:sources AS text[]),
          CAST(:texts AS text[]), CAST(:sizes AS int[]), CAST(:digests AS bytea[]))
          AS w(id, status, sources, result_text, answer_size, answer_sha256)),
    old AS (
      SELECT p.id, p.status FROM packets p JOIN wanted USING (id) WHERE p.service_code = :service
      ORDER BY p.id FOR UPDATE OF p)
    UPDATE packets p SET status = w.status, result_text = w.result_text,
      answer_size = coalesce(w.answer_size, p.answer_size), answer_sha256 = coalesce(w.answer_sha256, p.answer_sha256),
      tries = CASE WHEN w.status = 'SEND_ERROR' THEN 0 ELSE p.tries END, changed_at = clock_timestamp()
    FROM wanted w JOIN old ON old.id = w.id
    WHERE p.id = w.id AND old.status = ANY(string_to_array(w.sources, ','))
    RETURNING p.id, old.status AS old_status, p.status, p.launch_id, p.organization_id, p.items_total
    """
)


def _sources(outcome: Outcome) -> frozenset[PacketStatus]:
    """Statuses the outcome may change; a packet that waits for sending leaves by :func:`enter_sending` alone."""
    allowed = sources_of(outcome.status) - {PacketStatus.FORMED}
    return outcome.sources & allowed if outcome.sources else allowed


def _settle_parameters(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    answers = [o.answer for o in outcomes]
    return {
        "ids": [o.packet_id for o in outcomes],
        "statuses": [o.status.value for o in outcomes],
        "sources": [",".join(sorted(_sources(o))) for o in outcomes],
        "texts": [o.text for o in outcomes],
        "sizes": [None if a is None else len(a) for a in answers],
        "digests": [None if a is None else hashlib.sha256(a).digest() for a in answers],
    }


def _close_attempts(connection: Connection, applied: Sequence[Outcome]) -> None:
    connection.execute(
        text(
            """
            UPDATE attempts a SET finished_at = clock_timestamp(), outcome = w.status, error_text = w.error
            FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:errors AS text[]))
                AS w(id, status, error)
            WHERE a.packet_id = w.id AND a.finished_at IS NULL
            """
        ),
        {
            "ids": [o.packet_id for o in applied],
            "statuses": [o.status.value for o in applied],
            "errors": [o.error for o in applied],
        },
    )


def store_answers(connection: Connection, answers: Mapping[UUID, bytes]) -> None:
    """Keep what the peer answered as «Ответ» of its packet, in place of what stood there. The caller commits."""
    if answers:
        connection.execute(
            text(
                """
                INSERT INTO packet_bodies (packet_id, kind, media_type, content)
                SELECT id, 'ANSWER', :media, content
                FROM unnest(CAST(:ids AS uuid[]), CAST(:contents AS bytea[])) AS w(id, content)
                ON CONFLICT (packet_id, kind) DO UPDATE SET content = excluded.content
                """
            ),
            {"media": XML, "ids": list(answers), "contents": [pack(answer) for answer in answers.values()]},
        )


def _store_findings(connection: Connection, applied: Sequence[Outcome]) -> None:
    columns = ("packet_id", "position", "path", "line", "code", "message")
    rows = [(o.packet_id, n, f.path, f.line, f.code, f.message) for o in applied for n, f in enumerate(o.findings, 1)]
    if rows:
        copy_rows(connection, "packet_findings", columns, rows)


def _tell_objects(connection: Connection, packet_ids: Sequence[UUID]) -> None:
    """Copy the statuses of packets of one object to it, locking the objects in the order of their ids."""
    connection.execute(
        text(
            """
            WITH mine AS (
              SELECT o.id, p.id AS packet_id, p.status, p.content_hash
              FROM packets p JOIN source_objects o ON o.id = p.source_object_id
              WHERE p.id = ANY(CAST(:ids AS uuid[])) ORDER BY o.id FOR UPDATE OF o)
            UPDATE source_objects o SET
              last_status = CASE WHEN o.last_packet_id = mine.packet_id THEN mine.status ELSE o.last_status END,
              accepted_hash = CASE WHEN mine.status = 'ACCEPTED' THEN mine.content_hash ELSE o.accepted_hash END
            FROM mine WHERE o.id = mine.id
            """
        ),
        {"ids": list(packet_ids)},
    )


_BY_STATUS: Final = text(
    """
    SELECT id, launch_id FROM packets WHERE service_code = :service AND status = :status AND NOT (held AND :unheld)
      AND (CAST(:scope AS bigint[]) IS NULL OR organization_id = ANY(CAST(:scope AS bigint[])))
    ORDER BY operation, packet_type, id LIMIT :limit
    """
)


def in_status(
    connection: Connection,
    service_code: str,
    scope: frozenset[int] | None,
    status: PacketStatus,
    limit: int,
    *,
    unheld: bool = False,
) -> list[Row[Any]]:
    """Ids and launches of packets of one open status; ``unheld`` leaves out those an operator banned."""
    parameters = {
        "service": service_code,
        "status": status.value,
        "scope": _scope(scope),
        "limit": limit,
        "unheld": unheld,
    }
    return list(connection.execute(_BY_STATUS, parameters))


def rearm(connection: Connection, service_code: str, scope: frozenset[int] | None, limit: int) -> int:
    """Give packets in SEND_ERROR a new run's attempts: SEND_ERROR → FORMED, same id.

    Returns how many were found. The caller commits.
    """
    rows = in_status(connection, service_code, scope, PacketStatus.SEND_ERROR, limit, unheld=True)
    again = [Outcome(r.id, PacketStatus.FORMED, sources=frozenset({PacketStatus.SEND_ERROR})) for r in rows]
    settle(connection, service_code, again)
    return len(rows)


def reset_tries(connection: Connection, service_code: str, scope: frozenset[int] | None) -> None:
    """Give what still waits for sending the full attempts of a new run. The caller commits."""
    connection.execute(
        text(
            """
            UPDATE packets SET tries = 0 WHERE service_code = :service AND status = 'FORMED' AND tries > 0
              AND (CAST(:scope AS bigint[]) IS NULL OR organization_id = ANY(CAST(:scope AS bigint[])))
            """
        ),
        {"service": service_code, "scope": _scope(scope)},
    )


def count_status(
    connection: Connection,
    service_code: str,
    scope: frozenset[int] | None,
    status: PacketStatus,
    *,
    since: datetime | None = None,
    unheld: bool = False,
) -> int:
    """Count packets of one open status, by the index of open packets; ``since`` leaves out older changes, ``unheld``
    those an operator banned."""
    statement = text(
        """
        SELECT count(*) FROM packets WHERE service_code = :service AND status = :status AND NOT (held AND :unheld)
          AND (CAST(:since AS timestamptz) IS NULL OR changed_at >= :since)
          AND (CAST(:scope AS bigint[]) IS NULL OR organization_id = ANY(CAST(:scope AS bigint[])))
        """
    )
    parameters = {
        "service": service_code,
        "status": status.value,
        "scope": _scope(scope),
        "since": since,
        "unheld": unheld,
    }
    return int(connection.execute(statement, parameters).scalar_one())


def packed_data(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """«Данные пакета» of these packets, still compressed."""
    if not ids:
        return {}
    statement = text(
        "SELECT packet_id, content FROM packet_bodies WHERE packet_id = ANY(CAST(:ids AS uuid[])) AND kind = 'DATA'"
    )
    return {row.packet_id: row.content for row in connection.execute(statement, {"ids": list(ids)})}


def addressees(
    connection: Connection, ids: Sequence[UUID], names: Sequence[str], service_codes: Collection[str]
) -> list[Row[Any]]:
    """Packets (id, name, service_code) with these ids, whose ever, and those of the services with these names."""
    statement = text(
        """
        SELECT id, name, service_code FROM packets WHERE id = ANY(CAST(:ids AS uuid[])) AND direction = 'EXPORT'
        UNION ALL
        SELECT id, name, service_code FROM packets
        WHERE service_code = ANY(CAST(:services AS text[])) AND name = ANY(CAST(:names AS text[]))
        """
    )
    asked = {"ids": list(ids), "names": list(names), "services": list(service_codes)}
    return list(connection.execute(statement, asked))


def known(connection: Connection, service_code: str, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the ids that are packets of this service with a verdict."""
    statement = text(
        "SELECT id FROM packets WHERE id = ANY(CAST(:ids AS uuid[])) AND service_code = :service"
        " AND status IN ('ACCEPTED', 'PARTIAL', 'REJECTED')"
    )
    return set(connection.execute(statement, {"ids": list(ids), "service": service_code}).scalars())
