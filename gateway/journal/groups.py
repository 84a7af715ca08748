"""Packet groups: what one launch formed of packets of many objects, numbered once all of it is formed.

A packet says its place in the group and how many the group holds, which nobody knows before the last is formed. So the
packets are formed with a provisional frame and framed again when the forming is over. The places follow from the ids
alone: whoever numbers a group after a crash gives the same ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from gateway.domain.statuses import Operation
from gateway.journal.bodies import pack, unpack
from gateway.journal.engine import new_ids


def group_of(connection: Connection, launch_id: UUID) -> UUID:
    """«ИД группы пакетов» of a launch; made when it has none yet. The caller commits."""
    parameters = {"id": launch_id, "made": next(new_ids(connection))}
    connection.execute(
        text("UPDATE launches SET packet_group_id = :made WHERE id = :id AND packet_group_id IS NULL"), parameters
    )
    found: UUID = connection.execute(
        text("SELECT packet_group_id FROM launches WHERE id = :id"), parameters
    ).scalar_one()
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a packet in its group: ``position`` of ``size``, from 1."""

    packet_id: UUID
    group_id: UUID
    position: int
    size: int


def unnumbered(connection: Connection, service_code: str, scope: frozenset[int] | None, launch_id: UUID) -> list[Place]:
    """Places that packets waiting for sending do not have yet: of this launch, whose forming is over, and of launches
    of these МО that ended in the middle of their forming.
    """
    rows = connection.execute(
        _UNNUMBERED,
        {"service": service_code, "scope": None if scope is None else sorted(scope), "launch": launch_id},
    )
    return [Place(r.id, r.packet_group_id, r.position, r.size) for r in rows]


_UNNUMBERED: Final = text(
    """
    WITH grouped AS (
      SELECT CAST(:launch AS uuid) AS launch_id
      UNION
      SELECT launch_id FROM packets
      WHERE service_code = :service AND status = 'FORMED' AND items_total IS NOT NULL AND group_position IS NULL
        AND (CAST(:scope AS bigint[]) IS NULL OR organization_id = ANY(CAST(:scope AS bigint[])))),
    placed AS (
      SELECT p.id, p.status, p.group_position, p.group_size, l.packet_group_id,
        row_number() OVER (PARTITION BY l.id ORDER BY p.id) AS position, count(*) OVER (PARTITION BY l.id) AS size
      FROM grouped g JOIN launches l ON l.id = g.launch_id JOIN packets p ON p.launch_id = l.id
      WHERE p.items_total IS NOT NULL)
    SELECT id, packet_group_id, position, size FROM placed
    WHERE status = 'FORMED' AND (group_position, group_size) IS DISTINCT FROM (position, size)
    ORDER BY id
    """
)


@dataclass(frozen=True, slots=True)
class Provisional:
    """A packet as it was formed: its records in a frame that does not know its place."""

    id: UUID
    organization_id: int
    packet_type: str
    operation: Operation
    items_total: int
    data: bytes


def lock_provisional(connection: Connection, ids: Sequence[UUID]) -> list[Provisional]:
    """Lock packets that still wait for sending, in the order of their ids."""
    rows = connection.execute(
        text(
            """
            SELECT p.id, p.organization_id, p.packet_type, p.operation, p.items_total, b.content
            FROM packets p JOIN packet_bodies b ON b.packet_id = p.id AND b.kind = 'DATA'
            WHERE p.id = ANY(CAST(:ids AS uuid[])) AND p.status = 'FORMED' ORDER BY p.id FOR UPDATE OF p
            """
        ),
        {"ids": list(ids)},
    )
    return [
        Provisional(r.id, r.organization_id, r.packet_type, Operation(r.operation), r.items_total, unpack(r.content))
        for r in rows
    ]


def take_numbers(connection: Connection, service_code: str, day: date, wanted: Mapping[int, int]) -> dict[int, range]:
    """Give out numbers of one day, from 1 in every МО and never twice: МО → how many become МО → which.

    A rollback gives them back. The caller commits.
    """
    rows = connection.execute(
        text(
            """
            INSERT INTO packet_numbers (service_code, organization_id, day, last)
            SELECT :service, id, :day, n FROM unnest(CAST(:ids AS bigint[]), CAST(:counts AS int[])) AS w(id, n)
            ON CONFLICT (service_code, organization_id) DO UPDATE SET day = excluded.day,
              last = excluded.last + CASE WHEN packet_numbers.day = excluded.day THEN packet_numbers.last ELSE 0 END
            RETURNING organization_id, last
            """
        ),
        {"service": service_code, "day": day, "ids": sorted(wanted), "counts": [wanted[key] for key in sorted(wanted)]},
    )
    return {r.organization_id: range(r.last - wanted[r.organization_id] + 1, r.last + 1) for r in rows}


@dataclass(frozen=True, slots=True)
class Framed:
    """A packet in its place, as it will leave; ``name`` is what the peer will know it by, where packets have names."""

    place: Place
    name: str | None
    data: bytes


def write_framed(connection: Connection, framed: Sequence[Framed]) -> None:
    """Write packets in their places over their provisional selves; they must be locked. The caller commits."""
    connection.execute(
        _WRITE_PACKETS,
        {
            "ids": [f.place.packet_id for f in framed],
            "positions": [f.place.position for f in framed],
            "group_sizes": [f.place.size for f in framed],
            "names": [f.name for f in framed],
            "sizes": [len(f.data) for f in framed],
            "digests": [hashlib.sha256(f.data).digest() for f in framed],
        },
    )
    connection.execute(
        _WRITE_BODIES,
        {"ids": [f.place.packet_id for f in framed], "contents": [pack(f.data) for f in framed]},
    )


_WRITE_PACKETS: Final = text(
    """
    UPDATE packets p SET group_position = w.position, group_size = w.group_size, name = w.name, data_size = w.size,
      data_sha256 = w.digest
    FROM unnest(CAST(:ids AS uuid[]), CAST(:positions AS int[]), CAST(:group_sizes AS int[]), CAST(:names AS text[]),
        CAST(:sizes AS int[]), CAST(:digests AS bytea[])) AS w(id, position, group_size, name, size, digest)
    WHERE p.id = w.id AND p.status = 'FORMED'
    """
)

_WRITE_BODIES: Final = text(
    """
    UPDATE packet_bodies b SET content = w.content
    FROM unnest(CAST(:ids AS uuid[]), CAST(:contents AS bytea[])) AS w(id, content)
    WHERE b.packet_id = w.id AND b.kind = 'DATA'
    """
)
