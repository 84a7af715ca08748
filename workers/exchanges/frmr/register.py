"""ФРМР as the session of one МО asks it: packets about a worker, and what it holds of him."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workers.exchange import (
    Doubt,
    Element,
    Operation,
    SessionEvent,
    SourceObject,
    Talk,
    content_of,
    request_of,
    text_at,
)
from workers.exchanges.frmr.compare import Worker
from workers.exchanges.frmr.rules import digits
from workers.exchanges.frmr.sections import PERSON, SECTIONS, entries


@dataclass(frozen=True, slots=True)
class Asked:
    """A worker of whom ФРМР is asked by the СНИЛС of ``content``."""

    source: SourceObject
    content: Element


@dataclass(frozen=True, slots=True)
class State:
    """What ФРМР holds of a worker: nothing where it does not know him, or where it refused to tell (``silent``)."""

    held: Element | None
    silent: bool = False


def snils_of(worker: Element) -> str:
    """Digits of a worker's СНИЛС."""
    return digits(text_at(worker, "snils"))


def snils_asked(doubt: Doubt) -> str:
    """Digits of the СНИЛС that a request was made by; the creation of a person has it in what it brings."""
    asked = text_at(doubt.packet, "request/parameters/snils") or text_at(doubt.packet, "request/content/snils")
    return digits(asked)


def under(worker: Element, snils: str) -> Element:
    """The same worker with another СНИЛС."""
    other = copy.deepcopy(worker)
    for field in other.iterfind("snils"):
        field.text = snils
    return other


@dataclass(frozen=True, slots=True)
class Register:
    """ФРМР in the talk of one МО."""

    talk: Talk

    def packet(
        self, operation: str, worker: Element, content: Element | None = None, entity_id: str | None = None
    ) -> Element:
        """Build a packet about a worker; each operation takes those of the parameters that it knows."""
        parameters = {
            "mo": self.talk.session.organization.oid,
            "mr": "true",
            "lastName": text_at(worker, "lastName"),
            "snils": snils_of(worker),
            **({"entityId": entity_id} if entity_id else {}),
        }
        return self.talk.transport.packet(operation, parameters, content)

    def whole(self, content: Element) -> Iterator[Element]:
        """Yield the packets that would bring all of a worker."""
        yield self.packet(f"{PERSON}.create", content, content)
        for section in SECTIONS:
            for entry in entries(content, section):
                yield self.packet(f"{section.prefix}.create", content, entry)

    def worker(self, content: Element) -> Worker:
        """What the МИС submitted of a worker, in normal form."""
        person = under(content_of(self.packet(f"{PERSON}.create", content, content)), snils_of(content))
        sections = {}
        for section in SECTIONS:
            packets = (self.packet(f"{section.prefix}.create", content, e) for e in entries(content, section))
            sections[section.field] = [content_of(packet) for packet in packets]
        return Worker(person, sections)

    def read(self, event: SessionEvent, asked: Sequence[Asked]) -> list[State]:
        """Read workers with all their sections, one request each. Raises as ``Session.send_all``."""
        packets = [self.packet("mr_person_full.read", one.content) for one in asked]
        requests = [
            request_of(self.talk.transport, packet, Operation.READ, one.source)
            for packet, one in zip(packets, asked, strict=True)
        ]
        answers = self.talk.session.send_all(event, requests)
        return [
            State(None, silent=True)
            if answer.refusal and not answer.nothing_there
            else State(next(iter(self.talk.transport.contents(answer)), None))
            for answer in answers
        ]
