"""Reading the documents of one launch as files, with what became of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, text

from gateway.journal.packets import DATA

BATCH: Final = 100
"""Rows, with their documents, fetched from the server at a time."""


def documents_of_launch(
    connection: Connection, launch_id: UUID, organization_ids: frozenset[int] | None
) -> Iterator[Row[Any]]:
    """Yield the packets of a launch in the order they were made, through a cursor of the server.

    ``organization_ids`` None means every МО. Columns: id, name, packet_type, operation, status, result_text, media_type
    and content (packed), both None where no document could be formed.
    """
    statement = text(
        """
        SELECT p.id, p.name, p.packet_type, p.operation, p.status, p.result_text, b.media_type, b.content
        FROM packets p LEFT JOIN packet_bodies b ON b.packet_id = p.id AND b.kind = :kind AND b.packet_id >= :launch
        WHERE p.launch_id = :launch AND p.id >= :launch
          AND (CAST(:scope AS bigint[]) IS NULL OR p.organization_id = ANY(CAST(:scope AS bigint[])))
        ORDER BY p.id
        """
    )
    scope = None if organization_ids is None else sorted(organization_ids)
    parameters = {"launch": launch_id, "scope": scope, "kind": DATA}
    with connection.execute(statement, parameters, execution_options={"yield_per": BATCH}) as rows:
        yield from rows
