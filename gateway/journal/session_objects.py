"""Source objects of one МО as a session sees them: what was submitted, and what it learns of them at the peer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from gateway.domain.repeats import UNKNOWN_CONTENT


def page_of_objects(
    connection: Connection,
    service_code: str,
    organization_id: int,
    object_type: str,
    *,
    after: str,
    limit: int,
    due: bool = False,
) -> list[Row[Any]]:
    """Submitted objects of one МО and type in the order of their МИС ids, after the given one: object_id, deleted,
    content, content_hash, accepted_hash, peer_id; ``due`` leaves out those that the peer holds as they are."""
    statement = text(
        """
        SELECT object_id, deleted, content, content_hash, accepted_hash, peer_id FROM source_objects
        WHERE service_code = :service AND organization_id = :organization AND object_type = :type AND object_id > :after
          AND (NOT :due OR due)
        ORDER BY object_id LIMIT :limit
        """
    )
    parameters = {
        "service": service_code,
        "organization": organization_id,
        "type": object_type,
        "after": after,
        "limit": limit,
        "due": due,
    }
    return list(connection.execute(statement, parameters))


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The peer holds an object in the state with this hash (None: holds it no more), under an id of its own."""

    object_type: str
    object_id: str
    content_hash: bytes | None
    peer_id: str | None


def accept(connection: Connection, service_code: str, organization_id: int, acceptances: Sequence[Acceptance]) -> None:
    """Note what a session learnt of objects of one МО. The caller commits.

    An object submitted anew meanwhile has another hash and stays due.
    """
    _note(connection, service_code, organization_id, acceptances, "accepted_hash = mine.hash, peer_id = mine.peer_id")


def unsettle(
    connection: Connection, service_code: str, organization_id: int, changing: Collection[tuple[str, str]]
) -> None:
    """Note that objects of one МО, by (type, id), are about to change at the peer: until an acceptance tells otherwise
    it holds them in a content we do not know, also where their source goes back to what it took before. What it never
    took is due anyhow. The caller commits, before anything leaves."""
    rows = [Acceptance(*key, UNKNOWN_CONTENT, None) for key in changing]
    _note(connection, service_code, organization_id, rows, "accepted_hash = mine.hash", "o.accepted_hash <> n.hash")


def note_peer_ids(
    connection: Connection, service_code: str, organization_id: int, ids: Mapping[tuple[str, str], str | None]
) -> None:
    """Note under which ids, one a line, the peer holds objects of one МО, by (type, id); not that it holds them as
    they are. The caller commits."""
    rows = [Acceptance(*key, None, peer_id) for key, peer_id in ids.items()]
    _note(connection, service_code, organization_id, rows, "peer_id = mine.peer_id")


def add_peer_ids(
    connection: Connection, service_code: str, organization_id: int, ids: Mapping[tuple[str, str], str]
) -> None:
    """Add lines to what :func:`note_peer_ids` noted. The caller commits."""
    rows = [Acceptance(*key, None, peer_id) for key, peer_id in ids.items()]
    _note(connection, service_code, organization_id, rows, "peer_id = concat_ws(E'\\n', o.peer_id, mine.peer_id)")


def _note(
    connection: Connection,
    service_code: str,
    organization_id: int,
    acceptances: Sequence[Acceptance],
    change: str,
    condition: str = "true",
) -> None:
    ordered = sorted(acceptances, key=lambda a: (a.object_type, a.object_id))
    connection.execute(
        text(
            f"""
            WITH mine AS (
              SELECT o.id, n.hash, n.peer_id
              FROM unnest(CAST(:types AS text[]), CAST(:ids AS text[]), CAST(:hashes AS bytea[]),
                CAST(:peers AS text[])) AS n(object_type, object_id, hash, peer_id)
              JOIN source_objects o USING (object_type, object_id)
              WHERE o.service_code = :service AND o.organization_id = :organization AND {condition}
              ORDER BY o.id FOR UPDATE OF o)
            UPDATE source_objects o SET {change}
            FROM mine WHERE o.id = mine.id
            """
        ),
        {
            "service": service_code,
            "organization": organization_id,
            "types": [a.object_type for a in ordered],
            "ids": [a.object_id for a in ordered],
            "hashes": [a.content_hash for a in ordered],
            "peers": [a.peer_id for a in ordered],
        },
    )
