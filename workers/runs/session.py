"""The run of a session: the exchange talks to its peer, every event, error and request is journaled as it happens.

A session that dies runs again from its beginning. What it had asked of the peer and not yet heard of is then *in
doubt*: the exchange reads the peer's state and tells what became of it, before it sends anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row

from gateway.domain.errors import ConfigurationError, Finding
from gateway.domain.launches import STOPPED_TEXT, LaunchResult
from gateway.domain.statuses import CHANGES, Operation, PacketStatus
from gateway.journal import launches, objects, outbox, packets, registry, sessions
from gateway.journal.bodies import unpack
from gateway.journal.counters import CounterDeltas
from gateway.journal.new_packets import SessionPacket, journal_sending
from gateway.journal.objects import Acceptance
from gateway.journal.outbox import Lease, leased
from gateway.journal.packets import Outcome
from gateway.xml.canonical import serialize
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.exchange import (
    Answer,
    Doubt,
    Element,
    InDoubt,
    NotSent,
    Organization,
    Request,
    SessionEvent,
    SourceObject,
    TransportError,
    Verdict,
)
from workers.runs.authorities import AuthorityDesk
from workers.runs.loading import Loaded
from workers.runs.surroundings import Pause, Point, Surroundings

PAGE: Final = 200
NAP_S: Final = 0.2
"""So often a pause before another attempt looks whether the process is stopping."""
WITH_ERRORS: Final = "Ошибок во время сессии: {count}"
INTERRUPTED: Final = "Передача прервана, исход неизвестен"
NOT_READ: Final = "Чтение прервано"
STOPPING: Final = "Процесс обмена останавливается"
WITHOUT_ORGANIZATION: Final = "Сессия ведётся без МО: исходных документов у неё нет"


class _Stopping(Exception):
    """The process is stopping: give the lease back and let another worker begin anew."""


@dataclass(slots=True)
class OpenEvent:
    """An event of a session that has begun."""

    session: SessionRun
    id: UUID

    def sent(self) -> None:
        """The request left now."""
        with self.session.writing() as connection:
            sessions.stamp_event(connection, self.id, "sent_at")

    def answered(self) -> None:
        """The answer came now."""
        with self.session.writing() as connection:
            sessions.stamp_event(connection, self.id, "answered_at")

    def error(self, stage: str, message: str, about: str | None = None, *, fails: bool = True) -> None:
        """Register an error of the session."""
        with self.session.writing() as connection:
            self.session.add_error(connection, self.id, (stage, message, about), fails=fails)


class SessionRun:
    """One session, for one МО or for none: what the exchange's ``run`` is given.

    ``errors`` counts what was registered in this run, ``changes`` what the peer took, or was found to have taken.
    """

    def __init__(self, around: Surroundings, loaded: Loaded, lease: Lease, launch_id: UUID) -> None:
        self._around = around
        self._loaded = loaded
        self._lease = lease
        self._organization: Organization | None = None
        self.launch_id = launch_id
        self.service_code = lease.service_code
        self.settings = around.settings
        self.errors = 0
        self.changes = 0
        with self.writing() as connection:
            launch = launches.load(connection, launch_id)
            if launch.organization_id is not None:
                row = registry.load_organizations(connection, [launch.organization_id])[launch.organization_id]
                self._organization = Organization(row.id, row.oid, row.name, row.codes)
            elif launch.scope is not None:
                raise ConfigurationError("Сессия ведётся по одной МО: задайте launch_per_organization")
        self.transport: Any = None

    @property
    def organization(self) -> Organization:
        """The МО of the session.

        Raises:
            ConfigurationError: it has none.
        """
        if self._organization is None:
            raise ConfigurationError(WITHOUT_ORGANIZATION)
        return self._organization

    @property
    def _owner(self) -> int | None:
        return None if self._organization is None else self._organization.id

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One fenced transaction."""
        with leased(self._around.engine, self._lease) as connection:
            yield connection

    def objects(self, object_type: str, *, due: bool = False) -> Iterator[SourceObject]:
        """Yield the МО's submitted objects of one type, in the order of their ids; read page by page."""
        after, owner = "", self.organization.id
        while True:
            with self.writing() as connection:
                page = objects.page_of_objects(
                    connection, self.service_code, owner, object_type, after=after, limit=PAGE, due=due
                )
            for row in page:
                yield _source(object_type, row)
                after = row.object_id
            if len(page) < PAGE:
                return

    @property
    def authorities(self) -> AuthorityDesk:
        """The register of certification authorities (УЦ)."""
        return AuthorityDesk(self._going_on, self._around.reached)

    @contextmanager
    def _going_on(self) -> Iterator[Connection]:
        """One fenced transaction of a session that nobody has stopped."""
        with self.writing() as connection:
            self._check(connection)
            yield connection

    def findings(self, element: Element) -> tuple[Finding, ...]:
        """What the schema of the peer's answers says of an element."""
        schema = self._loaded.exchange.manifest.answer_schema
        return () if schema is None else validate(element, self._loaded.exchange.schema(schema))

    @contextmanager
    def event(self, code: str, title: str, about: str | None = None) -> Iterator[OpenEvent]:
        """Journal an event as begun; it is closed when the block ends well, and stays open when it does not."""
        with self.writing() as connection:
            self._check(connection)
            event_id = sessions.begin_event(connection, self.launch_id, code, title, about)
        yield OpenEvent(self, event_id)
        with self.writing() as connection:
            sessions.stamp_event(connection, event_id, "finished_at")

    def send(self, event: SessionEvent, request: Request) -> Answer:
        """Send one request within an open event; see ``workers.exchange.Session``."""
        with self.writing() as connection:
            self._check(connection)
            packet_id = self._journal(connection, event.id, request)
        answer = self._ask(packet_id, request)
        with self.writing() as connection:
            self._note_answer(connection, event.id, packet_id, request, answer)
        self._around.reached(Point.SETTLED)
        return answer

    def step(self, code: str, title: str, request: Request, about: str | None = None) -> Answer:
        """Send one request as an event of its own; see ``workers.exchange.Session``."""
        with self.writing() as connection:
            self._check(connection)
            event_id = sessions.begin_event(connection, self.launch_id, code, title, about)
            packet_id = self._journal(connection, event_id, request)
        answer = self._ask(packet_id, request)
        with self.writing() as connection:
            self._note_answer(connection, event_id, packet_id, request, answer)
            if answer.refusal:
                self.add_error(connection, event_id, (title, answer.refusal, about))
            sessions.stamp_event(connection, event_id, "finished_at")
        self._around.reached(Point.SETTLED)
        return answer

    def accept(self, held: Sequence[tuple[SourceObject, str | None]]) -> None:
        """Note that the peer holds these objects as they are now."""
        if held:
            with self.writing() as connection:
                self._accept(connection, held)

    def doubts(self) -> Sequence[Doubt]:
        """Requests of this МО whose outcome is unknown."""
        with self.writing() as connection:
            rows = sessions.packets_in_doubt(connection, self.service_code, self._owner)
        return [Doubt(r.id, r.packet_type, Operation(r.operation), r.object_id, parse(unpack(r.content))) for r in rows]

    def packet(self, packet_type: str, operation: Operation, data: bytes, about: str | None = None) -> UUID:
        """Journal a request as SENDING before its bytes leave."""
        packet = SessionPacket(self.service_code, self.launch_id, self._owner, packet_type, operation, about, data)
        with self.writing() as connection:
            return journal_sending(connection, packet)

    def close(self, packet_id: UUID, verdict: Verdict, answer: bytes | None) -> None:
        """Journal what the peer said of a request."""
        outcome = Outcome(packet_id, PacketStatus(verdict.status), verdict.text or None, answer)
        with self.writing() as connection:
            self._settle(connection, outcome)
        self.changes += outcome.status in packets.TAKEN

    def add_error(
        self, connection: Connection, event_id: UUID, found: tuple[str, str, str | None], *, fails: bool = True
    ) -> None:
        """Register an error (stage, message, object) and count it; the caller commits."""
        counters = CounterDeltas(self.service_code)
        sessions.add_error(connection, counters, self.launch_id, self._owner, event_id, found)
        self.errors += fails

    def close_interrupted(self, error: Exception | None) -> None:
        """Give requests of this МО whose answer never came the status that the error leaves them in.

        Without an error an earlier, dead attempt left them: what only reads leaves no doubt.
        """
        known = error is not None and not isinstance(error, InDoubt)
        while True:
            with self.writing() as connection:
                rows = sessions.open_packets(connection, self.service_code, self._owner, PacketStatus.SENDING, PAGE)
                for row in rows:
                    doubtful = not known and row.operation in CHANGES
                    text = str(error) if error else INTERRUPTED if doubtful else NOT_READ
                    status = PacketStatus.IN_DOUBT if doubtful else PacketStatus.SEND_ERROR
                    self._settle(connection, Outcome(row.id, status, text, error=text))
            if len(rows) < PAGE:
                return

    def _check(self, connection: Connection) -> None:
        if self._around.stopping():
            raise _Stopping(STOPPING)
        if launches.stop_requested(connection, self.launch_id):
            raise ConfigurationError(STOPPED_TEXT)

    def _journal(self, connection: Connection, event_id: UUID, request: Request) -> UUID:
        of = (self.service_code, self.launch_id, self._owner, request.packet_type, request.operation)
        packet_id = journal_sending(connection, SessionPacket(*of, request.object_id, request.data))
        sessions.stamp_event(connection, event_id, "sent_at")
        return packet_id

    def _ask(self, packet_id: UUID, request: Request) -> Answer:
        """Call the peer; what certainly did not arrive is repeated, each time as an attempt of its own."""
        self._around.reached(Point.SENDING)
        retry = self._loaded.exchange.manifest.retry
        for attempt in range(1, retry.attempts + 1):
            try:
                answer: Answer = self.transport.call(request.data)
            except NotSent as error:
                if attempt == retry.attempts:
                    raise
                self._nap(retry.delay_s * retry.factor ** (attempt - 1))
                with self.writing() as connection:
                    self._check(connection)
                    sessions.next_attempt(connection, packet_id, str(error))
            else:
                break
        self._around.reached(Point.SENT)
        return answer

    def _nap(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._around.stopping():
            time.sleep(min(left, NAP_S))

    def _note_answer(
        self, connection: Connection, event_id: UUID, packet_id: UUID, request: Request, answer: Answer
    ) -> None:
        sessions.stamp_event(connection, event_id, "answered_at")
        refused = answer.refusal and not (request.operation is Operation.READ and answer.nothing_there)
        status = PacketStatus.REJECTED if refused else PacketStatus.ACCEPTED
        self._settle(connection, Outcome(packet_id, status, answer.refusal or None, serialize(answer.document)))
        if request.operation not in CHANGES or answer.refusal:
            return
        self.changes += 1
        if request.brings is not None:
            self._accept(connection, [(request.brings, answer.entity_id or request.peer_id)])

    def _settle(self, connection: Connection, outcome: Outcome) -> None:
        packets.settle(connection, self.service_code, [outcome], note_success=False)

    def _accept(self, connection: Connection, held: Sequence[tuple[SourceObject, str | None]]) -> None:
        rows = [
            Acceptance(o.object_type, o.object_id, o.digest, None if o.content is None else peer_id)
            for o, peer_id in held
        ]
        objects.accept(connection, self.service_code, self.organization.id, rows)


def _source(object_type: str, row: Row[Any]) -> SourceObject:
    content = parse(unpack(row.content))
    if row.deleted:
        return SourceObject(object_type, row.object_id, None, row.peer_id, None, row.accepted_hash, content)
    return SourceObject(object_type, row.object_id, content, row.peer_id, row.content_hash, row.accepted_hash)


def run_session(around: Surroundings, loaded: Loaded, lease: Lease, open_transport: Callable[[], Any]) -> Pause | None:
    """Run a session to its end and close its launch; errors registered in it make it «Завершено с ошибкой».

    Returns how long to wait before it runs anew: the process is stopping, or an outcome is in doubt and the exchange
    can ask the peer. None when it is over.

    Raises:
        LeaseLost: another worker goes on.
    """
    if lease.launch_id is None or loaded.run is None:
        raise ConfigurationError("Сессия без запуска или без функции run")
    session = SessionRun(around, loaded, lease, lease.launch_id)
    around.reached(Point.TAKEN)
    session.close_interrupted(None)
    result = LaunchResult.SUCCESS
    try:
        with closing(open_transport()) as session.transport:
            text = loaded.run(session)
        if session.errors:
            result, text = LaunchResult.FAILED, text or WITH_ERRORS.format(count=session.errors)
    except _Stopping as stopping:
        session.close_interrupted(stopping)
        return Pause(0, lease.failures)
    except (TransportError, ConfigurationError) as error:
        session.close_interrupted(error)
        if (pause := _asks_anew(error, session, loaded, lease)) is not None:
            return pause
        result, text = LaunchResult.FAILED, str(error)
    around.reached(Point.ENDING)
    with session.writing() as connection:
        launches.end(connection, session.launch_id, result, text)
        if result is LaunchResult.SUCCESS:
            launches.note_success(connection, session.service_code, session.launch_id)
        outbox.finish(connection, lease)
    return None


def _asks_anew(error: Exception, session: SessionRun, loaded: Loaded, lease: Lease) -> Pause | None:
    """Where the exchange can ask what became of a request, the session begins anew; not for ever without progress."""
    manifest = loaded.exchange.manifest
    failures = 1 if session.changes else lease.failures + 1
    if not isinstance(error, InDoubt) or manifest.sending.in_doubt != "ask" or failures >= manifest.retry.attempts:
        return None
    return Pause(manifest.retry.delay_s * manifest.retry.factor ** (failures - 1), failures)
