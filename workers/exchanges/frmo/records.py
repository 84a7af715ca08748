"""What the МИС wants of one record of ФРМО, and what ФРМО holds of it.

ФРМО takes a record whole. A field of it that the МИС submits, or submitted when ФРМО last took it, is the МИС's, with
all inside; every other one belongs to whoever wrote it there, and an update carries it over.
"""

from __future__ import annotations

import copy
from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Final

from workers.exchange import Element, SourceObject, covers, holds_more, text_at, with_others, without_unsaid
from workers.exchanges.frmo.kinds import OWN_ID, SECTIONS, Kind, Reference

FIELD: Final = "field:"
"""Begins a line, beside the id that the journal keeps of an object, that names a field which ФРМО took of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """An object of the МИС, in normal form; its references still name objects of the МИС.

    ``withheld`` are the OIDs of its sections that the МИС withholds: they are as the register holds them.
    """

    kind: Kind
    source: SourceObject
    withheld: Set[str] = frozenset()

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
        return key_of(self.kind, self.content)

    @property
    def named_id(self) -> str:
        """Id of the register that the object itself names, else empty."""
        return text_at(self.content, self.kind.id_field)

    @property
    def peer_id(self) -> str | None:
        """Id that the register gave it, as the journal knows."""
        return next((line for line in self._lines if not line.startswith(FIELD)), None)

    @property
    def brought(self) -> Set[str]:
        """Fields that the register took of it, as the journal knows."""
        return {line.removeprefix(FIELD) for line in self._lines if line.startswith(FIELD)}

    @property
    def was_taken(self) -> bool:
        """Whether the register took it once, as it is or as it was; the baseline tells so without an id."""
        return self.source.accepted is not None or bool(self.brought)

    @property
    def _lines(self) -> list[str]:
        return (self.source.peer_id or "").splitlines()

    @property
    def fields(self) -> str:
        """What the journal is to keep beside the id once the register holds it as it is."""
        return _lines_of(filled(self.content))

    def note(self, peer_id: str | None) -> str | None:
        """Id and fields, as the journal is to keep them once the register holds it as it is; None: not at all."""
        return _joined(peer_id, self.fields) if peer_id else None

    def with_brought(self, more: Set[str]) -> Wanted:
        """The same object, of which the register may have taken more fields than the journal knows."""
        return replace(self, source=replace(self.source, peer_id=_joined(self.peer_id, _lines_of(self.brought | more))))

    def so_far(self, peer_id: str) -> str | None:
        """What the journal is to keep while the register holds it under this id, and perhaps not as it is."""
        return _joined(peer_id, _lines_of(self.brought))

    def noted_ahead(self, peer_id: str | None) -> str | None:
        """What the journal is to keep before an update leaves; None where it knows of all fields already."""
        mine = filled(self.content)
        return None if mine <= self.brought else _joined(peer_id, _lines_of(self.brought | mine))

    def is_held(self, content: Element, held: Element) -> bool:
        """Whether a record is as the object is to be; ``content`` is its own with references resolved.

        Where the МИС changed it since the register took it, something of its own may have gone: then no more of that
        may be held.
        """
        changed = self.was_taken and self.source.accepted != self.source.digest
        mine = self._mine(content, held)
        return covers(mine, held) and not (changed and holds_more(mine, self._own(mine, held), self.kind.id_field))

    def whole(self, content: Element, held: Element) -> Element:
        """What is put in place of a record: the object's own, and what others wrote into it."""
        return with_others(self._mine(content, held), held, self.brought | {self.kind.id_field})

    def is_known_as(self, peer_id: str | None) -> bool:
        """Whether the journal knows already that the register holds it as it is, under this id."""
        return (self.source.accepted, self.source.peer_id) == (self.source.digest, self.note(peer_id))

    def _mine(self, content: Element, held: Element) -> Element:
        return without_unsaid(self._with_withheld(content, held), held, self.brought)

    def _with_withheld(self, content: Element, held: Element) -> Element:
        if not self.withheld:
            return content
        whole = copy.deepcopy(content)
        for path, field in SECTIONS.items():
            sections = whole.find(path.rpartition("/")[0])
            kept = (section for section in held.iterfind(path) if text_at(section, field) in self.withheld)
            if sections is not None:
                sections.extend([copy.deepcopy(section) for section in kept])
        return whole

    def _own(self, mine: Element, held: Element) -> Element:
        fields = {str(field.tag) for field in mine} | self.brought
        own = copy.deepcopy(held)
        for field in [field for field in own if str(field.tag) not in fields]:
            own.remove(field)
        return own


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A record of the register; ``content`` is in normal form."""

    kind: Kind
    content: Element

    @property
    def id(self) -> str:
        """Id that the register gave."""
        return text_at(self.content, self.kind.id_field)


def key_of(kind: Kind, content: Element) -> tuple[str, ...]:
    """Natural key of an object or a record."""
    return tuple(" ".join(text_at(content, path).casefold().split()) for path in kind.key)


def filled(content: Element) -> Set[str]:
    """Fields that say something: a value, or the name of another object of the МИС."""
    return {str(field.tag) for field in content if any(_says(element) for element in field.iter())}


def _says(element: Element) -> bool:
    return OWN_ID in element.attrib or bool((element.text or "").strip())


def _lines_of(fields: Set[str]) -> str:
    return "\n".join(f"{FIELD}{tag}" for tag in sorted(fields))


def _joined(peer_id: str | None, fields: str) -> str | None:
    return "\n".join(filter(None, (peer_id, fields))) or None
