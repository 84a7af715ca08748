"""What must change of one worker in ФРМР: the person, then the entries of his sections; pure.

An entry is *ours* once a session created it or found it equal to a submitted one: its id is kept with the worker.
Ours follow the МИС: what it corrected is updated, what it no longer submits is deleted. Whatever else the register
holds (cards of other МО, older education) is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workers.exchange import Element, Operation, PartIds, covers
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
    """One change of the register: the person or one entry of a section; a deletion has an id and no content."""

    prefix: str
    operation: Operation
    content: Element | None
    entity_id: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What must change of a worker, and which entries of the register, by (field of the section, id), are ours now.

    Those that are to be deleted are ours until they are.
    """

    steps: Sequence[Step]
    ours: PartIds


def entries(content: Element, section: Section) -> list[Element]:
    """Entries of a section of a worker, whatever form the fields have."""
    found = content.find(section.field)
    if found is None:
        return []
    return list(found) if section.key else [found]


def compare(worker: Worker, held: Element | None, known: PartIds) -> Comparison:
    """Tell what must change where the register holds this (None: does not know the person); the person goes first.

    ``known`` are the entries that were ours before. Deletions go last.
    """
    if held is None:
        steps = [Step(PERSON, Operation.INSERT, worker.person)]
    elif covers(worker.person, held):
        steps = []
    else:
        steps = [Step(PERSON, Operation.UPDATE, worker.person)]
    ours: set[tuple[str, str]] = set()
    for section in SECTIONS:
        match = _Match(section, [] if held is None else entries(held, section), known)
        steps += match.steps(worker.sections.get(section.field, ()))
        ours |= match.ours
    return Comparison(sorted(steps, key=lambda step: step.operation is Operation.DELETE), frozenset(ours))


def created(held: Element, prefix: str, content: Element, known: PartIds) -> tuple[str, str] | None:
    """Find the entry that a creation of unknown outcome made; None when it made none."""
    section = section_of(prefix)
    if section is None:
        return None
    marks = ((section.field, value(one, section.id_field)) for one in entries(held, section) if covers(content, one))
    return next((mark for mark in marks if mark not in known), None)


def section_of(prefix: str) -> Section | None:
    """The section whose operations begin so; None for the person."""
    return next((section for section in SECTIONS if section.prefix == prefix), None)


def holds_entry(held: Element, prefix: str, entity_id: str) -> bool:
    """Tell whether the register holds the entry with this id."""
    section = section_of(prefix)
    return section is not None and any(value(one, section.id_field) == entity_id for one in entries(held, section))


def holds(held: Element, prefix: str, content: Element) -> bool:
    """Tell whether the register holds what an operation of this prefix would bring: the person or an entry."""
    section = section_of(prefix)
    return any(covers(content, one) for one in ([held] if section is None else entries(held, section)))


class _Match:
    """Finds for each submitted entry of a section the one of the register that it is, those that are ours first."""

    def __init__(self, section: Section, held: Sequence[Element], known: PartIds) -> None:
        self._section = section
        own = {entity_id for field, entity_id in known if field == section.field}
        # A stable order: of two that fit equally, the one that is ours.
        self._left = sorted(held, key=lambda one: self._id(one) not in own)
        self._own = own
        self.ours: set[tuple[str, str]] = set()

    def steps(self, wanted: Sequence[Element]) -> list[Step]:
        """Match by id, by equality, by natural key, then what was corrected; nothing is created twice."""
        pairs: list[tuple[Element, Element]] = []
        waiting = list(wanted)
        for fits in (self._named, covers, self._same_key):
            waiting = [one for one in waiting if not self._take(pairs, one, self._left, fits)]
        waiting = self._corrected(pairs, waiting)
        prefix = self._section.prefix
        steps = [Step(prefix, Operation.UPDATE, one, self._id(found)) for one, found in pairs if not covers(one, found)]
        steps += [Step(prefix, Operation.INSERT, one) for one in waiting]
        steps += [Step(prefix, Operation.DELETE, None, self._id(found)) for found in self._left_of_ours()]
        self.ours |= {self._mark(found) for _, found in pairs} | {self._mark(one) for one in self._left_of_ours()}
        return steps

    def _corrected(self, pairs: list[tuple[Element, Element]], waiting: list[Element]) -> list[Element]:
        """Pair new entries with entries of ours that the МИС no longer submits; returns what is really new."""
        waiting = [one for one in waiting if not self._take(pairs, one, self._left_of_ours(), self._half_key)]
        own = self._left_of_ours()
        if len(waiting) == len(own) == 1:
            self._left.remove(own[0])
            pairs.append((waiting.pop(), own[0]))
        return waiting

    def _take(
        self,
        pairs: list[tuple[Element, Element]],
        wanted: Element,
        among: Sequence[Element],
        fits: Callable[[Element, Element], bool],
    ) -> bool:
        found = next((one for one in among if fits(wanted, one)), None)
        if found is None:
            return False
        self._left.remove(found)
        pairs.append((wanted, found))
        return True

    def _left_of_ours(self) -> list[Element]:
        return [one for one in self._left if self._id(one) in self._own]

    def _named(self, wanted: Element, held: Element) -> bool:
        return self._id(wanted) != "" and self._id(wanted) == self._id(held)

    def _same_key(self, wanted: Element, held: Element) -> bool:
        return self._key(wanted) == self._key(held)

    def _half_key(self, wanted: Element, held: Element) -> bool:
        agree = sum(a == b != "" for a, b in zip(self._key(wanted), self._key(held), strict=True))
        return 0 < len(self._section.key) <= 2 * agree

    def _key(self, entry: Element) -> tuple[str, ...]:
        return tuple(value(entry, field).casefold() for field in self._section.key)

    def _id(self, entry: Element) -> str:
        return value(entry, self._section.id_field)

    def _mark(self, entry: Element) -> tuple[str, str]:
        return self._section.field, self._id(entry)
