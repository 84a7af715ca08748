"""One session: check the МО's workers, then bring each that changed to ФРМР, page by page.

A worker with an error is left out, the others go on. Every worker is read by СНИЛС before anything of it is sent, so
what a broken-off session created is found again; who is done is noted page by page and not read anew. A person is
common to all МО: no other session is at the persons of a page meanwhile.
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
from workers.exchanges.frmr.compare import Step, compare, created, holds, holds_entry
from workers.exchanges.frmr.register import Asked, Register, snils_asked, snils_of, under
from workers.exchanges.frmr.rules import about_worker, check
from workers.exchanges.frmr.sections import PERSON, SECTIONS, section_of

REGISTER: Final = "ФРМР"
DICTIONARY: Final = Path(__file__).with_name("dictionary.toml")
PAGE: Final = 100
SNILS_DIGITS: Final = 11
TOLD: Final = "Работников передано и сверено: {brought}"
REMOVED: Final = "Удалённые в МИС работники"
SNILS: Final = "snils"
"""Kind, among the marks of a worker, of the СНИЛС under which the others were noted."""
WITH_ERRORS: Final = f"{TOLD}, с ошибками: {{faulty}}"


def run(session: Session) -> str | None:
    """Bring the МО's workers in ФРМР to what the МИС submitted; returns the text of the result."""
    talk = Talk.of(session, DICTIONARY, REGISTER)
    return _Export(session, talk, Register(talk)).run()


def check_settings(settings: Mapping[str, str]) -> None:
    """Judge the dictionary that a site puts in place of ours; see ``load_dictionary``."""
    load_dictionary(DICTIONARY, settings)


@dataclass(frozen=True, slots=True)
class _Due:
    """One change of one worker; ``content`` has his name and СНИЛС."""

    source: SourceObject
    content: Element
    step: Step


@dataclass(slots=True)
class _Export:
    session: Session
    talk: Talk
    register: Register
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
        silent = self._ask_of_removed() if self.doubts else set()
        removed = (source for source in self.session.objects("Person", due=True) if source.content is None)
        while page := list(islice(removed, PAGE)):
            self.session.accept([(source, source.peer_id) for source in page if source.object_id not in silent])

    def _ask_of_removed(self) -> set[str]:
        """Settle what was asked of workers before the МИС removed them; returns those of whom ФРМР does not tell."""
        removed = (source for source in self.session.objects("Person") if source.content is None)
        asked = [(source, number) for source in removed for number in self._numbers(source)]
        if not asked:
            return set()
        with self.talk.event("transfer", REMOVED) as event:
            return {source.object_id for source, number in asked if not self._look_after(event, source, number)}

    def _numbers(self, source: SourceObject) -> list[str]:
        """Every СНИЛС by which a request about this worker was made, of which the outcome is unknown."""
        return sorted({snils_asked(doubt) for doubt in self.doubts.get(source.object_id, ())})

    def _look_after(self, event: SessionEvent, source: SourceObject, number: str) -> bool:
        """Read a worker whom the МИС removed and settle what was asked by this СНИЛС; False when ФРМР does not tell."""
        if source.former is None:
            return False
        (state,) = self.register.read(event, [Asked(source, under(source.former, number))])
        if state.silent:
            self.talk.error(event, "transfer", "621", about_worker(self._mo, source))
            return False
        self._settle_doubts(source, state.held, number, frozenset(self._known(source, state.held, number)))
        return True

    def _due(self) -> Iterator[SourceObject]:
        """Yield workers that changed since they were last brought to ФРМР and have no error."""
        for source in self.session.objects("Person", due=True):
            if source.content is not None and source.object_id not in self.faulty:
                yield source

    def _check(self) -> None:
        rightful = self._rightful()
        with self.talk.event("check") as event:
            for source in self.session.objects("Person", due=True):
                if source.content is None:
                    continue
                problems = list(check(source, self._mo))
                about = about_worker(self._mo, source)
                snils = snils_of(source.content)
                if len(snils) == SNILS_DIGITS and rightful.get(snils, source.object_id) != source.object_id:
                    problems.append(Problem("608", about))
                if not self.talk.judge(event, problems, self.register.whole(source.content), about):
                    self.faulty.add(source.object_id)

    def _rightful(self) -> Mapping[str, str]:
        """Id by СНИЛС of the one worker who is meant by it, empty where nobody can tell.

        One who was brought to ФРМР under it goes before one who was not. Nobody is looked up where nobody is sent.
        """
        best: dict[str, tuple[int, str]] = {}
        if all(source.content is None for source in self.session.objects("Person", due=True)):
            return {}
        for source in self.session.objects("Person"):
            if source.content is not None:
                snils = snils_of(source.content)
                brought = source.accepted == source.digest or (SNILS, snils) in read_parts(source.peer_id)
                rank = 2 if brought else int(source.accepted is not None)
                before = best.get(snils, (-1, ""))
                if rank >= before[0]:
                    best[snils] = (rank, "" if rank == before[0] else source.object_id)
        return {snils: object_id for snils, (_, object_id) in best.items()}

    def _send_page(self, page: Sequence[SourceObject], done: int) -> int:
        """Bring a page of workers to ФРМР; returns of how many nothing was refused."""
        persons = {number for source in page for number in (_snils(source), *self._left(source))}
        with (
            self.talk.event("transfer", f"Работники {done + 1}–{done + len(page)}") as event,
            self.session.claiming(persons),
        ):
            return self._bring(event, page)

    def _bring(self, event: SessionEvent, page: Sequence[SourceObject]) -> int:
        refused: set[str] = set()
        moved = [self._move(event, source, refused) for source in page]
        due = self._compare(event, [source for source in moved if source.object_id not in refused], refused)
        persons = [one for one in due if one.step.prefix == PERSON and self._may_go(event, one, refused)]
        self._send(event, persons, refused)
        # What belongs to a worker is sent when he is there himself.
        theirs = [one for one in due if one.step.prefix != PERSON and one.source.object_id not in refused]
        self._send(event, [one for one in theirs if self._may_go(event, one, refused)], refused)
        brought = [source for source in moved if source.object_id not in refused]
        self.session.accept([(source, write_parts(self.known[source.object_id])) for source in brought])
        self.known.clear()
        return len(brought)

    def _left(self, source: SourceObject) -> list[str]:
        """Every СНИЛС under which something was sent of a worker who has another one now; that of his marks first."""
        noted = [number for kind, number in read_parts(source.peer_id) if kind == SNILS]
        return [number for number in dict.fromkeys((*noted, *self._numbers(source))) if number != _snils(source)]

    def _move(self, event: SessionEvent, source: SourceObject, refused: set[str]) -> SourceObject:
        """Take away what is ours from whom a worker was sent as before the МИС corrected his СНИЛС."""
        left = self._left(source)
        for number in left:
            self._leave(event, source, number, refused)
        if not left or source.object_id in refused:
            return source
        self.session.note_ids([(source, None)])
        return replace(source, peer_id=None)

    def _leave(self, event: SessionEvent, source: SourceObject, number: str, refused: set[str]) -> None:
        (state,) = self.register.read(event, [Asked(source, under(_content(source), number))])
        if state.silent:
            self.talk.error(event, "transfer", "621", about_worker(self._mo, source))
            refused.add(source.object_id)
            return
        held, known = state.held, self._known(source, state.held, number)
        self.known[source.object_id] = {*known, (SNILS, number)}
        self.session.note_ids([(source, write_parts(self.known[source.object_id]))])
        self._settle_doubts(source, held, number, known)
        if held is not None:
            ours = [(section, i) for section in SECTIONS for kind, i in sorted(known) if kind == section.field]
            gone = [(section, i) for section, i in ours if holds_entry(held, section.prefix, i)]
            steps = [Step(section.prefix, Operation.DELETE, None, i) for section, i in gone]
            self._send(event, [_Due(source, held, step) for step in steps], refused)

    def _compare(self, event: SessionEvent, page: Sequence[SourceObject], refused: set[str]) -> list[_Due]:
        """Read a page of workers in ФРМР; returns what is different of each, and adds those who cannot be read."""
        due: list[_Due] = []
        states: list[tuple[SourceObject, Element | None]] = []
        noted: list[tuple[SourceObject, str | None]] = []
        asked = [Asked(source, _content(source)) for source in page]
        for source, state in zip(page, self.register.read(event, asked), strict=True):
            if state.silent:
                self.talk.error(event, "transfer", "621", about_worker(self._mo, source))
                refused.add(source.object_id)
                continue
            known = self._known(source, state.held, _snils(source))
            compared = compare(self.register.worker(_content(source)), state.held, known)
            for section, _ in compared.left:
                about = f"{about_worker(self._mo, source)}, {section.title}"
                self.talk.error(event, "transfer", "623", about, fails=False)
            self.known[source.object_id] = {*compared.known, (SNILS, _snils(source))}
            due += [_Due(source, _content(source), step) for step in compared.steps]
            states.append((source, state.held))
            noted.append((source, write_parts({*compared.known_before, (SNILS, _snils(source))})))
        # Before anything changes, and before doubts are closed, whose packets tell what is ours.
        self.session.note_ids([(source, ids) for source, ids in noted if ids != source.peer_id])
        for source, held in states:
            self._settle_doubts(source, held, _snils(source), frozenset(self.known[source.object_id]))
        return due

    def _known(self, source: SourceObject, held: Element | None, number: str) -> PartIds:
        """Marks of entries known before under this СНИЛС: noted, or of what an unanswered request created."""
        noted = read_parts(source.peer_id)
        under_number = {n for kind, n in noted if kind == SNILS} <= {number}
        known = {(kind, i) for kind, i in noted if kind != SNILS and under_number}
        for doubt in self.doubts.get(source.object_id, ()):
            if held is not None and doubt.operation is Operation.INSERT and snils_asked(doubt) == number:
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
        request = request_of(self.talk.transport, self._change(one), step.operation, about=one.source)
        section = section_of(step.prefix)
        if section is None or step.operation is not Operation.INSERT:
            return request
        return replace(request, part=Part(one.source, section.field))

    def _change(self, one: _Due) -> Element:
        step = one.step
        return self.register.packet(f"{step.prefix}.{VERBS[step.operation]}", one.content, step.content, step.entity_id)

    def _settle_doubts(self, source: SourceObject, held: Element | None, number: str, known: PartIds) -> None:
        """Tell what ФРМР's state says of requests by this СНИЛС about a worker whose outcome is unknown."""
        doubts = self.doubts.pop(source.object_id, [])
        for doubt in doubts:
            if snils_asked(doubt) == number:
                self.talk.settle(doubt, done=_is_done(doubt, held, known))
        if others := [doubt for doubt in doubts if snils_asked(doubt) != number]:
            self.doubts[source.object_id] = others

    @property
    def _mo(self) -> str:
        return self.session.organization.name


def _content(source: SourceObject) -> Element:
    if source.content is None:
        raise ValueError("a worker whom the МИС removed")
    return source.content


def _snils(source: SourceObject) -> str:
    return snils_of(_content(source))


def _is_done(doubt: Doubt, held: Element | None, known: PartIds) -> bool:
    """Tell whether the register's state shows a change of unknown outcome to be made."""
    prefix = doubt.packet_type.rpartition(".")[0]
    if doubt.operation is Operation.DELETE:
        return held is None or not holds_entry(held, prefix, text_at(doubt.packet, "request/parameters/entityId"))
    ours = known if doubt.operation is Operation.UPDATE else frozenset()
    return held is not None and holds(held, prefix, content_of(doubt.packet), ours)
