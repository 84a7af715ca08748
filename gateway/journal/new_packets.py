"""Journaling new packets: those just formed of source objects, and the requests of a session."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from gateway.domain.errors import Finding, finding_lines
from gateway.domain.statuses import Operation, PacketStatus, error_delta
from gateway.journal.bodies import pack
from gateway.journal.copying import copy_rows
from gateway.journal.counters import CounterDeltas
from gateway.journal.engine import new_ids
from gateway.journal.objects import DueObject
from gateway.journal.packets import DATA, XML


@dataclass(frozen=True, slots=True)
class FormedPacket:
    """A packet just formed from a due object: FORMED when ``findings`` is empty, FORM_ERROR otherwise.

    ``data`` is None where not even a packet could be built. ``records`` are the objects of a packet of many, all of one
    МО and operation, ``source`` first; empty in a packet that is all about ``source``. ``name`` is what the peer knows
    the packet by, where it knows packets by names; a packet of many gets its name when it gets its number. ``heading``
    is what stands above its findings, where the exchange has such a sentence.
    """

    id: UUID
    source: DueObject
    packet_type: str
    data: bytes | None
    findings: tuple[Finding, ...] = ()
    records: tuple[DueObject, ...] = ()
    name: str | None = None
    heading: str | None = None

    @property
    def objects(self) -> tuple[DueObject, ...]:
        """Every object that it is made of."""
        return self.records or (self.source,)

    @property
    def status(self) -> PacketStatus:
        """The status in which the packet enters the journal."""
        return PacketStatus.FORM_ERROR if self.findings else PacketStatus.FORMED

    @property
    def result_text(self) -> str | None:
        """«Результат»: a line per finding, below the exchange's heading."""
        if not self.findings:
            return None
        told = finding_lines(self.findings)
        return f"{self.heading}\n{told}" if self.heading else told


def journal_formed(
    connection: Connection,
    service_code: str,
    launch_id: UUID,
    rules: str,
    formed: Sequence[FormedPacket],
    silent: Sequence[DueObject] = (),
) -> None:
    """Write a batch of new packets with bodies and findings (COPY), mark their objects, move the counters.

    ``silent`` are due objects of which there is nothing to tell the peer now: they get no packet, and are due again
    when they change or other rules come into force.

    The objects must be locked by this transaction (:func:`gateway.journal.objects.lock_due`). The caller commits.
    """
    copy_rows(connection, "packets", _PACKET_COLUMNS, (_packet_row(service_code, launch_id, p) for p in formed))
    bodies = ((p.id, DATA, XML, pack(p.data)) for p in formed if p.data is not None)
    copy_rows(connection, "packet_bodies", ("packet_id", "kind", "media_type", "content"), bodies)
    findings = (
        (p.id, position, f.path, f.line, f.code, f.message)
        for p in formed
        for position, f in enumerate(p.findings, start=1)
    )
    copy_rows(connection, "packet_findings", ("packet_id", "position", "path", "line", "code", "message"), findings)
    items = (
        (p.id, position, o.object_id, o.id, o.content_hash)
        for p in formed
        for position, o in enumerate(p.records, start=1)
    )
    copy_rows(
        connection, "packet_items", ("packet_id", "position", "object_id", "source_object_id", "content_hash"), items
    )
    _mark_objects(connection, rules, formed)
    _mark_silent(connection, rules, silent)
    deltas = CounterDeltas(service_code)
    for p in formed:
        deltas.add(launch_id, p.source.organization_id, packets=1, with_errors=error_delta(None, p.status))
    deltas.write(connection)


_PACKET_COLUMNS: Final = (
    "id",
    "launch_id",
    "service_code",
    "organization_id",
    "packet_type",
    "operation",
    "status",
    "result_text",
    "object_id",
    "source_object_id",
    "content_hash",
    "items_total",
    "data_size",
    "data_sha256",
    "name",
)


def _packet_row(service_code: str, launch_id: UUID, p: FormedPacket) -> tuple[object, ...]:
    size, digest = (None, None) if p.data is None else (len(p.data), hashlib.sha256(p.data).digest())
    source = p.source
    head = (p.id, launch_id, service_code, source.organization_id, p.packet_type, source.operation.value)
    about = (
        (None, None, None, len(p.records)) if p.records else (source.object_id, source.id, source.content_hash, None)
    )
    return (*head, p.status.value, p.result_text, *about, size, digest, p.name)


def _mark_objects(connection: Connection, rules: str, formed: Sequence[FormedPacket]) -> None:
    marks = [(o, p) for p in formed for o in p.objects]
    connection.execute(
        text(
            """
            UPDATE source_objects o SET last_packet_id = n.packet_id, last_status = n.status, last_hash = n.hash,
                last_rules = :rules, repeat_requested = false
            FROM unnest(CAST(:ids AS bigint[]), CAST(:packets AS uuid[]), CAST(:statuses AS text[]),
                CAST(:hashes AS bytea[])) AS n(id, packet_id, status, hash)
            WHERE o.id = n.id
            """
        ),
        {
            "rules": rules,
            "ids": [o.id for o, _ in marks],
            "packets": [p.id for _, p in marks],
            "statuses": [p.status.value for _, p in marks],
            "hashes": [o.content_hash for o, _ in marks],
        },
    )


def _mark_silent(connection: Connection, rules: str, silent: Sequence[DueObject]) -> None:
    """They wait for what an object in FORM_ERROR waits for, without the error."""
    if silent:
        connection.execute(
            text(
                """
                UPDATE source_objects o SET last_status = 'FORM_ERROR', last_hash = n.hash, last_rules = :rules,
                    repeat_requested = false
                FROM unnest(CAST(:ids AS bigint[]), CAST(:hashes AS bytea[])) AS n(id, hash)
                WHERE o.id = n.id
                """
            ),
            {"rules": rules, "ids": [o.id for o in silent], "hashes": [o.content_hash for o in silent]},
        )


@dataclass(frozen=True, slots=True)
class SessionPacket:
    """A request of a session on its way out: journaled as SENDING before its bytes leave."""

    service_code: str
    launch_id: UUID
    organization_id: int | None
    packet_type: str
    operation: Operation
    object_id: str | None
    data: bytes


def journal_sending(connection: Connection, sent: Sequence[SessionPacket]) -> list[UUID]:
    """Write requests of one session with their bodies and first attempts (COPY); return their ids, in this order.

    The caller commits, then sends.
    """
    ids = list(islice(new_ids(connection, sent[0].launch_id), len(sent)))
    rows = list(zip(ids, sent, strict=True))
    copy_rows(connection, "packets", _SENDING_COLUMNS, (_sending_row(i, p) for i, p in rows))
    bodies = ((i, DATA, XML, pack(p.data)) for i, p in rows)
    copy_rows(connection, "packet_bodies", ("packet_id", "kind", "media_type", "content"), bodies)
    copy_rows(connection, "attempts", ("packet_id", "number"), ((i, 1) for i in ids))
    deltas = CounterDeltas(sent[0].service_code)
    for p in sent:
        deltas.add(p.launch_id, p.organization_id, packets=1)
    deltas.write(connection)
    return ids


_SENDING_COLUMNS: Final = (
    "id",
    "launch_id",
    "service_code",
    "organization_id",
    "packet_type",
    "operation",
    "status",
    "object_id",
    "attempts",
    "tries",
    "data_size",
    "data_sha256",
)


def _sending_row(packet_id: UUID, p: SessionPacket) -> tuple[object, ...]:
    head = (packet_id, p.launch_id, p.service_code, p.organization_id, p.packet_type, p.operation.value)
    return (*head, PacketStatus.SENDING.value, p.object_id, 1, 1, len(p.data), hashlib.sha256(p.data).digest())
