"""Due source objects → packets in the journal: form, business rules, XSD; one transaction per batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection

from gateway.catalog.manifest import PacketType
from gateway.domain.errors import ConfigurationError, Finding
from gateway.journal.bodies import unpack
from gateway.journal.engine import database_now, new_ids
from gateway.journal.launches import LaunchState
from gateway.journal.new_packets import FormedPacket, journal_formed
from gateway.journal.objects import DueObject
from gateway.xml.canonical import serialize_lines
from gateway.xml.parser import parse
from gateway.xml.paths import line_of, nearest
from gateway.xml.schemas import validate
from workers.exchange import Element, Job, MissingSourceData, Organization
from workers.runs.due import load_organizations, take_due
from workers.runs.loading import Loaded


def form_batch(connection: Connection, loaded: Loaded, launch: LaunchState, packet_type: PacketType) -> int:
    """Form and journal the next batch of one packet type; return how many objects it took. The caller commits."""
    limit = loaded.exchange.manifest.sending.form_batch
    due = take_due(connection, loaded, launch, packet_type.object_type, limit=limit)
    if not due:
        return 0
    organizations = load_organizations(connection, {d.organization_id for d in due})
    now, ids = database_now(connection), new_ids(connection, launch.id)
    formed, silent = [], []
    for source in due:
        job = make_job(loaded, next(ids), packet_type.code, source, organizations[source.organization_id], now)
        chosen = choose(loaded, packet_type, job)
        if chosen is None:
            silent.append(source)
        else:
            formed.append(_formed(loaded, chosen, replace(job, packet_type=chosen.code), source))
    journal_formed(connection, launch.service_code, launch.id, loaded.rules, formed, silent)
    return len(due)


def _formed(loaded: Loaded, packet_type: PacketType, job: Job, source: DueObject) -> FormedPacket:
    findings, element = build(loaded, job, loaded.form)
    data = None if element is None else encoded(element, packet_type)
    if data is not None and not findings:
        findings = judge(loaded, job, data, loaded.exchange.schema(packet_type.schema_path))
    name = loaded.name(job) if loaded.name else None
    heading = loaded.heading(job) if findings and loaded.heading else None
    return FormedPacket(job.packet_id, source, packet_type.code, data, tuple(findings), name=name, heading=heading)


def encoded(element: Element, packet_type: PacketType) -> bytes:
    """The bytes of a packet as its peer wants them."""
    return serialize_lines(element, encoding=packet_type.encoding, standalone=packet_type.standalone)


def choose(loaded: Loaded, packet_type: PacketType, job: Job) -> PacketType | None:
    """The packet type that an object becomes, by the exchange's choice where it has one; None: nothing to tell now.

    Raises:
        ConfigurationError: the exchange names a packet type that its manifest does not know.
    """
    if loaded.choose is None:
        return packet_type
    code = loaded.choose(job)
    chosen = None if code is None else loaded.exchange.manifest.packet_type(code)
    if code is not None and chosen is None:
        raise ConfigurationError(f"Обмен {loaded.exchange.manifest.slug}: в манифесте нет типа пакета {code}")
    return chosen


def make_job(
    loaded: Loaded, packet_id: UUID, packet_type: str, source: DueObject, organization: Organization, now: datetime
) -> Job:
    """One object to form, its content parsed."""
    root = parse(unpack(source.packed))
    head = (packet_id, packet_type, source.operation, source.object_id, organization, now)
    return Job(*head, root, loaded.reference, source.accepted_parts, loaded.exchange.manifest.transport.kind)


def build(loaded: Loaded, job: Job, form: Callable[[Job], Element] | None) -> tuple[Sequence[Finding], Element | None]:
    """Hold the source against the business rules and form it; None where it cannot be formed at all."""
    findings = loaded.check(job) if loaded.check else ()
    try:
        return findings, form(job) if form else None
    except MissingSourceData as missing:
        return (*findings, *(each for each in missing.findings if each not in findings)), None


def judge(loaded: Loaded, job: Job, data: bytes, schema: Path) -> Sequence[Finding]:
    """Hold the packet's own bytes against the strict schema; where the exchange can, name the place in the source."""
    findings = validate(parse(data), schema)
    if loaded.locate is None:
        return findings
    return [_in_source(job, finding, loaded.locate(job, finding.path)) for finding in findings]


def _in_source(job: Job, finding: Finding, path: str) -> Finding:
    """A finding at its place in the source, with the line there; what is of our making stays where it is."""
    if path == finding.path:
        return finding
    return replace(finding, path=path, line=line_of(nearest(job.source, path)))
