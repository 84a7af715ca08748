"""What came to the region later than its first packets: rows without a МО, sessions, notifications, packets of many,
documents of peers. Every row bears a mark that tells its kind and owner, so that a leak is seen by its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Table, insert, select, update

from gateway.domain.identifiers import milliseconds, uuid7_run
from gateway.domain.statuses import Direction
from gateway.journal import inbox, launches, tables
from gateway.journal.bodies import pack
from gateway.journal.counters import CounterDeltas
from gateway.journal.engine import database_now
from gateway.journal.launches import Starter
from gateway.journal.notification_tables import notifications
from gateway.journal.registry_tables import organizations
from tests.support.region import A, C, World

NOBODY: Final = "nobody"
OWNERS: Final = {A: "of-a", C: "of-c", NOBODY: "of-nobody"}
OBJECT: Final = "same-object"
"""Objects of different МО share it."""
COUNTED: Final = "Получено документов: 3"
RECEIVED, MANY, SESSIONS, AUTHORITIES, TOLD = "tfoms-insurance", "alkona-dn", "frmo", "ca", "sms"


def mark(kind: str, oid: str) -> str:
    """Text that stands in every row of this kind and owner."""
    return f"mark-{kind}-{OWNERS[oid]}"


@dataclass
class Marked:
    """The launches (by service and owner; NOBODY: of several or none) and the packets, for questions."""

    world: World
    group: UUID
    launches: dict[tuple[str, str], UUID] = field(default_factory=dict)
    packets: dict[tuple[str, str], UUID] = field(default_factory=dict)


def add_marked(world: World) -> Marked:
    """Write the rows; the launches were started by nobody whom the region knows."""
    with world.engine.begin() as connection:
        found = connection.execute(select(organizations.c.oid, organizations.c.id))
        writer = _Writer(connection, {row.oid: row.id for row in found})
        made = Marked(world, writer.new())
        for service in (RECEIVED, MANY, AUTHORITIES, TOLD):
            made.launches[service, NOBODY] = writer.launch(service, NOBODY)
        for oid in (A, C):
            made.launches[SESSIONS, oid] = writer.launch(SESSIONS, oid, made.group)
            writer.session(SESSIONS, made.launches[SESSIONS, oid], oid)
            writer.notification(made.launches[TOLD, NOBODY], oid)
            made.packets[MANY, oid] = writer.packet(MANY, made.launches[MANY, NOBODY], oid)
        for oid in OWNERS:
            made.packets[RECEIVED, oid] = writer.packet(RECEIVED, made.launches[RECEIVED, NOBODY], oid)
        writer.session(AUTHORITIES, made.launches[AUTHORITIES, NOBODY], NOBODY)
        writer.close_objects(made.packets)
    return made


class _Writer:
    """Rows of one transaction."""

    def __init__(self, connection: Connection, ids: Mapping[str, int]) -> None:
        self._connection = connection
        self._organizations = ids

    def new(self) -> UUID:
        return next(uuid7_run(milliseconds(database_now(self._connection)) + 1))  # behind every launch so far

    def _insert(self, table: Table, **values: Any) -> None:
        self._connection.execute(insert(table).values(**values))

    def _count(self, service: str, launch: UUID, oid: str, **changes: int) -> None:
        deltas = CounterDeltas(service)
        deltas.add(launch, self._organizations.get(oid), **changes)
        deltas.write(self._connection)

    def launch(self, service: str, oid: str, group: UUID | None = None) -> UUID:
        scope = None if oid == NOBODY else frozenset({self._organizations[oid]})
        (made,) = launches.start(self._connection, service, [scope], Starter(None, "по расписанию"))
        told = {"result": "SUCCESS", "result_text": "Готово", "result_counts": COUNTED, "packet_group_id": group}
        self._connection.execute(update(tables.launches).where(tables.launches.c.id == made).values(**told))
        return made

    def session(self, service: str, launch: UUID, oid: str) -> None:
        about, event = mark(service, oid), self.new()
        self._insert(tables.session_events, id=event, launch_id=launch, code="1", title="Событие", about=about)
        error = {"launch_id": launch, "event_id": event, "stage": "Этап", "message": about}
        self._insert(tables.session_errors, id=self.new(), **error)
        self._count(service, launch, oid, errors=1)

    def notification(self, launch: UUID, oid: str) -> None:
        whom = {"patient_name": mark(TOLD, oid), "patient_birth_date": date(1961, 2, 3), "source_object_id": 1}
        of = {"launch_id": launch, "service_code": TOLD, "organization_id": self._organizations[oid]}
        self._insert(notifications, id=self.new(), channel="SMS", status="SENT", **of, **whom)
        self._count(TOLD, launch, oid, notices=1, sent=1)

    def packet(self, service: str, launch: UUID, oid: str) -> UUID:
        packet, owner = self.new(), self._organizations.get(oid)
        of_many = {"items_total": 1, "items_not_accepted": 0}
        direction = Direction.IMPORT if service == RECEIVED else Direction.EXPORT
        of = {"launch_id": launch, "service_code": service, "organization_id": owner, "direction": direction}
        own = of_many if service == MANY else {"object_id": OBJECT}
        told = {"packet_type": "DN", "operation": "Insert", "status": "REJECTED", "result_text": mark(service, oid)}
        self._insert(tables.packets, id=packet, **of, **told, **own)
        if service == MANY:
            item = {"packet_id": packet, "position": 1, "object_id": OBJECT, "source_object_id": 1}
            self._insert(tables.packet_items, **item)
        for kind in ("DATA", "ANSWER"):
            content = pack(f"<a>{mark(service, oid)}</a>".encode())
            body = {"packet_id": packet, "kind": kind, "media_type": "application/xml", "content": content}
            self._insert(tables.packet_bodies, **body)
        if owner is not None:
            document = (owner, packet, "Document", f"<a>{mark(service, oid)}</a>".encode())
            inbox.add_all(self._connection, service, [document])
        self._count(service, launch, oid, packets=1, with_errors=1)
        return packet

    def close_objects(self, packets: Mapping[tuple[str, str], UUID]) -> None:
        """End the exchange of an object of A by a packet of nobody, and of one of C by a packet of A."""
        for oid, by in ((A, NOBODY), (C, A)):
            of = {
                "service_code": RECEIVED,
                "organization_id": self._organizations[oid],
                "object_type": packets[RECEIVED, oid].hex,
            }
            state = {"changed_at": datetime(2026, 5, 1, tzinfo=UTC), "content": pack(b"<a/>"), "content_hash": b"h"}
            closed = {"object_id": OBJECT, "closed_by": packets[RECEIVED, by]}
            statement = insert(tables.source_objects).values(**of, **state, **closed)
            key = self._connection.execute(statement.returning(tables.source_objects.c.id)).scalar_one()
            mine = tables.packets.c.id == packets[RECEIVED, oid]
            self._connection.execute(update(tables.packets).where(mine).values(source_object_id=key))
