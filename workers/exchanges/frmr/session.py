"""One session: check the МО's workers, then bring each that changed to ФРМР, page by page.

A worker with an error is left out, the others go on. Every worker is read by СНИЛС before anything of it is sent, so
what a broken-off session created is found again; who is done is noted page by page and not read anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from workers.exchange import (
    Dictionary,
    Doubt,
    Element,
    Operation,
    PacketStatus,
    RegisterTransport,
    Request,
    Session,
    SessionEvent,
    SourceObject,
    Verdict,
    content_of,
    load_dictionary,
    request_of,
)
from workers.exchanges.frmr.compare import PERSON, SECTIONS, Step, Worker, differences, entries, holds
from workers.exchanges.frmr.rules import about_worker, check, digits, value

DICTIONARY: Final = Path(__file__).with_name("dictionary.toml")
PAGE: Final = 100
CONFIRMED: Final = "Подтверждено чтением ФРМР"
TOLD: Final = "Работников передано и сверено: {brought}"
WITH_ERRORS: Final = f"{TOLD}, с ошибками: {{faulty}}"
NOT_THERE: Final = "В ФРМР изменения нет, оно передаётся заново"
VERBS: Final = {Operation.INSERT: "create", Operation.UPDATE: "update"}


def run(session: Session) -> str | None:
    """Bring the МО's workers in ФРМР to what the МИС submitted; returns the text of the result."""
    return _Export(session, load_dictionary(DICTIONARY, session.settings)).run()


@dataclass(frozen=True, slots=True)
class _Due:
    """One change of one worker; ``content`` is what the МИС submitted of him."""

    source: SourceObject
    content: Element
    step: Step


@dataclass(slots=True)
class _Export:
    session: Session
    words: Dictionary
    faulty: set[str] = field(default_factory=set)
    doubts: dict[str | None, list[Doubt]] = field(default_factory=lambda: defaultdict(list))

    def run(self) -> str | None:
        for doubt in self.session.doubts():
            self.doubts[doubt.object_id].append(doubt)
        self._check()
        self._settle_removed()
        done, brought, faulty = 0, 0, len(self.faulty)
        workers = self._due()
        while page := list(islice(workers, PAGE)):
            whole = self._send_page(page, done)
            done, brought, faulty = done + len(page), brought + whole, faulty + len(page) - whole
        with self._event("end"):
            text = WITH_ERRORS if faulty else TOLD if brought else None
            return None if text is None else text.format(brought=brought, faulty=faulty)

    def _settle_removed(self) -> None:
        """Note that whom the МИС removed needs nothing more: ФРМР keeps a worker, a dismissal ends his card."""
        removed = (source for source in self.session.objects("Person", due=True) if source.content is None)
        while page := list(islice(removed, PAGE)):
            self.session.accept([(source, None) for source in page])

    def _due(self) -> Iterator[SourceObject]:
        """Yield workers that changed since they were last brought to ФРМР and have no error."""
        for source in self.session.objects("Person", due=True):
            if source.content is not None and source.object_id not in self.faulty:
                yield source

    def _check(self) -> None:
        known = self._held()
        with self._event("check") as event:
            for source in self.session.objects("Person", due=True):
                if source.content is None:
                    continue
                problems = [(p.about, self.words.errors[p.code]) for p in check(source, self._mo)]
                about = about_worker(self._mo, source)
                if known.setdefault(digits(value(source.content, "snils")), source.object_id) != source.object_id:
                    problems.append((about, self.words.errors["608"]))
                for packet in () if problems else self._whole(source.content):
                    problems += [(about, finding.message) for finding in self._transport.check(packet)]
                for what, message in problems:
                    event.error(self.words.events["check"].title, message, what)
                if problems:
                    self.faulty.add(source.object_id)

    def _held(self) -> dict[str, str]:
        """Ids by СНИЛС of the workers whom ФРМР holds as they are; nobody is looked up where nobody is sent."""
        if all(source.content is None for source in self.session.objects("Person", due=True)):
            return {}
        return {
            digits(value(source.content, "snils")): source.object_id
            for source in self.session.objects("Person")
            if source.content is not None and source.accepted == source.digest
        }

    def _whole(self, content: Element) -> Iterator[Element]:
        """Yield the packets that would bring all of a worker."""
        yield self._packet(f"{PERSON}.create", content, content)
        for section in SECTIONS:
            for entry in entries(content, section):
                yield self._packet(f"{section.prefix}.create", content, entry)

    def _send_page(self, page: Sequence[SourceObject], done: int) -> int:
        """Bring a page of workers to ФРМР; returns of how many nothing was refused."""
        with self._event("transfer", f"Работники {done + 1}–{done + len(page)}") as event:
            refused: set[str] = set()
            due = self._compare(event, page, refused)
            self._send(event, [one for one in due if one.step.prefix == PERSON], refused)
            # What belongs to a worker is sent when he is there himself.
            theirs = [one for one in due if one.step.prefix != PERSON and one.source.object_id not in refused]
            self._send(event, theirs, refused)
            brought = [source for source in page if source.object_id not in refused]
            self.session.accept([(source, None) for source in brought])
        return len(brought)

    def _compare(self, event: SessionEvent, page: Sequence[SourceObject], refused: set[str]) -> list[_Due]:
        """Read a page of workers in ФРМР; returns what is different of each, and adds those who cannot be read."""
        there = [(source, source.content) for source in page if source.content is not None]
        packets = [self._packet("mr_person_full.read", content) for _, content in there]
        requests = [
            request_of(self._transport, packet, Operation.READ, source.object_id)
            for packet, (source, _) in zip(packets, there, strict=True)
        ]
        due: list[_Due] = []
        for (source, content), read in zip(there, self.session.send_all(event, requests), strict=True):
            if read.refusal and not read.nothing_there:
                self._error(event, "621", about_worker(self._mo, source))
                refused.add(source.object_id)
                continue
            held = next(iter(self._transport.contents(read)), None)
            self._settle_doubts(source, held)
            due += [_Due(source, content, step) for step in differences(self._worker(content), held)]
        return due

    def _send(self, event: SessionEvent, due: Sequence[_Due], refused: set[str]) -> None:
        """Send differences of many workers; adds those of whom something was refused."""
        requests = [self._request(one) for one in due]
        for one, answer in zip(due, self.session.send_all(event, requests), strict=True):
            if answer.refusal:
                self._error(event, "622", about_worker(self._mo, one.source))
                refused.add(one.source.object_id)

    def _request(self, one: _Due) -> Request:
        step = one.step
        packet = self._packet(f"{step.prefix}.{VERBS[step.operation]}", one.content, step.content, step.entity_id)
        return request_of(self._transport, packet, step.operation, about=one.source.object_id)

    def _settle_doubts(self, source: SourceObject, held: Element | None) -> None:
        """Tell what the register's state says of requests about this worker whose outcome is unknown."""
        for doubt in self.doubts.pop(source.object_id, ()):
            done = held is not None and holds(held, doubt.packet_type.rpartition(".")[0], content_of(doubt.packet))
            verdict = (PacketStatus.ACCEPTED, CONFIRMED) if done else (PacketStatus.SEND_ERROR, NOT_THERE)
            self.session.close(doubt.packet_id, Verdict(*verdict), None)

    def _worker(self, content: Element) -> Worker:
        person = content_of(self._packet(f"{PERSON}.create", content, content))
        for snils in person.iterfind("snils"):
            snils.text = digits(snils.text or "")
        sections = {}
        for section in SECTIONS:
            packets = (self._packet(f"{section.prefix}.create", content, e) for e in entries(content, section))
            sections[section.field] = [content_of(packet) for packet in packets]
        return Worker(person, sections)

    # --- words ------------------------------------------------------------------------------------------------------

    @property
    def _transport(self) -> RegisterTransport:
        transport: RegisterTransport = self.session.transport
        return transport

    @property
    def _mo(self) -> str:
        return self.session.organization.name

    def _packet(
        self, operation: str, worker: Element, content: Element | None = None, entity_id: str | None = None
    ) -> Element:
        """Build a packet about a worker; each operation takes those of the parameters that it knows."""
        parameters = {
            "mo": self.session.organization.oid,
            "mr": "true",
            "lastName": value(worker, "lastName"),
            "snils": digits(value(worker, "snils")),
            **({"entityId": entity_id} if entity_id else {}),
        }
        return self._transport.packet(operation, parameters, content)

    def _event(self, name: str, about: str | None = None) -> AbstractContextManager[SessionEvent]:
        event = self.words.events[name]
        return self.session.event(event.code, event.title, about)

    def _error(self, event: SessionEvent, code: str, about: str) -> None:
        event.error(self.words.events["transfer"].title, self.words.errors[code], about)
