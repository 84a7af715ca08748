"""What must change in ФРМО: the МИС's objects matched with the register's records, and the differences in order; pure.

An object and a record belong together when the journal knows it, when the object names the record's id, when the
record is what an unanswered request would have created of the object, or when both have the same natural key. So
whatever a broken-off session created is found again, and nothing is created twice.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final, TypeVar

from workers.exchange import Element, Operation, SourceObject, covers, text_at
from workers.exchanges.frmo.kinds import DEPARTMENT, KINDS, OWN_ID, Kind, Reference, references


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """An object of the МИС, in normal form; its references still name objects of the МИС."""

    kind: Kind
    source: SourceObject

    @property
    def removed(self) -> bool:
        """Whether the МИС removed it."""
        return self.source.content is None

    @property
    def content(self) -> Element:
        """Its content, the last one where it is removed."""
        content = self.source.former if self.source.content is None else self.source.content
        if content is None:
            raise ValueError("an object that never had a content")
        return content

    @property
    def reference(self) -> Reference:
        """By what others name it."""
        return self.kind.object_type, self.source.object_id

    @property
    def key(self) -> tuple[str, ...]:
        """Natural key."""
        return _key(self.kind, self.content)

    @property
    def changed(self) -> bool:
        """Whether the МИС changed it since the register last took it: a field may have gone."""
        return self.source.accepted not in {None, self.source.digest}

    @property
    def named_id(self) -> str:
        """Id of the register that the object itself names, else empty."""
        return text_at(self.content, self.kind.id_field)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A record of the register; ``content`` is in normal form."""

    kind: Kind
    content: Element

    @property
    def id(self) -> str:
        """Id that the register gave."""
        return text_at(self.content, self.kind.id_field)


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the register: Insert, Update or Delete of one record."""

    operation: Operation
    wanted: Wanted
    peer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that must change, in the order in which references hold.

    ``ids`` are the register's ids by the objects that have one; ``kept`` are the objects that it holds as they are, or
    holds no more when they are removed; ``unknown`` name an id that it does not know.
    """

    steps: Sequence[Step]
    ids: Mapping[Reference, str]
    kept: Sequence[Wanted]
    unknown: Sequence[Wanted] = field(default=())

    def news(self) -> Iterator[tuple[Wanted, str | None]]:
        """Yield what is kept with its id in the register, where the journal does not know that yet."""
        for one in self.kept:
            peer_id = self.ids.get(one.reference)
            if (one.source.accepted, one.source.peer_id) != (one.source.digest, peer_id):
                yield one, peer_id

    def is_done(self, reference: Reference, operation: Operation) -> bool:
        """Tell whether the register's state shows that this was once done to the object."""
        if operation is Operation.INSERT:
            return reference in self.ids or any(s.peer_id and s.wanted.reference == reference for s in self.steps)
        return all(step.wanted.reference != reference for step in self.steps)


NOTHING: Final[Mapping[Reference, Element]] = {}
Thing = TypeVar("Thing", Wanted, Found)


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
        present = [w for w in objects[kind] if not w.removed and w.reference not in lost]
        ids |= {w.reference: matched[w.reference].id for w in present if w.reference in matched}
        for one in _heads_first(present) if kind is DEPARTMENT else present:
            step = _change(one, matched.get(one.reference), ids)
            steps += [step] if step else []
            kept += [] if step else [one]
        gone = [w for w in objects[kind] if w.removed]
        kept += [w for w in gone if w.reference not in matched]
        doomed = [w for w in gone if w.reference in matched]
        children_first = reversed(_heads_first(doomed)) if kind is DEPARTMENT else doomed
        there = [Step(Operation.DELETE, w, matched[w.reference].id) for w in children_first]
        deletions = there + deletions
    return Plan((*steps, *deletions), ids, kept, unknown)


def resolved(content: Element, ids: Mapping[Reference, str]) -> Element | None:
    """Put the register's ids where the content names objects of the МИС; None while one of them has none.

    Where the МИС gives both, the id that the register gave to the named object goes.
    """
    whole = copy.deepcopy(content)
    for element, named in references(whole):
        if named not in ids:
            return None
        element.text = ids[named]
        del element.attrib[OWN_ID]
    return whole


def _change(wanted: Wanted, found: Found | None, ids: Mapping[Reference, str]) -> Step | None:
    if found is None:
        return Step(Operation.INSERT, wanted)
    content = resolved(wanted.content, ids)
    if content is not None and not wanted.changed and covers(content, found.content):
        return None
    return Step(Operation.UPDATE, wanted, found.id)


def _match(
    wanted: Sequence[Wanted], found: Sequence[Found], ids: Mapping[Reference, str], sent: Mapping[Reference, Element]
) -> tuple[dict[Reference, Found], list[Wanted]]:
    """Records by the objects they belong to, and the objects that name an id which is not there.

    What the МИС removed takes a record only after all that is there: it may have come back under another id of the МИС.
    """
    present, gone = ([one for one in wanted if one.removed is removed] for removed in (False, True))
    match = _Matching(found, {one.source.peer_id for one in gone})
    left = match.by_id(present)
    strangers = [one for one in left if one.named_id]
    left = match.by_request([one for one in left if not one.named_id], sent)
    match.by_key(match.by_equality(left, ids))
    left = match.by_request(match.by_id(gone), sent)
    match.by_equality([one for one in left if one.source.peer_id is None], ids)
    return match.records, strangers


class _Matching:
    """Gives each record to one object at most; ``of_removed`` are the ids known to be of what the МИС removed."""

    def __init__(self, found: Sequence[Found], of_removed: Set[str | None]) -> None:
        self.records: dict[Reference, Found] = {}
        self._left = {record.id: record for record in found}
        self._of_removed = of_removed
        self._alike: dict[tuple[str, ...], list[Found]] = defaultdict(list)
        for record in sorted(found, key=lambda record: record.id in of_removed):
            self._alike[_key(record.kind, record.content)].append(record)

    def by_id(self, wanted: Iterable[Wanted]) -> list[Wanted]:
        """By the id that the journal knows, then by the one that the object names; returns what is left, as all do."""
        left = [one for one in wanted if not self._take(one, one.source.peer_id)]
        return [one for one in left if not self._take(one, one.named_id)]

    def by_request(self, wanted: Iterable[Wanted], sent: Mapping[Reference, Element]) -> list[Wanted]:
        """By what an unanswered request would have created: none that the journal knew before."""
        return [one for one in wanted if not self._take(one, self._arrived(sent.get(one.reference)))]

    def by_equality(self, wanted: Iterable[Wanted], ids: Mapping[Reference, str]) -> list[Wanted]:
        """By the natural key, where nothing else differs either."""
        return [one for one in wanted if not self._take(one, self._equal(one, resolved(one.content, ids)))]

    def by_key(self, wanted: Iterable[Wanted]) -> list[Wanted]:
        """By the natural key, one by one."""
        return [one for one in wanted if not self._take(one, next((r.id for r in self._free(one)), None))]

    def _take(self, one: Wanted, record_id: str | None) -> bool:
        record = self._left.pop(record_id or "", None)
        if record is not None:
            self.records[one.reference] = record
        return record is not None

    def _arrived(self, sent: Element | None) -> str | None:
        if sent is None:
            return None
        new = (record for record in self._left.values() if record.id not in self._of_removed)
        return next((record.id for record in new if covers(sent, record.content)), None)

    def _equal(self, one: Wanted, content: Element | None) -> str | None:
        if content is None:
            return None
        return next((record.id for record in self._free(one) if covers(content, record.content)), None)

    def _free(self, one: Wanted) -> Iterator[Found]:
        """Records of its natural key; that of a removed object only for one that never had its own, and last."""
        for record in self._alike.get(one.key, ()):
            if record.id in self._left and (one.source.peer_id is None or record.id not in self._of_removed):
                yield record


def _key(kind: Kind, content: Element) -> tuple[str, ...]:
    return tuple(" ".join(text_at(content, path).casefold().split()) for path in kind.key)


def _heads_first(departments: Sequence[Wanted]) -> list[Wanted]:
    """Units in such an order that each comes after the unit it belongs to; rules refuse those that go round."""
    return list(_walk(departments))


def _walk(departments: Sequence[Wanted]) -> Iterator[Wanted]:
    waiting = {one.reference: one for one in departments}
    for one in departments:
        chain = []
        here: Wanted | None = one
        while here is not None and here.reference in waiting:
            chain.append(waiting.pop(here.reference))
            heads = [named for element, named in references(here.content) if element.tag == "headDepart"]
            here = waiting.get(heads[0]) if heads else None
        yield from reversed(chain)


def _by_kind(things: Iterable[Thing]) -> defaultdict[Kind, list[Thing]]:
    sorted_out: defaultdict[Kind, list[Thing]] = defaultdict(list)
    for thing in things:
        sorted_out[thing.kind].append(thing)
    return sorted_out
