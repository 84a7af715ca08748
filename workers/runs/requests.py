"""What a session asks of its peer: requests journaled before their bytes leave, and what became of them.

Requests that do not wait for each other's answers share their transactions: a batch enters the journal as SENDING with
its first attempts, then each is sent in its turn, then all the answers are journaled. A batch is as long as the peer
takes about a second to answer, so the journal is never far behind. Of a batch that a dead worker left open every change
is in doubt; where the session itself breaks off, what had not had its turn is told to be not sent.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import Connection

from gateway.catalog.manifest import Retry
from gateway.domain.errors import ConfigurationError
from gateway.domain.launches import STOPPED_TEXT
from gateway.domain.statuses import CHANGES, Operation, PacketStatus
from gateway.journal import claims, launches, sessions
from gateway.journal.engine import database_now
from gateway.journal.new_packets import SessionPacket, journal_sending
from gateway.journal.outbox import Lease, leased
from gateway.journal.packets import Outcome
from gateway.journal.sessions import EventTimes, NewEvent
from gateway.xml.canonical import serialize
from workers.exchange import Action, Answer, InDoubt, NotSent, Part, Request, SourceObject, TransportError
from workers.runs.surroundings import Point, Surroundings

MAX_BATCH: Final = 50
JOURNAL_WITHIN_S: Final = 1.0
"""An answer waits no longer than this for the next one, to be journaled together with it."""
FAILING_IN_A_ROW: Final = 5
"""So many failures one after another are not of single records: the peer is down."""
NAP_S: Final = 0.2
"""So often a pause before another attempt looks whether the process is stopping, and whether a claim is free."""
STOPPING: Final = "Процесс обмена останавливается"
NOT_TRIED: Final = "Не передавался: передача прервалась раньше"


class Stopping(Exception):
    """The process is stopping: give the lease back and let another worker begin anew."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a session stands on: its process, its lease and its launch."""

    around: Surroundings
    lease: Lease
    launch_id: UUID

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One fenced transaction."""
        with leased(self.around.engine, self.lease) as connection:
            yield connection

    @contextmanager
    def going_on(self) -> Iterator[Connection]:
        """One fenced transaction of a session that nobody has stopped."""
        with self.writing() as connection:
            self.heed()
            if launches.stop_requested(connection, self.launch_id):
                raise ConfigurationError(STOPPED_TEXT)
            yield connection

    def claim(self, things: Sequence[str]) -> None:
        """Wait until nobody else has one of these things, and claim them."""
        claimed = False
        while not claimed:
            with self.going_on() as connection:
                claimed = claims.claim(connection, self.lease, things)
            if not claimed:
                time.sleep(NAP_S)

    def heed(self) -> None:
        """Break off where the process is stopping."""
        if self.around.stopping():
            raise Stopping(STOPPING)


@dataclass(slots=True)
class Asked:
    """One request on its way: within an open event, or, as an action, an event of its own."""

    request: Request
    event_id: UUID | None
    action: Action | None = None
    packet_id: UUID | None = None
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    answer: Answer | None = None
    failed: bool = False
    """The peer answered each attempt with its own failure: ``answer`` is the last."""


@dataclass(slots=True)
class _Clock:
    """The database's clock, read once and carried on by this process's."""

    read_at: datetime
    _began: float = field(default_factory=time.monotonic)

    @property
    def passed_s(self) -> float:
        return time.monotonic() - self._began

    def now(self) -> datetime:
        return self.read_at + timedelta(seconds=self.passed_s)


class Asking(Protocol):
    """The session on whose behalf the peer is asked: what it notes of requests and answers. Who calls commits."""

    service_code: str
    launch_id: UUID
    transport: Any
    changes: int
    """So many changes the peer took."""

    @property
    def owner(self) -> int | None:
        """Id of its МО, if it has one."""
        ...

    def unsettle(self, connection: Connection, requests: Sequence[Request]) -> None:
        """Note that what is about to be changed is in no known state at the peer."""
        ...

    def settle(self, connection: Connection, outcomes: Sequence[Outcome]) -> None:
        """Journal what became of requests."""
        ...

    def add_error(self, connection: Connection, event_id: UUID, found: tuple[str, str, str | None]) -> None:
        """Register an error (stage, message, object) and count it."""
        ...

    def note_held(self, connection: Connection, held: Sequence[tuple[SourceObject, str | None]]) -> None:
        """Note that the peer holds objects as they are now, each under this id."""
        ...

    def note_parts(self, connection: Connection, created: Sequence[tuple[Part, str]]) -> None:
        """Add what was created of objects to their ids."""
        ...


class RequestDesk:
    """Asks the peer on behalf of one session."""

    def __init__(self, session: Asking, ground: Ground, retry: Retry) -> None:
        self._session = session
        self._ground = ground
        self._retry = retry
        self._batch = 1
        self._failing = 0
        self._last_chance = ground.lease.failures + 1 >= retry.attempts

    def ask(self, wanted: Sequence[Asked]) -> list[Answer]:
        """Send requests in their order and return their answers; see ``workers.exchange.Session.send_all``."""
        answers: list[Answer] = []
        while len(answers) < len(wanted):
            batch = wanted[len(answers) : len(answers) + self._batch]
            clock = self._journal(batch)
            answers += self._send(batch, clock)
            each_s = clock.passed_s / len(batch)
            self._batch = max(1, min(MAX_BATCH, int(JOURNAL_WITHIN_S / each_s), 2 * self._batch))
        return answers

    def _journal(self, batch: Sequence[Asked]) -> _Clock:
        """Enter a batch into the journal, before anything of it leaves."""
        session = self._session
        with self._ground.going_on() as connection:
            clock = _Clock(database_now(connection))
            own = [(one, one.action) for one in batch if one.action]
            if own:
                new = [NewEvent(action.code, action.title, action.about) for _, action in own]
                for (one, _), event_id in zip(
                    own, sessions.begin_events(connection, session.launch_id, new), strict=True
                ):
                    one.event_id = event_id
            for event_id in {one.event_id for one in batch if not one.action and one.event_id}:
                sessions.stamp_event(connection, event_id, "sent_at")
            ids = journal_sending(connection, [self._packet(one.request) for one in batch])
            session.unsettle(connection, [one.request for one in batch])
            for one, packet_id in zip(batch, ids, strict=True):
                one.packet_id = packet_id
        return clock

    def _packet(self, request: Request) -> SessionPacket:
        of = (self._session.service_code, self._session.launch_id, self._session.owner)
        object_id = None if request.source is None else request.source.object_id
        return SessionPacket(*of, request.packet_type, request.operation, object_id, request.data)

    def _send(self, batch: Sequence[Asked], clock: _Clock) -> list[Answer]:
        """Send what is journaled; the answers are journaled at the latest when the last one came."""
        answers: list[Answer] = []
        settled, settled_s = 0, 0.0
        try:
            for place, one in enumerate(batch):
                if place:
                    self._ground.heed()
                if clock.passed_s - settled_s > JOURNAL_WITHIN_S:
                    self._settle(batch[settled:place], clock)
                    settled, settled_s = place, clock.passed_s
                    with self._ground.going_on():
                        pass
                answers.append(self._call(one, clock))
        except (TransportError, ConfigurationError, Stopping):
            self._settle(batch[settled:], clock)
            raise
        self._settle(batch[settled:], clock)
        return answers

    def _call(self, one: Asked, clock: _Clock) -> Answer:
        """Call the peer; what certainly did not arrive is repeated, each time as an attempt of its own."""
        reached = self._ground.around.reached
        one.sent_at = clock.now()
        reached(Point.SENDING)
        for attempt in range(1, self._retry.attempts + 1):
            try:
                answer: Answer = self._session.transport.call(one.request.data)
            except (NotSent, InDoubt) as error:
                if isinstance(error, InDoubt) or attempt == self._retry.attempts:
                    answer = self._given_up(one, error)
                    break
                self._nap(self._retry.delay_s * self._retry.factor ** (attempt - 1))
                with self._ground.going_on() as connection:
                    sessions.next_attempt(connection, _known(one.packet_id), str(error))
            else:
                self._failing = 0
                break
        one.answer, one.answered_at = answer, clock.now()
        reached(Point.SENT)
        return answer

    def _given_up(self, one: Asked, error: NotSent | InDoubt) -> Answer:
        """The failure that the peer answered a request with, when its attempts are used up: the session goes on.

        A change that failed is first asked of the register, by the session that begins anew.

        Raises:
            NotSent, InDoubt: ``error``, where the peer did not answer, fails at everything, or is to be asked.
        """
        self._failing += 1
        answer: Answer | None = error.answer
        asked_before = isinstance(error, NotSent) or self._last_chance
        if answer is None or not asked_before or self._failing >= FAILING_IN_A_ROW:
            raise error
        one.failed = True
        return answer

    def _nap(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._ground.around.stopping():
            time.sleep(min(left, NAP_S))

    def _settle(self, asked: Sequence[Asked], clock: _Clock) -> None:
        """Journal the answers, and that what had no turn was not sent; a request without an answer stays open."""
        answered = [(one, one.answer) for one in asked if one.answer is not None]
        untried = [one for one in asked if one.sent_at is None]
        outcomes = [_outcome(one, answer) for one, answer in answered]
        outcomes += [
            Outcome(_known(one.packet_id), PacketStatus.SEND_ERROR, NOT_TRIED, error=NOT_TRIED) for one in untried
        ]
        with self._ground.writing() as connection:
            self._session.settle(connection, outcomes)
            self._stamp(connection, asked, clock)
            self._tell_refusals(connection, answered)
            self._note_taken(connection, answered)
        if answered:
            self._ground.around.reached(Point.SETTLED)

    def _stamp(self, connection: Connection, asked: Sequence[Asked], clock: _Clock) -> None:
        for event_id in {one.event_id for one in asked if not one.action and one.answer and one.event_id}:
            sessions.stamp_event(connection, event_id, "answered_at")
        times = [
            EventTimes(_known(one.event_id), one.sent_at or clock.read_at, one.sent_at, one.answered_at)
            for one in asked
            if one.action
        ]
        if times:
            sessions.stamp_requests(connection, times)

    def _tell_refusals(self, connection: Connection, answered: Sequence[tuple[Asked, Answer]]) -> None:
        for one, answer in answered:
            if one.action and answer.refusal:
                found = (one.action.title, answer.refusal, one.action.about)
                self._session.add_error(connection, _known(one.event_id), found)

    def _note_taken(self, connection: Connection, answered: Sequence[tuple[Asked, Answer]]) -> None:
        """Count what the peer took, and note what it holds now."""
        taken = [(o.request, a) for o, a in answered if o.request.operation in CHANGES and not a.refusal]
        held = [(r.brings, _held_as(r, a)) for r, a in taken if r.brings is not None]
        if held:
            self._session.note_held(connection, held)
        created = [(r.part, a.entity_id) for r, a in taken if r.part and a.entity_id]
        if created:
            self._session.note_parts(connection, created)
        self._session.changes += len(taken)


def _outcome(one: Asked, answer: Answer) -> Outcome:
    refused = answer.refusal and not (one.request.operation is Operation.READ and answer.nothing_there)
    if one.failed:
        return Outcome(_known(one.packet_id), PacketStatus.SEND_ERROR, answer.refusal, serialize(answer.document))
    status = PacketStatus.REJECTED if refused else PacketStatus.ACCEPTED
    return Outcome(_known(one.packet_id), status, answer.refusal or None, serialize(answer.document))


def _held_as(request: Request, answer: Answer) -> str | None:
    if request.operation is Operation.DELETE:
        return None
    return "\n".join(filter(None, (answer.entity_id or request.peer_id, request.notes))) or None


def _known(given: UUID | None) -> UUID:
    if given is None:
        raise ValueError("a request that is not journaled yet")
    return given
