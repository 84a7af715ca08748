"""What must change of one worker in ФРМР: the person, then the entries of his sections; pure.

An entry is *known* once it was brought together with a submitted one: its id is kept with the worker, so that what the
МИС corrects is updated and not doubled. What a session created is *ours*, and is deleted when the МИС no longer submits
it. What the register held before is *found*: it is updated where the МИС submits it differently, and stays as it is
when the МИС withdraws it, for another МО or an older system may have brought it. So it is with a field that the МИС no
longer submits: of ours it is taken away, and of the person where a session brought it; of a found one it stays.
Whatever else the register holds is left alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from workers.exchange import Element, Operation, PartIds, covers, holds_more, text_at, with_others, without_unsaid
from workers.exchanges.frmr.sections import PERSON, SECTIONS, SHARED, Section, entries, section_of

FOUND: Final = "found."
"""Stands before the field of the section among the marks of a found entry."""
FIELD: Final = "field"
"""Kind, among the marks, of a field of the person that a session brought."""


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
    """What must change of a worker, and the marks of the entries of the register that are known now.

    A mark is (field of the section, id), of a found entry (``FOUND`` and the field, id). Those that are to be deleted
    are ours until they are; a found one that the МИС withdrew is not known any more. Where the register does not know
    the person all that were known stay so: of its answer alone nothing that is ours is forgotten.

    (``FIELD``, tag) is a field of the person himself that a session brought, and may take away.

    ``left`` are the found entries, each by its section and id, that the МИС withdrew or changed beyond recognition: the
    register goes on holding them, and nobody but people can tell whether it should.
    """

    steps: Sequence[Step]
    known: PartIds
    left: Sequence[tuple[Section, str]] = ()

    @property
    def known_before(self) -> PartIds:
        """What is known until all steps are done: a session that dies before must tell anew what is left."""
        return self.known | {(FOUND + section.field, entity_id) for section, entity_id in self.left}


def compare(worker: Worker, held: Element | None, known: PartIds) -> Comparison:
    """Tell what must change where the register holds this (None: does not know the person); the person goes first.

    ``known`` are the marks of before. Deletions go last.
    """
    brought = {tag for kind, tag in known if kind == FIELD}
    if held is None:
        steps = [Step(PERSON, Operation.INSERT, worker.person)]
    elif _is_as_wanted(worker.person, held, brought):
        steps = []
    else:
        steps = [Step(PERSON, Operation.UPDATE, _with_others(worker.person, held, brought))]
    now = set(known) if held is None else set()
    now |= {(FIELD, tag) for tag in _brought(worker.person, held, brought)}
    left: list[tuple[Section, str]] = []
    for section in SECTIONS:
        match = _Match(section, [] if held is None else entries(held, section), known)
        steps += match.steps(worker.sections.get(section.field, ()))
        now |= match.known
        left += [(section, entity_id) for entity_id in match.left]
    return Comparison(sorted(steps, key=lambda step: step.operation is Operation.DELETE), frozenset(now), tuple(left))


def created(held: Element, prefix: str, content: Element, known: PartIds) -> tuple[str, str] | None:
    """Find the entry that a creation of unknown outcome made, as a mark of ours; None when it made none."""
    section = section_of(prefix)
    if section is None:
        return None
    ids = (text_at(one, section.id_field) for one in entries(held, section) if covers(content, one))
    new = (one for one in ids if known.isdisjoint({(section.field, one), (FOUND + section.field, one)}))
    return next(((section.field, one) for one in new), None)


def holds_entry(held: Element, prefix: str, entity_id: str) -> bool:
    """Tell whether the register holds the entry with this id."""
    section = section_of(prefix)
    return section is not None and any(text_at(one, section.id_field) == entity_id for one in entries(held, section))


def holds(held: Element, prefix: str, content: Element, ours: PartIds = frozenset()) -> bool:
    """Tell whether the register holds what an operation of this prefix would bring: the person or an entry.

    What is among ``ours`` must hold nothing beyond it: an entry by its mark, a field of the person by his.
    """
    section = section_of(prefix)
    if section is None:
        return _is_as_wanted(content, held, {tag for kind, tag in ours if kind == FIELD})
    return any(
        covers(content, one)
        and not ((section.field, text_at(one, section.id_field)) in ours and holds_more(content, one, section.id_field))
        for one in entries(held, section)
    )


def _brought(person: Element, held: Element | None, before: Set[str]) -> Set[str]:
    """Fields of the person that a session brings now, or brought and has not taken away yet."""
    shared = {field for field, _ in SHARED}
    filled = [field for field in person if field.tag not in shared and _is_filled(field)]
    if held is None:
        return {str(field.tag) for field in filled} | before
    there = {str(field.tag): field for field in held if _is_filled(field)}
    differ = {str(field.tag) for field in filled if field.tag not in there or not covers(field, there[str(field.tag)])}
    return differ | {tag for tag in before if tag in there}


def _is_filled(field: Element) -> bool:
    return any(str(text).strip() for text in field.itertext())


def _is_as_wanted(wanted: Element, held: Element, brought: Set[str]) -> bool:
    """Tell whether the register holds a person as wanted.

    What others added is no difference: items of the shared arrays, fields that no session brought.
    """
    given = {str(field.tag) for field in wanted if _is_filled(field)}
    if any(field.tag in brought - given for field in held if _is_filled(field)):
        return False
    alone = copy.deepcopy(without_unsaid(wanted, held, brought))
    for field, _ in SHARED:
        for array in alone.findall(field):
            if not all(any(covers(item, one) for one in held.iterfind(f"{field}/*")) for item in array):
                return False
            alone.remove(array)
    return covers(alone, held)


def _with_others(wanted: Element, held: Element, brought: Set[str]) -> Element:
    """The person with fields and items that others added: an update puts him whole in place of what is there.

    What of it is no field of a person the packet leaves out.
    """
    whole = copy.deepcopy(without_unsaid(wanted, held, brought))
    for field, key in SHARED:
        if (array := whole.find(field)) is not None:
            ours = {_key(item, key) for item in array}
            others = (item for item in held.iterfind(f"{field}/*") if _key(item, key) not in ours)
            array.extend([copy.deepcopy(item) for item in others])
    return with_others(whole, held, brought | {section.field for section in SECTIONS})


def _key(entry: Element, fields: Sequence[str]) -> tuple[str, ...]:
    return tuple(text_at(entry, field).casefold() for field in fields)


def _is_later(wanted: Element, held: Element) -> bool:
    """Tell whether what the register holds is over, and what is wanted began another day: it is not the same."""
    began = text_at(wanted, "beginDate"), text_at(held, "beginDate")
    return text_at(held, "endDate") != "" and all(began) and began[0] != began[1]


class _Match:
    """Finds for each submitted entry of a section the one of the register that it is, those that are known first."""

    def __init__(self, section: Section, held: Sequence[Element], known: PartIds) -> None:
        self._section = section
        self._ours = {entity_id for field, entity_id in known if field == section.field}
        self._found = {entity_id for field, entity_id in known if field == FOUND + section.field}
        # A stable order: of those that fit equally, the one that is ours, then the one found before.
        self._left = sorted(held, key=lambda one: (self._id(one) not in self._ours, self._id(one) not in self._found))
        self.known: set[tuple[str, str]] = set()

    def steps(self, wanted: Sequence[Element]) -> list[Step]:
        """Match by id, by equality, by natural key, then what was corrected; nothing is created twice."""
        pairs: list[tuple[Element, Element]] = []
        waiting = list(wanted)
        for fits in (self._named, covers, self._same_key):
            waiting = [one for one in waiting if not self._take(pairs, one, self._left, fits)]
        waiting = self._corrected(pairs, waiting)
        withdrawn = self._left_of(self._ours)
        prefix = self._section.prefix
        differ = [pair for pair in pairs if self._differs(*pair)]
        steps = [Step(prefix, Operation.UPDATE, self._whole(one, there), self._id(there)) for one, there in differ]
        steps += [Step(prefix, Operation.INSERT, one) for one in waiting]
        steps += [Step(prefix, Operation.DELETE, None, self._id(there)) for there in withdrawn]
        self.known |= {self._mark(there) for there in (*(there for _, there in pairs), *withdrawn)}
        return steps

    @property
    def left(self) -> list[str]:
        """Ids of the found entries that are matched with none, once all steps are told."""
        return [self._id(one) for one in self._left_of(self._found)]

    def _corrected(self, pairs: list[tuple[Element, Element]], waiting: list[Element]) -> list[Element]:
        """Pair new entries with known ones that the МИС no longer submits; returns what is really new.

        A found one must be the new one but for one field: else one entry came and another went, and what others brought
        would be overwritten. One of ours would be deleted otherwise: it need only resemble the new, and where one is
        left and one is new they are the same.
        """
        for ids, fits in ((self._ours | self._found, self._but_for_one), (self._ours, self._half_key)):
            waiting = [one for one in waiting if not self._take(pairs, one, self._left_of(ids), fits)]
        ours = self._left_of(self._ours)
        if len(waiting) == len(ours) == 1:
            self._left.remove(ours[0])
            pairs.append((waiting.pop(), ours[0]))
        return waiting

    def _take(
        self,
        pairs: list[tuple[Element, Element]],
        wanted: Element,
        among: Sequence[Element],
        fits: Callable[[Element, Element], bool],
    ) -> bool:
        there = next((one for one in among if fits(wanted, one)), None)
        if there is None:
            return False
        self._left.remove(there)
        pairs.append((wanted, there))
        return True

    def _differs(self, wanted: Element, held: Element) -> bool:
        if self._id(held) in self._ours:
            return holds_more(wanted, held, self._section.id_field) or not covers(wanted, held)
        return not covers(without_unsaid(wanted, held), held)

    def _whole(self, wanted: Element, held: Element) -> Element:
        """An entry as it is put in place of another: a found one with the fields that only the register has."""
        if self._id(held) in self._ours:
            return wanted
        return with_others(without_unsaid(wanted, held), held, {self._section.id_field})

    def _left_of(self, ids: Set[str]) -> list[Element]:
        return [one for one in self._left if self._id(one) in ids]

    def _named(self, wanted: Element, held: Element) -> bool:
        return self._id(wanted) != "" and self._id(wanted) == self._id(held)

    def _same_key(self, wanted: Element, held: Element) -> bool:
        return self._key(wanted) == self._key(held) and not _is_later(wanted, held)

    def _but_for_one(self, wanted: Element, held: Element) -> bool:
        """Tell whether two entries are the same but for one field; what only one of them fills in tells nothing."""
        section = self._section
        fields = (*section.key, *section.more)
        pairs = zip(fields, _key(wanted, fields), _key(held, fields), strict=True)
        same = {field: a == b for field, a, b in pairs if a and b}
        differ = {field for field in same if not same[field]}
        alike = len(differ) <= 1 < len(same) - len(differ) and differ.isdisjoint(section.fixed)
        return alike and not _is_later(wanted, held)

    def _half_key(self, wanted: Element, held: Element) -> bool:
        agree = sum(a == b != "" for a, b in zip(self._key(wanted), self._key(held), strict=True))
        return 0 < len(self._section.key) <= 2 * agree

    def _key(self, entry: Element) -> tuple[str, ...]:
        return _key(entry, self._section.key)

    def _id(self, entry: Element) -> str:
        return text_at(entry, self._section.id_field)

    def _mark(self, entry: Element) -> tuple[str, str]:
        entity_id = self._id(entry)
        return (self._section.field if entity_id in self._ours else FOUND + self._section.field), entity_id
