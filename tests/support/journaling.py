"""A journal to try in: invented МО, submitted objects, launches, packets formed of them by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from gateway.domain.errors import Finding
from gateway.journal import launches, new_packets, objects, registry
from gateway.journal.bodies import pack
from gateway.journal.engine import database_now, new_ids
from gateway.journal.launches import Starter
from gateway.journal.new_packets import FormedPacket
from gateway.journal.objects import Arrival, DueObject

SERVICE: Final = "invented-service"
TYPE: Final = "Referral"
RULES: Final = "rules-1"
EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
REFUSED: Final = (Finding("/Referral", 1, "301", "Придуманное замечание"),)


def add_organizations(connection: Connection, number: int) -> list[int]:
    """Add so many МО and return their ids."""
    return [registry.put_organization(connection, f"1.2.643.{n}", f"Больница № {n}", {}) for n in range(number)]


def digest(content: str) -> bytes:
    """What the journal keeps as the hash of a content."""
    return hashlib.sha256(content.encode()).digest()


def arrival(object_id: str, content: str | None, minute: int = 0, object_type: str = TYPE) -> Arrival:
    """An object as submitted at a minute of an invented day; no content means its removal."""
    changed_at = EPOCH + timedelta(minutes=minute)
    if content is None:
        return Arrival(object_type, object_id, changed_at, deleted=True, packed=b"", content_hash=b"")
    packed = pack(f"<a>{content}</a>".encode())
    return Arrival(object_type, object_id, changed_at, deleted=False, packed=packed, content_hash=digest(content))


def submit(connection: Connection, organization_id: int, *arrivals: Arrival) -> list[bool]:
    """Submit objects of one МО to the invented service."""
    return objects.submit(connection, SERVICE, organization_id, arrivals, None)


def launch(connection: Connection, scope: frozenset[int] | None = None, service: str = SERVICE) -> UUID:
    """Start a launch and return its id."""
    launches.lock_service(connection, service)
    return launches.start(connection, service, [scope], Starter(None, "расписание"))[0]


def due(
    connection: Connection, scope: frozenset[int] | None = None, rules: str = RULES, limit: int = 1000
) -> list[DueObject]:
    """Lock what a run would form now."""
    now = database_now(connection)
    return objects.lock_due(connection, SERVICE, TYPE, scope, rules, until=now, limit=limit)


def form(
    connection: Connection,
    launch_id: UUID,
    found: Sequence[DueObject],
    refused: Iterable[str] = (),
    rules: str = RULES,
    ids: Iterator[UUID] | None = None,
) -> list[UUID]:
    """Journal a packet for each object, FORM_ERROR for the ids in ``refused``; return the packets' ids."""
    wrong, ids = set(refused), ids or new_ids(connection)
    formed = [
        FormedPacket(next(ids), source, TYPE, b"<packet/>", REFUSED if source.object_id in wrong else ())
        for source in found
    ]
    new_packets.journal_formed(connection, SERVICE, launch_id, rules, formed)
    return [p.id for p in formed]


def waited_for(connection: Connection) -> bool:
    """Tell whether another session waits for a lock that this one holds."""
    statement = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    return bool(connection.execute(text(statement)).scalar_one())
