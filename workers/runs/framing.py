"""Due source objects → packets of many records: each judged by itself, framed together, numbered as a group.

Forming does not know how many packets the launch will have, so it frames provisionally; :func:`number_packets` frames
again when all is formed. Memory is that of one batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from gateway.catalog.manifest import PacketType
from gateway.domain.errors import ConfigurationError, Finding
from gateway.domain.statuses import CHANGES, Operation
from gateway.journal import groups
from gateway.journal.bodies import unpacked_size
from gateway.journal.engine import database_now, new_ids
from gateway.journal.groups import Framed, Place, Provisional
from gateway.journal.launches import LaunchState
from gateway.journal.new_packets import FormedPacket, journal_formed
from gateway.journal.objects import DueObject
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.exchange import Element, Frame, Job, Organization
from workers.runs.due import load_organizations, take_due
from workers.runs.forming import build, choose, encoded, judge, make_job
from workers.runs.loading import Loaded

MAX_SOURCE_BYTES: Final = 2 * 1024 * 1024
"""Source objects of one packet together; the packet then stays within the limits of one document."""


@dataclass(frozen=True, slots=True)
class _Record:
    """One object and the record made of it."""

    job: Job
    source: DueObject
    element: Element


@dataclass(frozen=True, slots=True)
class _Forming:
    """What all the packets of one batch have in common; ``silent`` gathers the objects that become none."""

    loaded: Loaded
    packet_type: PacketType
    operation: Operation
    group_id: UUID
    now: datetime
    ids: Iterator[UUID]
    silent: list[DueObject] = field(default_factory=list)

    def packets(self, sources: Sequence[DueObject], organization: Organization) -> Iterator[FormedPacket]:
        """Form a packet of every type that one МО's objects become, and one for each that breaks rules or schema."""
        types: dict[str, tuple[PacketType, list[tuple[Job, DueObject]]]] = {}
        for source in sources:
            job = make_job(self.loaded, next(self.ids), self.packet_type.code, source, organization, self.now)
            chosen = choose(self.loaded, self.packet_type, job)
            if chosen is None:
                self.silent.append(source)
            else:
                made = replace(job, packet_type=chosen.code), source
                types.setdefault(chosen.code, (chosen, []))[1].append(made)
        for chosen, jobs in types.values():
            yield from replace(self, packet_type=chosen)._of_one_type(jobs)

    def _of_one_type(self, jobs: Sequence[tuple[Job, DueObject]]) -> Iterator[FormedPacket]:
        records = []
        for job, source in jobs:
            findings, element = build(self.loaded, job, self.loaded.record)
            if element is not None and not findings:
                records.append(_Record(job, source, element))
            else:
                data = None if element is None else self._framed(job.packet_id, job.organization, [element])
                yield FormedPacket(job.packet_id, source, self.packet_type.code, data, tuple(findings))
        if records:
            yield from self._judged(records)

    def _judged(self, records: list[_Record]) -> Iterator[FormedPacket]:
        """Hold the whole packet against its schema; when it fails, take out the records that fail alone."""
        first, schema = records[0], self.loaded.exchange.schema(self.packet_type.schema_path)
        data = self._framed(first.job.packet_id, first.job.organization, [r.element for r in records])
        findings = validate(parse(data), schema)
        if not findings:
            sources = tuple(r.source for r in records)
            yield FormedPacket(first.job.packet_id, first.source, self.packet_type.code, data, records=sources)
            return
        sound = []
        for record in records:
            alone = self._framed(record.job.packet_id, record.job.organization, [record.element])
            if found := judge(self.loaded, record.job, alone, schema):
                yield self._refused(record, alone, found)
            else:
                sound.append(record)
        if sound and len(sound) < len(records):
            yield from self._judged(sound)
        else:  # no record by itself: it is the packet as a whole that its schema refuses
            yield from (self._refused(record, None, findings) for record in sound)

    def _refused(self, record: _Record, data: bytes | None, findings: Sequence[Finding]) -> FormedPacket:
        return FormedPacket(record.job.packet_id, record.source, self.packet_type.code, data, tuple(findings))

    def _framed(self, packet_id: UUID, organization: Organization, records: Sequence[Element]) -> bytes:
        frame = Frame(packet_id, self.packet_type.code, self.operation, organization, self.now, self.group_id)
        return framed(self.loaded, self.packet_type, frame, records)


def framed(loaded: Loaded, packet_type: PacketType, frame: Frame, records: Sequence[Element]) -> bytes:
    """The bytes of one packet of many."""
    if loaded.frame is None:
        raise TypeError("an exchange with packets of many records has no function frame")
    return encoded(loaded.frame(frame, records), packet_type)


def form_packets(connection: Connection, loaded: Loaded, launch: LaunchState, packet_type: PacketType) -> int:
    """Form and journal the next packets of one type and operation; return how many objects it took.

    A packet is as full as it can be: objects are taken МО by МО, and those of a МО that may have more are left for the
    next batch. The caller commits.
    """
    for operation in CHANGES:
        due = _next_due(connection, loaded, launch, packet_type, operation)
        if due:
            break
    else:
        return 0
    group_id, now = groups.group_of(connection, launch.id), database_now(connection)
    forming = _Forming(loaded, packet_type, operation, group_id, now, new_ids(connection, launch.id))
    organizations = load_organizations(connection, {d.organization_id for d in due})
    formed = [
        packet
        for key, theirs in groupby(due, lambda d: d.organization_id)
        for sources in _portions(list(theirs))
        for packet in forming.packets(sources, organizations[key])
    ]
    journal_formed(connection, launch.service_code, launch.id, loaded.rules, formed, forming.silent)
    return len(due)


def _next_due(
    connection: Connection, loaded: Loaded, launch: LaunchState, packet_type: PacketType, operation: Operation
) -> list[DueObject]:
    limit = packet_type.records
    due = take_due(connection, loaded, launch, packet_type.object_type, limit=limit, operation=operation)
    if len(due) < limit or due[0].organization_id == due[-1].organization_id:
        return due
    return [d for d in due if d.organization_id != due[-1].organization_id]


def _portions(sources: list[DueObject]) -> Iterator[list[DueObject]]:
    """Cut one МО's objects where a packet would become too large."""
    portion: list[DueObject] = []
    size = 0
    for source in sources:
        more = unpacked_size(source.packed)
        if portion and size + more > MAX_SOURCE_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(source)
        size += more
    yield portion


def number_packets(connection: Connection, loaded: Loaded, service_code: str, places: Sequence[Place]) -> None:
    """Frame packets again in their places, each with a number of its МО and day. The caller commits."""
    provisional = groups.lock_provisional(connection, [place.packet_id for place in places])
    if not provisional:
        return
    now = database_now(connection)
    wanted = Counter(packet.organization_id for packet in provisional)
    numbers = {
        key: iter(given) for key, given in groups.take_numbers(connection, service_code, now.date(), wanted).items()
    }
    organizations = load_organizations(connection, wanted.keys())
    by_id = {place.packet_id: place for place in places}
    groups.write_framed(
        connection,
        [
            _numbered(
                loaded,
                packet,
                by_id[packet.id],
                organizations[packet.organization_id],
                now,
                next(numbers[packet.organization_id]),
            )
            for packet in provisional
        ],
    )


def _numbered(
    loaded: Loaded, packet: Provisional, place: Place, organization: Organization, now: datetime, number: int
) -> Framed:
    frame = Frame(
        packet.id,
        packet.packet_type,
        packet.operation,
        organization,
        now,
        place.group_id,
        place.position,
        place.size,
        number,
    )
    packet_type = loaded.exchange.manifest.packet_type(packet.packet_type)
    if packet_type is None:
        raise ConfigurationError(f"Обмен {loaded.exchange.manifest.slug}: нет типа пакета {packet.packet_type}")
    records = loaded.records(parse(packet.data))[-packet.items_total :]
    name = loaded.name(frame) if loaded.name else None
    return Framed(place, name, framed(loaded, packet_type, frame, records))
