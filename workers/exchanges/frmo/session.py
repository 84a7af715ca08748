"""One session: check the МО's data, read its state in ФРМО, send the differences.

Nothing is sent while the check finds an error. A session that was broken off begins anew: what it had created is found
in the register by its id or natural key, so only what is still different is sent.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from workers.exchange import (
    VERBS,
    Action,
    Answer,
    Doubt,
    Element,
    ListShifted,
    Operation,
    Session,
    SessionEvent,
    SourceObject,
    Talk,
    content_of,
    covers,
    holds_more,
    load_dictionary,
    read_all,
    request_of,
    text_at,
)
from workers.exchanges.frmo.compare import Plan, Step, make_plan, resolved
from workers.exchanges.frmo.kinds import (
    CARD,
    KINDS,
    OWN_ID,
    Kind,
    Reference,
    about,
    is_withheld,
    references,
    withheld_sections,
)
from workers.exchanges.frmo.records import Found, Wanted, filled
from workers.exchanges.frmo.rules import check, check_together

REGISTER: Final = "ФРМО"
DICTIONARY: Final = Path(__file__).with_name("dictionary.toml")
CHECK_FAILED: Final = "Обнаружены ошибки при проверке данных МО"
NOT_READ: Final = "ФРМО не отдал сведения о МО"
WITHHELD: Final = "МО отмечена «не передавать в ФРМО»: данные не передавались"
PAGE: Final = 100


def run(session: Session) -> str | None:
    """Bring the МО's state in ФРМО to what the МИС submitted; returns the text of the result."""
    return _Export(session, Talk.of(session, DICTIONARY, REGISTER)).run()


def check_settings(settings: Mapping[str, str]) -> None:
    """Judge the dictionary that a site puts in place of ours; see ``load_dictionary``."""
    load_dictionary(DICTIONARY, settings)


@dataclass(slots=True)
class _Export:
    session: Session
    talk: Talk
    card: Wanted | None = None
    wanted: list[Wanted] = field(default_factory=list)
    withheld: set[str | None] = field(default_factory=set)
    """Ids of records that belong to what the МИС withholds: they are nobody else's."""

    def run(self) -> str | None:
        if not self._check():
            return CHECK_FAILED
        if self.card is None:
            self.session.withhold()
            return WITHHELD
        state = self._read()
        if state is None:
            return NOT_READ
        held, found = state
        doubts = self.session.doubts()
        self._remember(doubts)
        oid = self.session.organization.oid
        free = [record for record in found if record.id not in self.withheld]
        plan = make_plan(self.wanted, free, _sent(doubts))
        as_it_is = self.card.is_held(self.card.content, held)
        if not as_it_is:
            plan = replace(plan, steps=(Step(Operation.UPDATE, self.card, oid, held), *plan.steps))
        self._settle_doubts(doubts, plan, {record.id: record for record in found} | {oid: Found(CARD, held)})
        of_card = [] if not as_it_is or self.card.is_known_as(oid) else [(self.card, oid)]
        self.session.accept([(one.source, one.note(peer_id)) for one, peer_id in (*of_card, *plan.news())])
        self._send(plan)
        with self.talk.event("end"):
            return None

    # --- check ------------------------------------------------------------------------------------------------------

    def _check(self) -> bool:
        """Look at everything before anything is sent; True when nothing is wrong."""
        mo = self.session.organization
        with self.talk.event("check") as event:
            sources = {kind.object_type: list(self.session.objects(kind.object_type)) for kind in (CARD, *KINDS)}
            if any(s.content is not None and is_withheld(s.content) for s in sources[CARD.object_type]):
                return True
            there = {kind: [s for s in found if _goes(s)] for kind, found in sources.items()}
            wrong = not self.talk.judge(event, check_together(there, mo.name, mo.oid), (), about(mo.name))
            for kind in (CARD, *KINDS):
                for source in sources.pop(kind.object_type):
                    wrong |= not self._take(event, kind, source)
        return not wrong

    def _take(self, event: SessionEvent, kind: Kind, source: SourceObject) -> bool:
        """Check one object and keep it in normal form; False when something is wrong with it."""
        content = source.former if source.content is None else source.content
        if content is None or is_withheld(content):
            if source.content is not None:
                one = Wanted(kind, source)
                self.withheld |= {one.peer_id, one.named_id}
            return True
        packet = self._packet("mo.update" if kind is CARD else f"{kind.prefix}.create", content)
        normal = content_of(packet)
        removed = source.content is None
        state = replace(source, content=None, former=normal) if removed else replace(source, content=normal)
        one = Wanted(kind, state, withheld_sections(content))
        if kind is not CARD:
            self.wanted.append(one)
        elif not removed:
            self.card = one
        problems = check(source, self.session.organization.name)
        return self.talk.judge(event, problems, () if removed else [_without_references(packet)], self._about(one))

    # --- read -------------------------------------------------------------------------------------------------------

    def _read(self) -> tuple[Element, list[Found]] | None:
        """Read the register's state of the МО; None when it refuses, which is an error of the session."""
        cards = self._read_all("read_organization", "mo.read")
        found: list[Found] = []
        for kind, event in zip(KINDS, ("read_buildings", "read_departments", "read_staff"), strict=True):
            records = self._read_all(event, f"{kind.prefix}.list") if cards else None
            if records is None:
                return None
            found += [Found(kind, record) for record in records]
        with self.talk.event("read_end"):
            return (cards[0], found) if cards else None

    def _read_all(self, name: str, operation: str) -> list[Element] | None:
        parameters = {"oid": self.session.organization.oid, "offset": "0", "limit": str(PAGE)}
        with self.talk.event(name) as event:
            try:
                records = read_all(self.session, event, self.talk.transport.packet(operation, parameters))
            except ListShifted:
                records, code = None, "304"
            else:
                code = "301"
            if records is None:
                self.talk.error(event, name, code, about(self.session.organization.name))
        return records

    # --- send -------------------------------------------------------------------------------------------------------

    def _remember(self, doubts: Sequence[Doubt]) -> None:
        """Take the fields of what was to be created, and may have been, for what the register took.

        Those of an update were noted before it left: it also carries over what others wrote.
        """
        created = _sent(doubts)
        self.wanted = [
            one.with_brought(filled(created[one.reference])) if one.reference in created else one for one in self.wanted
        ]

    def _settle_doubts(self, doubts: Sequence[Doubt], plan: Plan, records: Mapping[str, Found]) -> None:
        """Tell what the register's state says of requests whose outcome is unknown.

        What they alone told is noted before they are closed: which record is whose.
        """
        asked = {_about_what(doubt) for doubt in doubts}
        ids = ((one, plan.id_of(one.reference)) for one in self.wanted if one.reference in asked)
        self.session.note_ids([(one.source, one.so_far(peer_id)) for one, peer_id in ids if peer_id])
        for doubt in doubts:
            self.talk.settle(doubt, done=_is_done(doubt, plan, records))

    def _send(self, plan: Plan) -> None:
        for one in plan.unknown:
            self._not_sent(one, Operation.UPDATE, "302")
        ids, waiting = dict(plan.ids), list[tuple[Step, Action]]()
        for step in plan.steps:
            removes = step.operation is Operation.DELETE
            content = None if removes else resolved(step.wanted.content, ids)
            if content is None and not removes and waiting:  # it may name one that is created just now
                self._take_turns(waiting, ids)
                content = resolved(step.wanted.content, ids)
            if content is None and not removes:
                self._not_sent(step.wanted, step.operation, "303")
            elif action := self._action(step, content):
                waiting.append((step, action))
        self._take_turns(waiting, ids)

    def _take_turns(self, waiting: list[tuple[Step, Action]], ids: dict[Reference, str]) -> None:
        """Send what waits, and note the ids that the register gave."""
        for (step, _), answer in zip(waiting, self._bring(waiting), strict=True):
            if not answer.refusal and answer.entity_id:
                ids[step.wanted.reference] = answer.entity_id
        waiting.clear()

    def _bring(self, changes: Sequence[tuple[Step, Action]]) -> Sequence[Answer]:
        """Send changes. Which fields an update brings is noted before it leaves: its packet does not tell them apart
        from those of others, should its outcome stay unknown."""
        updates = [step for step, _ in changes if step.operation is Operation.UPDATE]
        self.session.note_ids([(s.wanted.source, note) for s in updates if (note := s.wanted.noted_ahead(s.peer_id))])
        return self.session.steps([action for _, action in changes])

    def _action(self, step: Step, content: Element | None) -> Action | None:
        """Make a change of the register; None when with what others wrote there it may not be sent."""
        one, event = step.wanted, _event_of(step.wanted.kind, step.operation)
        whole = content if content is None or step.held is None else one.whole(content, step.held)
        packet = self._packet(f"{one.kind.prefix}.{VERBS[step.operation]}", whole, step.peer_id)
        if step.held is not None and self.talk.transport.check(packet):
            with self.talk.event(event, self._about(one)) as broken:
                self.talk.judge(broken, (), [packet], self._about(one))
            return None
        request = request_of(self.talk.transport, packet, step.operation, brings=one.source, peer_id=step.peer_id)
        named = self.talk.words.events[event]
        return Action(named.code, named.title, replace(request, notes=one.fields), self._about(one))

    def _not_sent(self, one: Wanted, operation: Operation, code: str) -> None:
        name = _event_of(one.kind, operation)
        with self.talk.event(name, self._about(one)) as event:
            self.talk.error(event, name, code, self._about(one))

    # --- words ------------------------------------------------------------------------------------------------------

    def _packet(self, operation: str, content: Element | None, peer_id: str | None = None) -> Element:
        parameters = {"oid": self.session.organization.oid, **({"entityId": peer_id} if peer_id else {})}
        return self.talk.transport.packet(operation, parameters, content)

    def _about(self, one: Wanted) -> str:
        return about(self.session.organization.name, one.kind, one.content)


def _goes(source: SourceObject) -> bool:
    return source.content is not None and not is_withheld(source.content)


def _without_references(packet: Element) -> Element:
    """The packet as its XSD sees it: ids of the МИС's objects come to stand there only when it is sent."""
    whole = copy.deepcopy(packet)
    for element, _ in references(whole):
        del element.attrib[OWN_ID]
    return whole


def _event_of(kind: Kind, operation: Operation) -> str:
    return f"{VERBS[operation]}_{kind.object_type.lower()}"


def _sent(doubts: Sequence[Doubt]) -> dict[Reference, Element]:
    """What was asked to be created and may have been."""
    asked = [(_about_what(doubt), doubt.packet) for doubt in doubts if doubt.operation is Operation.INSERT]
    return {reference: content_of(packet) for reference, packet in asked if reference}


def _is_done(doubt: Doubt, plan: Plan, records: Mapping[str, Found]) -> bool:
    """Tell by its record whether a change of unknown outcome was made, whatever the МИС wants by now."""
    reference = _about_what(doubt)
    if reference is None or doubt.operation is Operation.INSERT:
        return reference is not None and plan.id_of(reference) is not None
    asked = [text_at(doubt.packet, f"request/parameters/{name}") for name in ("entityId", "oid")]
    record = records.get(next(filter(None, asked), ""))
    if record is None or doubt.operation is Operation.DELETE:
        return record is None and doubt.operation is Operation.DELETE
    content = content_of(doubt.packet)
    exact = not holds_more(content, record.content, record.kind.id_field)
    return covers(content, record.content) and (exact or plan.leaves(reference))


def _about_what(doubt: Doubt) -> Reference | None:
    kind = next((k for k in (CARD, *KINDS) if doubt.packet_type.startswith(f"{k.prefix}.")), None)
    return None if kind is None or doubt.object_id is None else (kind.object_type, doubt.object_id)
