"""What must change in ФРМО: the МИС's objects matched with the register's records, and the differences in order; pure.

An object and a record belong together when the journal knows it, when the object names the record's id, when the
record is what an unanswered request would have created of the object, or when both have the same natural key. So
whatever a broken-off session created is found again, and nothing is created twice.
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final, TypeVar

from workers.exchange import Element, Operation, covers, text_at
from workers.exchanges.frmo.kinds import DEPARTMENT, HEAD, KINDS, OWN_ID, Kind, Reference, references
from workers.exchanges.frmo.records import Found, Wanted, key_of


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the register: Insert, Update or Delete of one record, of which ``held`` is what it holds now."""

    operation: Operation
    wanted: Wanted
    peer_id: str | None = None
    held: Element | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that must change, in the order in which references hold.

    ``ids`` are the register's ids by the objects that have one; ``kept`` are the objects that it holds as they are, or
    holds no more when they are removed; ``unknown`` name an id that it does not know, or not as theirs.
    """

    steps: Sequence[Step]
    ids: Mapping[Reference, str]
    kept: Sequence[Wanted]
    unknown: Sequence[Wanted] = field(default=())

    def news(self) -> Iterator[tuple[Wanted, str | None]]:
        """Yield what is kept with its id in the register, where the journal does not know that yet."""
        held = ((one, self.ids.get(one.reference)) for one in self.kept)
        return ((one, peer_id) for one, peer_id in held if not one.is_known_as(peer_id))

    def id_of(self, reference: Reference) -> str | None:
        """The register's id of an object, also of one that is to be deleted."""
        doomed = (step.peer_id for step in self.steps if step.wanted.reference == reference)
        return self.ids.get(reference) or next(doomed, None)

    def leaves(self, reference: Reference) -> bool:
        """Whether nothing is to be done to an object."""
        return all(step.wanted.reference != reference for step in self.steps)


NOTHING: Final[Mapping[Reference, Element]] = {}
NOBODYS: Final[Mapping[str, Reference]] = {}
Thing = TypeVar("Thing", Wanted, Found)
Name = TypeVar("Name", Reference, str)


def make_plan(wanted: Iterable[Wanted], found: Iterable[Found], sent: Mapping[Reference, Element] = NOTHING) -> Plan:
    """Match objects with records and tell what must change.

    ``sent`` is what was asked to be created, where the answer never came: the object may be another by now.
    """
    objects, records = _by_kind(wanted), _by_kind(found)
    ids: dict[Reference, str] = {}
    steps: list[Step] = []
    deletions: list[Step] = []
    kept: list[Wanted] = []
    unknown: list[Wanted] = []
    for kind in KINDS:
        matched, strangers = _match(objects[kind], records[kind], ids, sent)
        unknown += strangers
        lost = {w.reference for w in strangers}
        standing = [w for w in objects[kind] if not w.removed]
        ids |= {w.reference: matched[w.reference].id for w in standing if w.reference in matched}
        present = [w for w in standing if w.reference not in lost]
        for one in _in_turn(present, {matched[w.reference].id: w.reference for w in present if w.reference in matched}):
            step = _change(one, matched.get(one.reference), ids)
            steps += [step] if step else []
            kept += [] if step else [one]
        gone = [w for w in objects[kind] if w.removed]
        kept += [w for w in gone if w.reference not in matched]
        doomed = {matched[w.reference]: w for w in gone if w.reference in matched}
        there = [Step(Operation.DELETE, doomed[record], record.id) for record in _parts_first(doomed)]
        deletions = there + deletions
    return Plan((*steps, *deletions), ids, kept, unknown)


def resolved(content: Element, ids: Mapping[Reference, str]) -> Element | None:
    """Put the register's ids where the content names objects of the МИС; None while one of them has none.

    Where the МИС gives both, the id that the register gave to the named object goes.
    """
    whole = _resolved_so_far(content, ids)
    return None if any(references(whole)) else whole


def _resolved_so_far(content: Element, ids: Mapping[Reference, str]) -> Element:
    whole = copy.deepcopy(content)
    for element, named in references(whole):
        if named in ids:
            element.text = ids[named]
            del element.attrib[OWN_ID]
    return whole


def _change(wanted: Wanted, found: Found | None, ids: Mapping[Reference, str]) -> Step | None:
    if found is None:
        return Step(Operation.INSERT, wanted)
    content = resolved(wanted.content, ids)
    if content is not None and wanted.is_held(content, found.content):
        return None
    return Step(Operation.UPDATE, wanted, found.id, found.content)


def _match(
    wanted: Sequence[Wanted], found: Sequence[Found], ids: Mapping[Reference, str], sent: Mapping[Reference, Element]
) -> tuple[dict[Reference, Found], list[Wanted]]:
    """Records by the objects they belong to, and the objects that name an id which is not there or not theirs.

    What the МИС removed takes a record only after all that is there: it may have come back under another id of the МИС.
    """
    present, gone = ([one for one in wanted if one.removed is removed] for removed in (False, True))
    match = _Matching(found, {one.peer_id for one in gone}, ids)
    left = match.by_id(present)
    strangers = [one for one in present if one.named_id not in {"", match.id_of(one)}]
    match.by_key(match.by_request([one for one in left if not one.named_id], sent))
    left = match.by_request(match.by_id(gone), sent)
    match.by_equality(one for one in left if one.peer_id is None and one.was_taken)
    return match.records, strangers


class _Matching:
    """Gives each record to one object at most.

    ``of_removed`` are the ids known to be of what the МИС removed, ``ids`` those of the kinds before this one.
    """

    def __init__(self, found: Sequence[Found], of_removed: Set[str | None], ids: Mapping[Reference, str]) -> None:
        self.records: dict[Reference, Found] = {}
        self._ids = dict(ids)
        self._left = {record.id: record for record in found}
        self._of_removed = of_removed
        self._alike: dict[tuple[str, ...], list[Found]] = defaultdict(list)
        for record in sorted(found, key=lambda record: record.id in of_removed):
            self._alike[key_of(record.kind, record.content)].append(record)

    def id_of(self, one: Wanted) -> str | None:
        """Id of its record, if it has one by now."""
        return self.records[one.reference].id if one.reference in self.records else None

    def by_id(self, wanted: Iterable[Wanted]) -> list[Wanted]:
        """By the id that the journal knows, then by the one that the object names; returns what is left, as all do."""
        left = [one for one in wanted if not self._take(one, one.peer_id)]
        return [one for one in left if not self._take(one, one.named_id)]

    def by_request(self, wanted: Iterable[Wanted], sent: Mapping[Reference, Element]) -> list[Wanted]:
        """By what an unanswered request would have created: none that the journal knew before."""
        return [one for one in wanted if not self._take(one, self._arrived(sent.get(one.reference)))]

    def by_equality(self, wanted: Iterable[Wanted]) -> list[Wanted]:
        """By the natural key, where nothing else differs either."""
        return [one for one in wanted if not self._take(one, self._equal(one))]

    def by_key(self, wanted: Sequence[Wanted]) -> None:
        """By the natural key: equals first, then those that have the most in common.

        Those of one key are judged together, after the units to which they belong.
        """
        depths: dict[Reference | None, int] = {}
        for one in _in_turn(wanted):
            depths[one.reference] = depths.get(_head(one), -1) + 1
        alike: dict[tuple[str, ...], list[Wanted]] = defaultdict(list)
        for one in wanted:
            alike[one.key].append(one)
        for group in sorted(alike.values(), key=lambda group: max(depths[one.reference] for one in group)):
            left = self.by_equality(group)
            pairs = [(one, record) for one in left for record in self._free(one)]
            for one, record in _closest_first(pairs, self._ids):
                if one.reference not in self.records:
                    self._take(one, record.id)

    def _take(self, one: Wanted, record_id: str | None) -> bool:
        record = self._left.pop(record_id or "", None)
        if record is None:
            return False
        self.records[one.reference] = record
        if not one.removed:
            self._ids[one.reference] = record.id
        return True

    def _arrived(self, sent: Element | None) -> str | None:
        if sent is None:
            return None
        new = (record for record in self._left.values() if record.id not in self._of_removed)
        return next((record.id for record in new if covers(sent, record.content)), None)

    def _equal(self, one: Wanted) -> str | None:
        content = resolved(one.content, self._ids)
        if content is None:
            return None
        return next((record.id for record in self._free(one) if covers(content, record.content)), None)

    def _free(self, one: Wanted) -> Iterator[Found]:
        """Records of its natural key; that of a removed object only for one that never had its own, and last."""
        for record in self._alike.get(one.key, ()):
            if record.id in self._left and (one.peer_id is None or record.id not in self._of_removed):
                yield record


def _closest_first(pairs: Sequence[tuple[Wanted, Found]], ids: Mapping[Reference, str]) -> list[tuple[Wanted, Found]]:
    """Pairs by what both have in common: their places in the order of ``Kind.places``, then as many values as can be.

    Those that have equally much stay in their order.
    """
    if len(pairs) < 2:
        return list(pairs)
    wanted = {one: _traits(one.kind, _resolved_so_far(one.content, ids)) for one in dict(pairs)}
    found = {record: _traits(record.kind, record.content) for record in {record for _, record in pairs}}

    def common(pair: tuple[Wanted, Found]) -> tuple[bool | int, ...]:
        (places, values), (others, their_values) = wanted[pair[0]], found[pair[1]]
        return *(a == b for a, b in zip(places, others, strict=True)), len(values & their_values)

    return sorted(pairs, key=common, reverse=True)


def _traits(kind: Kind, content: Element) -> tuple[list[set[str | None]], set[tuple[str, str, int]]]:
    """What stands in the places of an entity, and all its values, each time that it occurs.

    An object of the МИС that has no id yet is like no other.
    """
    places = [{_value(element) for element in content.iterfind(path)} for path in kind.places]
    values: Counter[tuple[str, str]] = Counter()
    for leaf in content.iter():
        if not len(leaf) and (value := _value(leaf)):
            values[str(leaf.tag), value] += 1
    return places, {(*one, nth) for one, times in values.items() for nth in range(times)}


def _value(element: Element) -> str | None:
    return None if OWN_ID in element.attrib else (element.text or "").strip()


def _head(unit: Wanted, owners: Mapping[str, Reference] = NOBODYS) -> Reference | None:
    """The object to which a unit belongs, where it names one of the МИС's, or the record of one."""
    head = unit.content.find(HEAD)
    if head is None:
        return None
    named = head.get(OWN_ID)
    return (DEPARTMENT.object_type, named) if named else owners.get((head.text or "").strip())


def _in_turn(wanted: Sequence[Wanted], owners: Mapping[str, Reference] = NOBODYS) -> list[Wanted]:
    """Units in such an order that each comes after the unit it belongs to; rules refuse those that go round.

    ``owners`` are the objects by the ids of their records.
    """
    units = {one.reference: one for one in wanted}
    return [units[name] for name in _heads_first({name: _head(unit, owners) for name, unit in units.items()})]


def _parts_first(records: Iterable[Found]) -> list[Found]:
    """Units in such an order that each comes before the unit to which it belongs in the register."""
    units = {record.id: record for record in records}
    heads = {name: text_at(unit.content, HEAD) or None for name, unit in units.items()}
    return [units[name] for name in _heads_first(heads)][::-1]


def _heads_first(heads: Mapping[Name, Name | None]) -> Iterator[Name]:
    waiting = dict(heads)
    for one in heads:
        chain = []
        here: Name | None = one
        while here is not None and here in waiting:
            chain.append(here)
            here = waiting.pop(here)
        yield from reversed(chain)


def _by_kind(things: Iterable[Thing]) -> defaultdict[Kind, list[Thing]]:
    sorted_out: defaultdict[Kind, list[Thing]] = defaultdict(list)
    for thing in things:
        sorted_out[thing.kind].append(thing)
    return sorted_out
