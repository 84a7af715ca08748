"""One session: check the МО's workers, then bring each that changed to ФРМР, page by page.

A worker with an error is left out, the others go on. Every worker is read by СНИЛС before anything of it is sent, so
what a broken-off session created is found again; who is done is noted page by page and not read anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final

from workers.exchange import (
    VERBS,
    Doubt,
    Element,
    Operation,
    Part,
    PartIds,
    Problem,
    Request,
    Session,
    SessionEvent,
    SourceObject,
    Talk,
    content_of,
    load_dictionary,
    read_parts,
    request_of,
    text_at,
    write_parts,
)
from workers.exchanges.frmr.compare import Step, Worker, compare, created, holds, holds_entry
from workers.exchanges.frmr.rules import about_worker, check, digits
from workers.exchanges.frmr.sections import PERSON, SECTIONS, entries, section_of

REGISTER: Final = "ФРМР"
DICTIONARY: Final = Path(__file__).with_name("dictionary.toml")
PAGE: Final = 100
SNILS_DIGITS: Final = 11
TOLD: Final = "Работников передано и сверено: {brought}"
WITH_ERRORS: Final = f"{TOLD}, с ошибками: {{faulty}}"


def run(session: Session) -> str | None:
    """Bring the МО's workers in ФРМР to what the МИС submitted; returns the text of the result."""
    return _Export(session, Talk.of(session, DICTIONARY, REGISTER)).run()


def check_settings(settings: Mapping[str, str]) -> None:
    """Judge the dictionary that a site puts in place of ours; see ``load_dictionary``."""
    load_dictionary(DICTIONARY, settings)


@dataclass(frozen=True, slots=True)
class _Due:
    """One change of one worker; ``content`` is what the МИС submitted of him."""

    source: SourceObject
    content: Element
    step: Step


@dataclass(slots=True)
class _Export:
    session: Session
    talk: Talk
    faulty: set[str] = field(default_factory=set)
    doubts: dict[str | None, list[Doubt]] = field(default_factory=lambda: defaultdict(list))
    known: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    """Marks of the entries of ФРМР that are known, of each worker of the page."""

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
        with self.talk.event("end"):
            text = WITH_ERRORS if faulty else TOLD if brought else None
            return None if text is None else text.format(brought=brought, faulty=faulty)

    def _settle_removed(self) -> None:
        """Note that whom the МИС removed needs nothing more: ФРМР keeps a worker, a dismissal ends his card."""
        removed = (source for source in self.session.objects("Person", due=True) if source.content is None)
        while page := list(islice(removed, PAGE)):
            self.session.accept([(source, source.peer_id) for source in page])

    def _due(self) -> Iterator[SourceObject]:
        """Yield workers that changed since they were last brought to ФРМР and have no error."""
        for source in self.session.objects("Person", due=True):
            if source.content is not None and source.object_id not in self.faulty:
                yield source

    def _check(self) -> None:
        known = self._held()
        with self.talk.event("check") as event:
            for source in self.session.objects("Person", due=True):
                if source.content is None:
                    continue
                problems = list(check(source, self._mo))
                about = about_worker(self._mo, source)
                snils = digits(text_at(source.content, "snils"))
                if len(snils) == SNILS_DIGITS and known.setdefault(snils, source.object_id) != source.object_id:
                    problems.append(Problem("608", about))
                if not self.talk.judge(event, problems, self._whole(source.content), about):
                    self.faulty.add(source.object_id)

    def _held(self) -> dict[str, str]:
        """Ids by СНИЛС of the workers whom ФРМР holds as they are; nobody is looked up where nobody is sent."""
        if all(source.content is None for source in self.session.objects("Person", due=True)):
            return {}
        return {
            digits(text_at(source.content, "snils")): source.object_id
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
        with self.talk.event("transfer", f"Работники {done + 1}–{done + len(page)}") as event:
            refused: set[str] = set()
            due = self._compare(event, page, refused)
            persons = [one for one in due if one.step.prefix == PERSON and self._may_go(event, one, refused)]
            self._send(event, persons, refused)
            # What belongs to a worker is sent when he is there himself.
            theirs = [one for one in due if one.step.prefix != PERSON and one.source.object_id not in refused]
            self._send(event, [one for one in theirs if self._may_go(event, one, refused)], refused)
            brought = [source for source in page if source.object_id not in refused]
            self.session.accept([(source, write_parts(self.known[source.object_id])) for source in brought])
            self.known.clear()
        return len(brought)

    def _compare(self, event: SessionEvent, page: Sequence[SourceObject], refused: set[str]) -> list[_Due]:
        """Read a page of workers in ФРМР; returns what is different of each, and adds those who cannot be read."""
        there = [(source, source.content) for source in page if source.content is not None]
        packets = [self._packet("mr_person_full.read", content) for _, content in there]
        requests = [
            request_of(self.talk.transport, packet, Operation.READ, source.object_id)
            for packet, (source, _) in zip(packets, there, strict=True)
        ]
        due: list[_Due] = []
        states: list[tuple[SourceObject, Element | None]] = []
        for (source, content), read in zip(there, self.session.send_all(event, requests), strict=True):
            if read.refusal and not read.nothing_there:
                self.talk.error(event, "transfer", "621", about_worker(self._mo, source))
                refused.add(source.object_id)
                continue
            held = next(iter(self.talk.transport.contents(read)), None)
            compared = compare(self._worker(content), held, self._known(source, held))
            self.known[source.object_id] = set(compared.known)
            due += [_Due(source, content, step) for step in compared.steps]
            states.append((source, held))
        # Before anything changes, and before doubts are closed, whose packets tell what is ours.
        noted = [(source, write_parts(self.known[source.object_id])) for source, _ in states]
        self.session.note_ids([(source, ids) for source, ids in noted if ids != source.peer_id])
        for source, held in states:
            self._settle_doubts(source, held)
        return due

    def _known(self, source: SourceObject, held: Element | None) -> PartIds:
        """Marks of entries known before: noted, or of what a request of which no answer came created."""
        known = set(read_parts(source.peer_id))
        for doubt in self.doubts.get(source.object_id, ()):
            if held is not None and doubt.operation is Operation.INSERT:
                prefix = doubt.packet_type.rpartition(".")[0]
                if mark := created(held, prefix, content_of(doubt.packet), frozenset(known)):
                    known.add(mark)
        return frozenset(known)

    def _may_go(self, event: SessionEvent, one: _Due, refused: set[str]) -> bool:
        """Hold an update against the XSD: it also brings what others wrote into the register; adds whose may not go."""
        if one.step.operation is not Operation.UPDATE:
            return True
        if self.talk.judge(event, (), [self._change(one)], about_worker(self._mo, one.source)):
            return True
        refused.add(one.source.object_id)
        return False

    def _send(self, event: SessionEvent, due: Sequence[_Due], refused: set[str]) -> None:
        """Send differences of many workers; adds those of whom something was refused."""
        requests = [self._request(one) for one in due]
        for one, answer in zip(due, self.session.send_all(event, requests), strict=True):
            if answer.refusal:
                self.talk.error(event, "transfer", "622", about_worker(self._mo, one.source))
                refused.add(one.source.object_id)
            else:
                self._note(one, answer.entity_id)

    def _note(self, one: _Due, entity_id: str | None) -> None:
        """Keep in mind which entries are ours when one was created or deleted."""
        section = section_of(one.step.prefix)
        if section is None:
            return
        if one.step.operation is Operation.DELETE:
            self.known[one.source.object_id].discard((section.field, one.step.entity_id or ""))
        elif entity_id:
            self.known[one.source.object_id].add((section.field, entity_id))

    def _request(self, one: _Due) -> Request:
        step = one.step
        request = request_of(self.talk.transport, self._change(one), step.operation, about=one.source.object_id)
        section = section_of(step.prefix)
        if section is None or step.operation is not Operation.INSERT:
            return request
        return replace(request, part=Part(one.source, section.field))

    def _change(self, one: _Due) -> Element:
        step = one.step
        return self._packet(f"{step.prefix}.{VERBS[step.operation]}", one.content, step.content, step.entity_id)

    def _settle_doubts(self, source: SourceObject, held: Element | None) -> None:
        """Tell what the register's state says of requests about this worker whose outcome is unknown."""
        for doubt in self.doubts.pop(source.object_id, ()):
            self.talk.settle(doubt, done=_is_done(doubt, held, frozenset(self.known[source.object_id])))

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
    def _mo(self) -> str:
        return self.session.organization.name

    def _packet(
        self, operation: str, worker: Element, content: Element | None = None, entity_id: str | None = None
    ) -> Element:
        """Build a packet about a worker; each operation takes those of the parameters that it knows."""
        parameters = {
            "mo": self.session.organization.oid,
            "mr": "true",
            "lastName": text_at(worker, "lastName"),
            "snils": digits(text_at(worker, "snils")),
            **({"entityId": entity_id} if entity_id else {}),
        }
        return self.talk.transport.packet(operation, parameters, content)


def _is_done(doubt: Doubt, held: Element | None, known: PartIds) -> bool:
    """Tell whether the register's state shows a change of unknown outcome to be made."""
    prefix = doubt.packet_type.rpartition(".")[0]
    if doubt.operation is Operation.DELETE:
        return held is None or not holds_entry(held, prefix, text_at(doubt.packet, "request/parameters/entityId"))
    ours = known if doubt.operation is Operation.UPDATE else frozenset()
    return held is not None and holds(held, prefix, content_of(doubt.packet), ours)
