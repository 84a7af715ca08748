"""What must change of one worker in ФРМР: the person, then each section that the МИС submitted; pure.

Whatever the register holds beyond that (cards of other МО, older education) is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workers.exchange import Element, Operation, covers
from workers.exchanges.frmr.rules import value


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a worker: its field, what begins its operations, where the register keeps its id.

    ``key`` are the fields by which one entry is told from another where its id is not known; a section without them
    has at most one.
    """

    field: str
    prefix: str
    id_field: str
    key: tuple[str, ...] = ()


SECTIONS: Final = (
    Section("militaryService", "mr_military_service", "id"),
    Section("personCard", "mr_card", "id", ("contractNumber", "contractDate", "nrPmuDepartId", "postId")),
    Section("educationCommon", "mr_education_common", "commonId"),
    Section("educationProf", "mr_education_prof", "profId", ("docSerial", "docNumber")),
    Section("educationExt", "mr_education_ext", "extId", ("docSerial", "docNumber", "docDate")),
    Section("educationPostgraduate", "mr_education_postgraduate", "postgraduateId", ("educationStageId", "beginYear")),
    Section("educationCert", "mr_education_cert", "certId", ("certSerial", "certNumber")),
    Section("personQualification", "mr_qualification", "qualificationId", ("qualifyCategoryId", "beginDate", "specId")),
    Section("personNomination", "mr_nomination", "entityId", ("nominationId", "nomNumber")),
    Section("personOrganization", "mr_organization", "entityId", ("organizationId", "beginDate")),
)
"""In the order of sending. Accreditation is not among them: ФРМР lets nobody write it."""

PERSON: Final = "mr_person"


@dataclass(frozen=True, slots=True)
class Worker:
    """What the МИС submitted of a worker, in normal form: the person, and the entries of each section by its field."""

    person: Element
    sections: Mapping[str, Sequence[Element]]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the register: the person or one entry of a section."""

    prefix: str
    operation: Operation
    content: Element
    entity_id: str | None = None


def entries(content: Element, section: Section) -> list[Element]:
    """Entries of a section of a worker, whatever form the fields have."""
    found = content.find(section.field)
    if found is None:
        return []
    return list(found) if section.key else [found]


def differences(worker: Worker, held: Element | None) -> list[Step]:
    """Tell what must change where the register holds this (None: does not know the person); the person goes first."""
    if held is None:
        steps = [Step(PERSON, Operation.INSERT, worker.person)]
    elif covers(worker.person, held):
        steps = []
    else:
        steps = [Step(PERSON, Operation.UPDATE, worker.person)]
    for section in SECTIONS:
        there = [] if held is None else entries(held, section)
        steps += _section_steps(section, worker.sections.get(section.field, ()), there)
    return steps


def holds(held: Element, prefix: str, content: Element) -> bool:
    """Tell whether the register holds what an operation of this prefix would bring: the person or an entry."""
    section = next((s for s in SECTIONS if s.prefix == prefix), None)
    return any(covers(content, one) for one in ([held] if section is None else entries(held, section)))


def _section_steps(section: Section, wanted: Sequence[Element], held: list[Element]) -> Iterator[Step]:
    """Match entries by id, then by natural key, equals first, so that nothing is created twice."""
    left = list(held)
    waiting = []
    for one in wanted:
        named = value(one, section.id_field)
        found = next((h for h in left if named and value(h, section.id_field) == named), None)
        if found is None:
            waiting.append(one)
        else:
            left.remove(found)
            yield from _update(section, one, found)
    for one in [one for one in waiting if not _take_equal(one, left)]:
        found = next((h for h in left if _key(section, h) == _key(section, one)), None)
        if found is None:
            yield Step(section.prefix, Operation.INSERT, one)
        else:
            left.remove(found)
            yield from _update(section, one, found)


def _take_equal(wanted: Element, left: list[Element]) -> bool:
    found = next((h for h in left if covers(wanted, h)), None)
    if found is not None:
        left.remove(found)
    return found is not None


def _update(section: Section, wanted: Element, found: Element) -> Iterator[Step]:
    if not covers(wanted, found):
        yield Step(section.prefix, Operation.UPDATE, wanted, value(found, section.id_field))


def _key(section: Section, entry: Element) -> tuple[str, ...]:
    return tuple(value(entry, field).casefold() for field in section.key)
