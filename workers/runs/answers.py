"""Taking the peer's answers: judged by their schema, read by the exchange, journaled, then confirmed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from gateway.domain.errors import GatewayError, finding_lines
from gateway.domain.statuses import VERDICTS
from gateway.journal import answers, packets
from gateway.journal.answers import Remark
from gateway.journal.bodies import unpack
from gateway.journal.items import ItemOutcome
from gateway.journal.outbox import Lease, leased
from gateway.journal.packets import Outcome
from gateway.logs import Once, trail
from gateway.xml.limits import ANSWER_LIMITS
from gateway.xml.parser import parse
from gateway.xml.paths import local
from gateway.xml.schemas import validate
from workers.exchange import Element, Finding, PacketStatus, Peer, Refusal, Reply, Verdict, flk, lines
from workers.runs import strays
from workers.runs.loading import Loaded
from workers.runs.strays import Addressed
from workers.runs.surroundings import Point, Surroundings

logger = logging.getLogger(__name__)
_once: Final = Once()

TAKE: Final = 100
TAKE_MAX: Final = 1000
TAKE_BYTES: Final = 8 * 1024 * 1024
"""Answers of the journal that are read at once, unpacked; the last of them may be longer."""
MAX_FINDINGS: Final = 1000
"""So many refusals of one packet are kept; all of them stand in the answer itself."""
SHOWN: Final = 20
"""So many reasons are told one by one in «Результат»; the others stand at their places in the packet."""
CROWD: Final = 500
"""So many answers that cannot be read stay with the peer, in case they come right."""
_READABLE: Final = VERDICTS | {PacketStatus.SENT}
"""SENT is a word that comes before the verdict."""
UNREADABLE: Final = "Ответ внешней системы не разобран, ожидается исправленный ответ"


class AnswerDesk:
    """Takes answers page by page. ``_left`` are digests, by confirm id, of what cannot be read or placed: it stays with
    the peer, where it may come right. ``_kept`` are those of them that the journal holds, so that the peer need not.
    ``_told`` are what the peer was told of last, ``_strays`` what it is to be told of as kept; ``others`` are confirm
    ids of what is left to another service.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._left: dict[str, bytes] = {}
        self._kept: set[str] = set()
        self._told: dict[str, bytes] = {}
        self._strays: list[Reply] = []
        self.others: set[str] = set()

    def collect(self, around: Surroundings, lease: Lease, peer: Peer, service_code: str) -> None:
        """Take and journal all that is ready, then confirm it. Commits page by page.

        The same answer twice changes nothing, so dying before the confirmation only repeats it. A peer that hands out
        the oldest first would hand out nothing else once enough of them cannot be read: then they are confirmed too.

        Raises:
            TransportError: the peer does not answer or refuses.
        """
        while True:
            replies = peer.take_answers(min(TAKE + len(self._left), TAKE_MAX))
            around.reached(Point.ANSWERS_TAKEN)
            # What was confirmed a moment ago and comes again would come for ever.
            again = [reply for reply in replies if self._told.get(reply.confirm_id) == _digest(reply)]
            self._leave_all(again)
            self._told = {}
            fresh = [reply for reply in replies if self._left.get(reply.confirm_id) != _digest(reply)]
            old = {reply.confirm_id for reply in replies} - {reply.confirm_id for reply in fresh}
            crowded = self._kept & old if len(old) >= CROWD else set()
            if not (fresh or crowded or again):
                return
            confirmed = [*self._journal(around, lease, service_code, fresh), *crowded]
            around.reached(Point.ANSWERS_JOURNALED)
            if confirmed:
                peer.confirm(confirmed)
                self._kept.difference_update(confirmed)
                self._note_told(around, lease, service_code, fresh, confirmed)
                around.reached(Point.ANSWERS_CONFIRMED)

    def read_again(self, around: Surroundings, lease: Lease, service_code: str) -> None:
        """Read the answers that the journal keeps unread: the exchange, or its schema, may have changed since.

        Commits page by page.
        """
        after: UUID | None = None
        while True:
            with leased(around.engine, lease) as connection:
                page = answers.unread(connection, service_code, UNREADABLE, after, TAKE, TAKE_BYTES)
            if not page:
                return
            self._journal(around, lease, service_code, [Reply(row.id, "", unpack(row.content)) for row in page])
            after = page[-1].id

    def _journal(self, around: Surroundings, lease: Lease, service_code: str, replies: list[Reply]) -> list[str]:
        """Journal a page of answers; the confirm ids of those that the peer need not keep."""
        verdicts: dict[UUID, tuple[Reply, Verdict]] = {}
        read: list[tuple[UUID, Reply]] = []
        unread: list[tuple[UUID, Reply]] = []
        with leased(around.engine, lease) as connection:
            addressed = strays.address(connection, service_code, around.system, replies)
        told = [(key, reply, self._read(reply)) for key, reply in addressed.ours]
        with leased(around.engine, lease) as connection:
            placing = [key for key, _, verdict in told if verdict and (verdict.refusals or verdict.named)]
            sent = {key: unpack(packed) for key, packed in packets.packed_data(connection, placing).items()}
            for packet_id, reply, verdict in told:
                found = verdict and self._matched(packet_id, verdict, sent.get(packet_id))
                if found is None:
                    unread.append((packet_id, reply))
                else:
                    read.append((packet_id, reply))
                    if packet_id not in verdicts or found.status is not PacketStatus.SENT:
                        verdicts[packet_id] = (reply, found)  # a word before the verdict does not take its place
            outcomes = [
                outcome_of(packet_id, verdict, reply.answer, sent.get(packet_id))
                for packet_id, (reply, verdict) in verdicts.items()
            ]
            packets.settle(connection, service_code, outcomes)
            waiting = answers.note(connection, service_code, _remarks(verdicts, unread))
            known = packets.known(connection, service_code, [key for key, _ in read + unread])
            kept = strays.keep(connection, service_code, lease.launch_id, addressed.strays)
        sent_before = {key for key, status in waiting.items() if status is PacketStatus.SENT}
        self._leave(unread, known | sent_before)
        placed = self._placed(service_code, read, known | (waiting.keys() & verdicts.keys()))
        return [*placed, *self._set_aside(service_code, addressed, kept=kept)]

    def _leave(self, unread: Sequence[tuple[UUID, Reply]], kept: set[UUID]) -> None:
        """Remember what stays with the peer. A packet not yet SENT is still written to, and its remark with it."""
        for packet_id, reply in unread:
            self._left[reply.confirm_id] = _digest(reply)
            if packet_id in kept:
                self._kept.add(reply.confirm_id)
            else:
                self._kept.discard(reply.confirm_id)

    def _placed(self, service_code: str, read: Sequence[tuple[UUID, Reply]], placed: set[UUID]) -> list[str]:
        """The confirm ids of answers whose packets took them; the others stay with the peer."""
        for packet_id, reply in read:
            if packet_id not in placed:
                self._left[reply.confirm_id] = _digest(reply)
                if _once.first(service_code, reply.confirm_id, str(packet_id)):
                    logger.warning("an answer names packet %s, which waits for none", packet_id)
        return [reply.confirm_id for packet_id, reply in read if packet_id in placed]

    def _set_aside(self, service_code: str, addressed: Addressed, *, kept: bool) -> list[str]:
        """The confirm ids of strays that the journal keeps; all else that is not ours stays with the peer."""
        self._leave_all([*addressed.others, *addressed.unclear, *(() if kept else addressed.strays)])
        self.others.update(reply.confirm_id for reply in addressed.others)
        self._strays += addressed.strays if kept else ()
        for said, replies in (
            ("names no packet of this journal", addressed.strays),
            ("is of another service, which has to take it", addressed.others),
            ("names no packet, or two different ones, or is empty", addressed.unclear),
        ):
            for reply in replies:
                if _once.first(service_code, reply.confirm_id, said):
                    logger.warning("an answer of %s %s", service_code, said)
        return [reply.confirm_id for reply in addressed.strays] if kept else []

    def _leave_all(self, replies: Iterable[Reply]) -> None:
        self._left.update((reply.confirm_id, _digest(reply)) for reply in replies)

    def _note_told(
        self, around: Surroundings, lease: Lease, service_code: str, fresh: Sequence[Reply], confirmed: Sequence[str]
    ) -> None:
        told = set(confirmed)
        self._told = {reply.confirm_id: _digest(reply) for reply in fresh if reply.confirm_id in told}
        if self._strays:
            with leased(around.engine, lease) as connection:
                strays.note_confirmed(connection, service_code, self._strays)
            self._strays.clear()

    def _read(self, reply: Reply) -> Verdict | None:
        """The verdict an answer tells, or None when it is not what its schema says."""
        schema = self._loaded.exchange.manifest.answer_schema
        try:
            root = parse(reply.answer, ANSWER_LIMITS)
        except GatewayError:
            return None
        if self._loaded.read is None or (schema and validate(root, self._loaded.exchange.schema(schema))):
            return None
        try:
            verdict = self._loaded.read(root)
        except Exception as error:  # noqa: BLE001 # one answer must not bar all those behind it
            service = self._loaded.exchange.manifest.service.code
            if _once.first(service, reply.confirm_id, type(error).__name__):
                logger.error("an answer of %s is not read: %s", service, trail(error))
            return None
        return verdict if verdict.status in _READABLE else None

    def _matched(self, packet_id: UUID, verdict: Verdict, data: bytes | None) -> Verdict | None:
        """A verdict that names records by identifiers, on their positions; None when it names another packet or those
        of another.

        An identifier that stands in two records tells of neither.
        """
        if verdict.about not in (None, packet_id):
            return None
        if not verdict.named:
            return verdict
        records = self._loaded.records(parse(data, ANSWER_LIMITS)) if data else ()
        positions = _positions(records)
        told = {positions.get(name.lower()): word for name, word in verdict.named.items()}
        if None in told:
            return None
        items = {position: word for position, word in told.items() if position}
        whole = verdict.status is not PacketStatus.ACCEPTED or len(items) == len(records)
        return replace(verdict, items=items, status=verdict.status if whole else PacketStatus.PARTIAL)


def _digest(reply: Reply) -> bytes:
    return hashlib.sha256(reply.answer).digest()


def _remarks(
    verdicts: Mapping[UUID, tuple[Reply, Verdict]], unread: Sequence[tuple[UUID, Reply]]
) -> dict[UUID, Remark]:
    """What is said of packets that get no verdict: words before it, and what nobody can read."""
    before = {
        packet_id: Remark(verdict.text or None, reply.answer)
        for packet_id, (reply, verdict) in verdicts.items()
        if verdict.status is PacketStatus.SENT
    }
    return before | {packet_id: Remark(UNREADABLE, reply.answer or None) for packet_id, reply in unread}


def _positions(records: Sequence[Element]) -> dict[str, int]:
    """Position of a record, from 1, by every identifier in it; 0 for one that several records hold."""
    found: dict[str, int] = {}
    for position, record in enumerate(records, start=1):
        for element in record.iter("{*}*"):
            text = (element.text or "").strip().lower()
            if text and "ID" in local(element):
                found[text] = position if found.get(text, position) == position else 0
    return found


def outcome_of(
    packet_id: UUID,
    verdict: Verdict,
    answer: bytes | None,
    data: bytes | None,
    sources: frozenset[PacketStatus] = frozenset(),
) -> Outcome:
    """What a verdict means for a packet; ``data`` is the packet as it left, in which the refusals have their places."""
    found = (*verdict.findings, *_placed(verdict.refusals, data))[:MAX_FINDINGS]
    reasons = lines((finding_lines([each]) for each in found), SHOWN)
    text = lines(part for part in (verdict.text, reasons) if part)
    return Outcome(
        packet_id,
        verdict.status,
        text or None,
        answer,
        sources=sources,
        items=item_outcomes(verdict),
        findings=found,
    )


def _placed(refusals: Sequence[Refusal], data: bytes | None) -> tuple[Finding, ...]:
    try:
        packet = None if data is None or not refusals else parse(data, ANSWER_LIMITS)
    except GatewayError:
        packet = None  # a packet that is no XML document has no places
    if packet is None:
        return tuple(Finding("/", None, r.code, r.comment or flk.UNEXPLAINED) for r in refusals)
    return flk.findings(refusals, packet)


def item_outcomes(verdict: Verdict) -> dict[int, ItemOutcome]:
    """The peer's words on single records, as the journal keeps them."""
    return {
        position: ItemOutcome(word.accepted, word.text or None, word.parts) for position, word in verdict.items.items()
    }
