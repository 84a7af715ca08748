"""Services that ask: the submitted objects that the peer has not answered, and how far its changes are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text


def load_cursor(connection: Connection, service_code: str) -> str | None:
    """Where a service goes on reading its peer's changes; None: it never has."""
    statement = text("SELECT cursor FROM service_cursors WHERE service_code = :service")
    return connection.execute(statement, {"service": service_code}).scalar_one_or_none()


def keep_cursor(connection: Connection, service_code: str, cursor: str) -> None:
    """Remember where to go on. The caller commits, with the journal of all that lies before it."""
    statement = text(
        """
        INSERT INTO service_cursors (service_code, cursor) VALUES (:service, :cursor)
        ON CONFLICT (service_code) DO UPDATE SET cursor = excluded.cursor, changed_at = clock_timestamp()
        """
    )
    connection.execute(statement, {"service": service_code, "cursor": cursor})


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is to be asked for, in the order of our ids: objects after ``newest`` never were, of the others the
    one after ``last`` is the next.
    """

    newest: int = 0
    last: int = 0


def load_turn(connection: Connection, service_code: str, object_type: str) -> Turn:
    """Whose turn it is among the objects of a type."""
    kept = load_cursor(connection, _turn_key(service_code, object_type))
    return Turn() if kept is None else Turn(*map(int, kept.split()))


def keep_turn(connection: Connection, service_code: str, object_type: str, turn: Turn) -> None:
    """Remember it. The caller commits, with what was answered."""
    keep_cursor(connection, _turn_key(service_code, object_type), f"{turn.newest} {turn.last}")


def _turn_key(service_code: str, object_type: str) -> str:
    return f"{service_code}/{object_type}"


def unanswered(
    connection: Connection, service_code: str, object_type: str, *, after: int, upto: int | None, limit: int
) -> list[Row[Any]]:
    """Objects new or changed since the peer last answered for them, in the order of our ids, from behind one of them
    to another (None: to the last).

    Columns: row, object_id, changed_at, deleted, content, content_hash, and id, oid, name, codes of their МО. Goes by a
    partial index.
    """
    statement = text(
        """
        SELECT o.id AS row, o.object_id, o.changed_at, o.deleted, o.content, o.content_hash,
          g.id, g.oid, g.name, g.codes
        FROM source_objects o JOIN organizations g ON g.id = o.organization_id
        WHERE o.due AND o.service_code = :service AND o.object_type = :type AND o.id > :after
          AND (CAST(:upto AS bigint) IS NULL OR o.id <= :upto)
        ORDER BY o.id LIMIT :limit
        """
    )
    asked = {"service": service_code, "type": object_type, "after": after, "upto": upto, "limit": limit}
    return list(connection.execute(statement, asked))


def settle(connection: Connection, answered: Sequence[tuple[int, bytes | None]]) -> None:
    """Note that objects (our id, content hash; None: removed) are answered as they were. The caller commits.

    An object submitted anew meanwhile has another hash and stays unanswered.
    """
    statement = text(
        """
        WITH mine AS (
          SELECT o.id, n.hash FROM unnest(CAST(:ids AS bigint[]), CAST(:hashes AS bytea[])) AS n(id, hash)
          JOIN source_objects o ON o.id = n.id ORDER BY o.id FOR UPDATE OF o)
        UPDATE source_objects o SET accepted_hash = mine.hash FROM mine WHERE o.id = mine.id
        """
    )
    connection.execute(statement, {"ids": [row for row, _ in answered], "hashes": [digest for _, digest in answered]})


def count_unanswered(connection: Connection, service_code: str) -> int:
    """How many objects the peer has not answered for."""
    statement = text("SELECT count(*) FROM source_objects WHERE due AND service_code = :service")
    return int(connection.execute(statement, {"service": service_code}).scalar_one())
