"""Journaling what peers send: which documents are known, the packets of new ones, what was confirmed to the peer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, text

from gateway.domain.errors import Finding
from gateway.domain.statuses import Direction, Operation, PacketStatus, error_delta
from gateway.journal import inbox
from gateway.journal.bodies import pack, unpack
from gateway.journal.copying import copy_rows
from gateway.journal.counters import CounterDeltas
from gateway.journal.objects import sealed_lookups
from gateway.journal.packets import ANSWER, DATA, XML
from gateway.journal.received_states import NewState, ReceivedState, keep_states
from gateway.journal.seals import seal

FOUND_AT_ONCE: Final = 100


def seal_documents(connection: Connection, documents: Iterable[tuple[str, bytes]]) -> list[bytes]:
    """Seals of (key, content): equal only for the same content under the same key."""
    texts = (key.encode() + b"\0" + hashlib.sha256(data).digest() for key, data in documents)
    return seal(connection, "document", texts)


def seal_marks(connection: Connection, marks: Iterable[str]) -> list[bytes]:
    """Seals of marks."""
    return seal(connection, "mark", (mark.encode() for mark in marks))


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A document that is journaled already, and what its peer was told or is to be told.

    ``status`` is None when the packet itself has gone with its month.
    """

    status: PacketStatus | None
    text: str
    answer: bytes | None
    confirmed: bool


def lock_documents(connection: Connection, service_code: str) -> None:
    """Let nobody else journal documents of this service until the transaction ends: its late answers and its launches
    may be given the same ones."""
    statement = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
    connection.execute(statement, {"key": f"documents:{service_code}"})


def known_documents(connection: Connection, service_code: str, seals: Sequence[bytes]) -> dict[bytes, KnownDocument]:
    """Those of the documents that this service has journaled; new ones are absent."""
    rows = connection.execute(
        text(
            """
            SELECT d.document, d.confirmed_at IS NOT NULL AS confirmed, p.status, p.result_text, b.content
            FROM received_documents d
            LEFT JOIN packets p ON p.id = d.packet_id
            LEFT JOIN packet_bodies b ON b.packet_id = d.packet_id AND b.kind = 'ANSWER'
            WHERE d.service_code = :service AND d.document = ANY(CAST(:seals AS bytea[]))
            """
        ),
        {"service": service_code, "seals": list(seals)},
    )
    return {bytes(row.document): _known(row) for row in rows}


def _known(row: Row[Any]) -> KnownDocument:
    answer = None if row.content is None else unpack(row.content)
    status = None if row.status is None else PacketStatus(row.status)
    return KnownDocument(status, row.result_text or "", answer, row.confirmed)


def has_mark(connection: Connection, service_code: str, mark: str) -> bool:
    """Tell whether a document of this service bore this mark."""
    statement = text("SELECT 1 FROM received_marks WHERE service_code = :service AND mark = :mark")
    (sealed,) = seal_marks(connection, [mark])
    return connection.execute(statement, {"service": service_code, "mark": sealed}).one_or_none() is not None


def organizations_by_code(connection: Connection, system: str, code: str) -> list[Row[Any]]:
    """МО (id, oid, name, codes) with this code in a system; the system ``oid`` is their OID."""
    condition = "oid = :code" if system == "oid" else "codes ->> :system = :code"
    statement = text(f"SELECT id, oid, name, codes FROM organizations WHERE {condition} ORDER BY id")
    return list(connection.execute(statement, {"system": system, "code": code}))


def find_objects(
    connection: Connection, service_codes: Sequence[str], object_type: str, lookup: str
) -> Iterator[Row[Any]]:
    """Objects found by their lookup, the newest state first: all of them, read page by page as they are asked for.

    One statement finds them, so that what is submitted anew between two pages is neither missed nor read twice: every
    object is read as it was when the first was asked for.

    Columns: object_id, changed_at, content, closed, id, oid, name and codes of their МО. Removed ones are not
    found.
    """
    (sealed,) = sealed_lookups(connection, [(object_type, lookup)])
    wanted = {"services": list(service_codes), "type": object_type, "lookup": sealed}
    with connection.execute(_FIND, wanted, execution_options={"yield_per": FOUND_AT_ONCE}) as rows:
        yield from rows


_FIND: Final = text(
    """
    SELECT o.object_id, o.changed_at, o.content, o.closed_by IS NOT NULL AS closed,
      g.id, g.oid, g.name, g.codes
    FROM source_objects o JOIN organizations g ON g.id = o.organization_id
    WHERE o.service_code = ANY(CAST(:services AS text[])) AND o.object_type = :type
      AND o.lookup = :lookup AND NOT o.deleted
    ORDER BY o.changed_at DESC, o.id DESC
    """
)


@dataclass(frozen=True, slots=True)
class ReceivedPacket:
    """A document of a peer on its way into the journal, with all that it brings about; texts are not sealed yet.

    ``seal`` is the document's (:func:`seal_documents`; the packets of one document bear the same), ``answer`` what the
    peer is told, ``documents`` are (type, content) for the МИС of the МО, ``closes`` (object type, object id) of the
    МО's objects that it ends, ``concerns`` those that it only tells of; ``state`` makes it the newest of its subject,
    and its first document the one that is offered to the МИС.
    """

    id: UUID
    seal: bytes
    organization_id: int | None
    packet_type: str
    operation: Operation
    status: PacketStatus
    result_text: str
    data: bytes
    media_type: str = XML
    answer: bytes | None = None
    documents: tuple[tuple[str, bytes], ...] = ()
    closes: tuple[tuple[str, str], ...] = ()
    concerns: tuple[tuple[str, str], ...] = ()
    marks: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    state: ReceivedState | None = None


def journal_received(
    connection: Connection,
    service_code: str,
    launch_id: UUID,
    received: Sequence[ReceivedPacket],
    system: Sequence[str],
) -> None:
    """Write a batch of documents as IMPORT packets with data, answer, findings, documents for the МИС and marks; close
    the objects they end (of the services ``system``); move the counters. The caller commits, then tells the peer.

    Raises:
        psycopg.errors.UniqueViolation: one of the documents is journaled already.
    """
    linked = _link_objects(connection, system, received)
    rows = (_packet_row(service_code, launch_id, packet, linked) for packet in received)
    copy_rows(connection, "packets", _PACKET_COLUMNS, rows)
    copy_rows(connection, "packet_bodies", ("packet_id", "kind", "media_type", "content"), _bodies(received))
    found = ((p.id, n, f.path, f.line, f.code, f.message) for p in received for n, f in enumerate(p.findings, 1))
    copy_rows(connection, "packet_findings", ("packet_id", "position", "path", "line", "code", "message"), found)
    for_mis = ((p.organization_id, p.id, *each) for p in received for each in p.documents)
    offered = inbox.add_all(connection, service_code, for_mis)
    keep_states(connection, service_code, _states(received, offered))
    firsts = {p.seal: p.id for p in reversed(received)}
    documents = ((service_code, *each) for each in firsts.items())
    copy_rows(connection, "received_documents", ("service_code", "document", "packet_id"), documents)
    _keep_marks(connection, service_code, received)
    deltas = CounterDeltas(service_code)
    for p in received:
        deltas.add(launch_id, p.organization_id, packets=1, with_errors=error_delta(None, p.status))
    deltas.write(connection)


_PACKET_COLUMNS: Final = (
    "id",
    "launch_id",
    "service_code",
    "organization_id",
    "direction",
    "packet_type",
    "operation",
    "status",
    "result_text",
    "object_id",
    "source_object_id",
    "data_size",
    "data_sha256",
    "answer_size",
    "answer_sha256",
)


def _packet_row(
    service_code: str, launch_id: UUID, p: ReceivedPacket, linked: Mapping[UUID, tuple[str, int]]
) -> tuple[object, ...]:
    head = (p.id, launch_id, service_code, p.organization_id, Direction.IMPORT.value, p.packet_type)
    state = (p.operation.value, p.status.value, p.result_text or None, *linked.get(p.id, (None, None)))
    data = (len(p.data), hashlib.sha256(p.data).digest())
    answer = (None, None) if p.answer is None else (len(p.answer), hashlib.sha256(p.answer).digest())
    return (*head, *state, *data, *answer)


def _bodies(received: Sequence[ReceivedPacket]) -> Iterable[tuple[object, ...]]:
    for p in received:
        yield p.id, DATA, p.media_type, pack(p.data)
        if p.answer is not None:
            yield p.id, ANSWER, XML, pack(p.answer)


def _states(received: Sequence[ReceivedPacket], offered: Sequence[UUID]) -> list[NewState]:
    """The states that packets bring, each with its packet's first document among those offered, which are in order."""
    ids = iter(offered)
    states: list[NewState] = []
    for p in received:
        mine = [next(ids) for _ in p.documents]
        if p.state is not None:
            states.append(NewState(p.state, p.id, mine[0] if mine else None))
    return states


def _keep_marks(connection: Connection, service_code: str, received: Sequence[ReceivedPacket]) -> None:
    pairs = [(p.id, mark) for p in received for mark in p.marks]
    if pairs:
        connection.execute(
            text(
                """
                INSERT INTO received_marks (service_code, mark, packet_id)
                SELECT :service, * FROM unnest(CAST(:marks AS bytea[]), CAST(:packets AS uuid[]))
                ON CONFLICT DO NOTHING
                """
            ),
            {
                "service": service_code,
                "marks": seal_marks(connection, (mark for _, mark in pairs)),
                "packets": [packet_id for packet_id, _ in pairs],
            },
        )


def _link_objects(
    connection: Connection, system: Sequence[str], received: Sequence[ReceivedPacket]
) -> dict[UUID, tuple[str, int]]:
    """Find the objects of these packets and mark those that they end as closed; for each packet the id (in the МИС, and
    ours) of the first of them."""
    wanted = [
        (p.id, p.organization_id, *each, n, n < len(p.closes))
        for p in received
        for n, each in enumerate((*p.closes, *p.concerns))
    ]
    if not wanted:
        return {}
    packets, organizations, types, ids, positions, ends = zip(*wanted, strict=True)
    rows = connection.execute(
        _LINK,
        {
            "packets": list(packets),
            "organizations": list(organizations),
            "types": list(types),
            "ids": list(ids),
            "positions": list(positions),
            "ends": list(ends),
            "services": list(system),
        },
    )
    return {row.packet_id: (row.object_id, row.id) for row in rows}


_LINK: Final = text(
    """
    WITH w AS (
      SELECT * FROM unnest(CAST(:packets AS uuid[]), CAST(:organizations AS bigint[]), CAST(:types AS text[]),
        CAST(:ids AS text[]), CAST(:positions AS int[]), CAST(:ends AS boolean[]))
        AS w(packet_id, organization_id, type, object_id, n, ends)),
    mine AS (
      SELECT o.id, w.packet_id, w.object_id, w.n, w.ends FROM w JOIN source_objects o
        ON o.organization_id = w.organization_id AND o.object_type = w.type AND o.object_id = w.object_id
      WHERE o.service_code = ANY(CAST(:services AS text[])) ORDER BY o.id FOR UPDATE OF o),
    closed AS (
      UPDATE source_objects o SET closed_by = m.packet_id
      FROM (SELECT DISTINCT ON (id) id, packet_id FROM mine WHERE ends ORDER BY id, packet_id DESC) m
      WHERE o.id = m.id)
    SELECT DISTINCT ON (packet_id) packet_id, object_id, id FROM mine ORDER BY packet_id, n
    """
)


def note_confirmed(connection: Connection, service_code: str, seals: Sequence[bytes]) -> None:
    """Remember that the peer was told of these documents. The caller commits."""
    connection.execute(
        text(
            "UPDATE received_documents SET confirmed_at = clock_timestamp() WHERE service_code = :service"
            " AND document = ANY(CAST(:seals AS bytea[])) AND confirmed_at IS NULL"
        ),
        {"service": service_code, "seals": list(seals)},
    )


def count_received(connection: Connection, launch_id: UUID) -> int:
    """How many packets of a launch came from the peer."""
    statement = text(
        "SELECT count(*) FROM packets WHERE launch_id = :id AND id >= :id AND status IN ('PROCESSED', 'REFUSED')"
    )
    return int(connection.execute(statement, {"id": launch_id}).scalar_one())


def count_unconfirmed(connection: Connection, service_code: str) -> int:
    """How many documents the peer was not told of yet."""
    statement = text("SELECT count(*) FROM received_documents WHERE service_code = :service AND confirmed_at IS NULL")
    return int(connection.execute(statement, {"service": service_code}).scalar_one())
