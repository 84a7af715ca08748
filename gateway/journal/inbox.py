"""Inbound documents: what a peer sent for the МИС to take, until it confirms or a newer one comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from gateway.journal.bodies import pack
from gateway.journal.copying import copy_rows
from gateway.journal.engine import new_ids


def take(
    connection: Connection,
    organization_ids: Sequence[int],
    service_codes: Sequence[str],
    limit: int,
) -> Sequence[Row[Any]]:
    """Mark as taken and return the oldest unconfirmed documents, at most ``limit``; the same come again until
    confirmed or superseded. The caller commits.

    Columns: id, service_code, document_type, received_at, organization_oid, content.
    """
    return connection.execute(
        text(
            """
            WITH waiting AS (
              SELECT d.id FROM unnest(CAST(:organizations AS bigint[])) AS o(id)
              CROSS JOIN unnest(CAST(:services AS text[])) AS s(code)
              CROSS JOIN LATERAL (
                SELECT id FROM inbound_documents d WHERE d.organization_id = o.id AND d.service_code = s.code
                  AND d.confirmed_at IS NULL AND d.superseded_by IS NULL ORDER BY d.id LIMIT :limit) d
              ORDER BY d.id LIMIT :limit),
            taken AS (
              UPDATE inbound_documents d SET taken_at = coalesce(d.taken_at, clock_timestamp()) FROM waiting
              WHERE d.id = waiting.id
              RETURNING d.id, d.service_code, d.document_type, d.received_at, d.organization_id, d.content)
            SELECT t.id, t.service_code, t.document_type, t.received_at, t.content, g.oid AS organization_oid
            FROM taken t JOIN organizations g ON g.id = t.organization_id ORDER BY t.id
            """
        ),
        {"organizations": list(organization_ids), "services": list(service_codes), "limit": limit},
    ).all()


def confirm(
    connection: Connection,
    ids: Sequence[UUID],
    organization_ids: Sequence[int],
    service_codes: Sequence[str],
    *,
    accepted: bool,
    reason: str | None,
) -> dict[UUID, bool]:
    """Confirm documents of these МО and services; tell by id whether this call did it (False: confirmed before).

    Ids that are not there are absent from the answer. The caller commits.
    """
    rows = connection.execute(
        text(
            """
            WITH mine AS (
              SELECT id, confirmed_at FROM inbound_documents
              WHERE id = ANY(CAST(:ids AS uuid[])) AND organization_id = ANY(CAST(:organizations AS bigint[]))
                AND service_code = ANY(CAST(:services AS text[]))
              ORDER BY id FOR UPDATE),
            done AS (
              UPDATE inbound_documents d SET confirmed_at = clock_timestamp(), accepted = :accepted, reason = :reason
              FROM mine WHERE d.id = mine.id AND mine.confirmed_at IS NULL)
            SELECT id, confirmed_at IS NULL AS now FROM mine
            """
        ),
        {
            "ids": list(ids),
            "organizations": list(organization_ids),
            "services": list(service_codes),
            "accepted": accepted,
            "reason": reason,
        },
    )
    return {row.id: row.now for row in rows}


def add_all(
    connection: Connection, service_code: str, documents: Iterable[tuple[int | None, UUID | None, str, bytes]]
) -> list[UUID]:
    """Keep documents for the МИС: (МО, packet they came in, type, content in UTF-8); their ids, in order. The caller
    commits, with the journal of how they came."""
    ids = new_ids(connection)
    columns = ("service_code", "id", "organization_id", "packet_id", "document_type", "content")
    made: list[UUID] = []

    def rows() -> Iterator[tuple[object, ...]]:
        for *head, content in documents:
            made.append(next(ids))
            yield (service_code, made[-1], *head, pack(content))

    copy_rows(connection, "inbound_documents", columns, rows())
    return made


def supersede(connection: Connection, pairs: Sequence[tuple[UUID, UUID]]) -> None:
    """Mark documents (old, new) as superseded: they stay, but are offered no more. The caller commits.

    Rows are locked in the order of their ids, as :func:`confirm` locks them.
    """
    connection.execute(
        text(
            """
            WITH mine AS (
              SELECT d.id, n.new FROM unnest(CAST(:old AS uuid[]), CAST(:new AS uuid[])) AS n(old, new)
              JOIN inbound_documents d ON d.id = n.old WHERE d.superseded_by IS NULL
              ORDER BY d.id FOR UPDATE OF d)
            UPDATE inbound_documents d SET superseded_by = mine.new FROM mine WHERE d.id = mine.id
            """
        ),
        {"old": [old for old, _ in pairs], "new": [new for _, new in pairs]},
    )
