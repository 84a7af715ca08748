"""Baseline: telling the journal what a peer holds already, so that the first run of a region changes, not adds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine

from gateway.catalog.registry import Catalog
from gateway.domain.errors import InvalidRequest, NotFound
from gateway.domain.repeats import UNKNOWN_CONTENT
from gateway.journal import baseline, registry
from gateway.journal.baseline import Applied, Held
from gateway.operations.intake import MAX_ID
from gateway.operations.reference_files import as_date
from gateway.operations.source_files import MAX_PROBLEMS, Problems, Record, opened, table_records

COLUMNS: Final = ("oid", "object_type", "object_id")
HASH: Final = "content_hash"
ACCEPTED: Final = "accepted_at"
_HASH: Final = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class ImportedBaseline:
    """What an import did: lines of the file, objects that now count as accepted, lines kept for objects to come."""

    lines: int
    objects: int
    kept: int


def import_baseline(engine: Engine, catalog: Catalog, service_code: str, file: Path, *, who: str) -> ImportedBaseline:
    """Import what the peer of a service holds; the file is judged whole before anything changes.

    Commits МО by МО, so that submissions wait for their own МО only; an import that was cut short is done again from
    the beginning and changes nothing twice.

    Raises:
        NotFound: there is no such service.
        InvalidRequest: the service takes no objects, or lines are wrong; the message names them.
    """
    manifest = catalog.manifest(service_code)
    if manifest is None:
        raise NotFound(f"Нет сервиса {service_code}: коды перечисляет «gateway service list»")
    types = frozenset(each.code for each in manifest.object_types)
    if not types:
        raise InvalidRequest(f"Сервис {service_code} не принимает исходные документы")
    with engine.connect() as connection:
        with connection.begin():
            lines = _stage(connection, file, types)
            organizations = baseline.staged_organizations(connection)
        done = Applied()
        for organization_id in organizations:
            with connection.begin():
                done += _apply(connection, service_code, organization_id, who)
        with connection.begin():
            baseline.drop_staged(connection)
    return ImportedBaseline(lines, done.objects, done.kept)


def _stage(connection: Connection, file: Path, types: frozenset[str]) -> int:
    organizations = {row.oid: row.id for row in registry.load_organizations(connection).values()}
    problems = Problems(file.name)
    lines = baseline.stage(connection, _lines(file, organizations, types, problems))
    if not lines:
        raise InvalidRequest(f"{file.name}: нет ни одной строки")
    for place in baseline.repeated(connection, MAX_PROBLEMS + 1):
        problems.note(place, "этот документ уже назван выше")
    problems.require_none()
    return lines


def _apply(connection: Connection, service_code: str, organization_id: int, who: str) -> Applied:
    done = baseline.apply(connection, service_code, organization_id)
    if done != Applied():
        detail = {"objects": done.objects, "kept": done.kept}
        event = registry.AuditEvent("baseline-import", [service_code], organization_id, detail)
        registry.audit(connection, None, event, who=who)
    return done


def _lines(file: Path, organizations: Mapping[str, int], types: frozenset[str], problems: Problems) -> Iterator[Held]:
    first = True
    with opened(file) as stream:
        for record in table_records(stream, problems):
            if first and not (record.values.keys() >= set(COLUMNS) and {HASH, ACCEPTED} & record.values.keys()):
                names = ", ".join(COLUMNS)
                raise InvalidRequest(f"{file.name}: нужны столбцы {names} и {HASH} или {ACCEPTED}")
            first = False
            if (reason := _wrong(record.values, organizations, types)) is not None:
                problems.note(record.place, reason)
            elif not problems:
                yield _held(record, organizations)
    problems.require_none()


def _wrong(values: Mapping[str, str], organizations: Mapping[str, int], types: frozenset[str]) -> str | None:
    if values["oid"].strip() not in organizations:
        return "нет МО с таким OID"
    if values["object_type"].strip() not in types:
        return f"сервис принимает типы: {', '.join(sorted(types))}"
    object_id = values["object_id"]
    if not object_id.strip() or len(object_id) > MAX_ID or "\0" in object_id:
        return f"object_id: от 1 до {MAX_ID} знаков"
    content_hash = values.get(HASH, "").strip()
    if content_hash:
        return None if _HASH.fullmatch(content_hash) else f"{HASH}: нужны 64 шестнадцатеричные цифры"
    try:
        accepted = as_date(values.get(ACCEPTED, "").strip())
    except ValueError:
        return f"{ACCEPTED}: нужен вид 31.12.2026 или 2026-12-31"
    return None if accepted else f"не заполнен ни {HASH}, ни {ACCEPTED}"


def _held(record: Record, organizations: Mapping[str, int]) -> Held:
    values = record.values
    content_hash = values.get(HASH, "").strip()
    accepted = bytes.fromhex(content_hash) if content_hash else UNKNOWN_CONTENT
    place, organization = record.place, organizations[values["oid"].strip()]
    return Held(place, organization, values["object_type"].strip(), values["object_id"], accepted)
