"""МО that an administrator names, one by one or in a file: judged alike, and kept all or none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from gateway.domain.errors import InvalidRequest
from gateway.domain.numbers import is_oid
from gateway.journal import objects, registry
from gateway.operations.source_files import Problems, opened, table_records

COLUMNS: Final = ("oid", "name")


@dataclass(frozen=True, slots=True)
class NamedOrganization:
    """A МО as it was named: where, for people, and its values without blanks around them."""

    place: str
    oid: str
    name: str
    codes: Mapping[str, str]


def named(place: str, oid: str, name: str, codes: Mapping[str, str]) -> NamedOrganization:
    """A МО with the blanks around its values taken off; a code that is empty is none."""
    stripped = {system.strip(): code.strip() for system, code in codes.items()}
    return NamedOrganization(place, oid.strip(), name.strip(), {key: code for key, code in stripped.items() if code})


def put_organizations(
    connection: Connection, given: Sequence[NamedOrganization], shared: Collection[str], problems: Problems, *, who: str
) -> None:
    """Add МО, or change those with these OIDs. The caller commits.

    A code belongs to one МО, but for the systems that ``shared`` names: the number of a region is that of all its МО.
    What was refused at forming is judged anew where its МО changed: a code that was missing may be there now.

    Raises:
        InvalidRequest: an OID, a name or a code is wrong; the message names the places, and nothing is written.
    """
    registry.lock_organizations(connection)
    oids = {each.oid for each in given}
    kept = [row for row in registry.load_organizations(connection).values() if row.oid not in oids]
    holders = {pair: row.oid for row in kept for pair in row.codes.items()}
    seen: set[str] = set()
    for each in given:
        for reason in _wrong(each, seen, holders, shared):
            problems.note(each.place, reason)
        seen.add(each.oid)
        holders |= dict.fromkeys(each.codes.items(), each.oid)
    problems.require_none()
    before = registry.find_organizations(connection, oids)
    for each in given:
        registry.put_organization(connection, each.oid, each.name, each.codes)
    after = registry.find_organizations(connection, oids)
    objects.judge_anew(connection, [row.id for oid, row in after.items() if row != before.get(oid, row)])
    registry.audit(connection, None, registry.AuditEvent("organization-put", [each.oid for each in given]), who=who)


def _wrong(
    each: NamedOrganization, seen: Collection[str], holders: Mapping[tuple[str, str], str], shared: Collection[str]
) -> Iterator[str]:
    if not each.oid or not each.name:
        yield "пустой oid или name"
    elif not is_oid(each.oid):
        yield "нужен OID вида 1.2.643.5"
    elif each.oid in seen:
        yield "МО с этим OID уже названа выше"
    for system, code in each.codes.items():
        holder = holders.get((system, code), each.oid)
        if system not in shared and holder != each.oid:
            yield f"код {system} уже у МО {holder} (общий код нескольких МО разрешает --shared {system})"


def read_organizations(file: Path, problems: Problems) -> list[NamedOrganization]:
    """Read a table of columns oid, name and one for every system.

    Raises:
        InvalidRequest: the file cannot be read, has not these columns, or has no rows.
    """
    found: list[NamedOrganization] = []
    with opened(file) as stream:
        for record in table_records(stream, problems):
            values = dict(record.values)
            if not found and not values.keys() >= set(COLUMNS):
                raise InvalidRequest(f"{problems.file}: нужны столбцы {' и '.join(COLUMNS)}")
            found.append(named(record.place, values.pop("oid", ""), values.pop("name", ""), values))
    if not found:
        problems.require_none()
        raise InvalidRequest(f"{problems.file}: нет ни одной строки")
    return found
