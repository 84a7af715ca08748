"""The run of a session: the exchange talks to its peer, every event, error and request is journaled as it happens.

A session that dies runs again from its beginning. What it had asked of the peer and not yet heard of is then *in
doubt*: the exchange reads the peer's state and tells what became of it, before it sends anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row

from gateway.domain.errors import ConfigurationError, Finding
from gateway.domain.launches import LaunchResult
from gateway.domain.statuses import CHANGES, Operation, PacketStatus
from gateway.journal import claims, launches, outbox, packets, registry, session_objects, sessions
from gateway.journal.bodies import unpack
from gateway.journal.counters import CounterDeltas
from gateway.journal.new_packets import SessionPacket, journal_sending
from gateway.journal.outbox import Lease
from gateway.journal.packets import Outcome
from gateway.journal.session_objects import Acceptance
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.exchange import (
    Action,
    Answer,
    Doubt,
    Element,
    InDoubt,
    Organization,
    Part,
    Request,
    SessionEvent,
    SourceObject,
    TransportError,
    Verdict,
    write_parts,
)
from workers.runs.authorities import AuthorityDesk
from workers.runs.loading import Loaded
from workers.runs.requests import Asked, Ground, RequestDesk, Stopping
from workers.runs.surroundings import Pause, Point, Surroundings

PAGE: Final = 200
WITH_ERRORS: Final = "Ошибок во время сессии: {count}"
INTERRUPTED: Final = "Передача прервана, исход неизвестен"
NOT_READ: Final = "Чтение прервано"
WITHOUT_ORGANIZATION: Final = "Сессия ведётся без МО: исходных документов у неё нет"


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
        self._ground = Ground(around, lease, launch_id)
        self._organization: Organization | None = None
        self.launch_id = launch_id
        self.service_code = lease.service_code
        self.settings = around.settings
        self.errors = 0
        self.changes = 0
        self.withheld = False
        self._desk = RequestDesk(self, self._ground, loaded.exchange.manifest.retry)
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
    def owner(self) -> int | None:
        """Id of the МО of the session, if it has one."""
        return None if self._organization is None else self._organization.id

    def withhold(self) -> None:
        """Note that the МО is not exported, by its own wish."""
        self.withheld = True

    def writing(self) -> AbstractContextManager[Connection]:
        """One fenced transaction."""
        return self._ground.writing()

    def objects(self, object_type: str, *, due: bool = False) -> Iterator[SourceObject]:
        """Yield the МО's submitted objects of one type, in the order of their ids; read page by page."""
        after, owner = "", self.organization.id
        while True:
            with self.writing() as connection:
                page = session_objects.page_of_objects(
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
        return AuthorityDesk(self._ground.going_on, self._around.reached)

    def findings(self, element: Element) -> tuple[Finding, ...]:
        """What the schema of the peer's answers says of an element."""
        schema = self._loaded.exchange.manifest.answer_schema
        return () if schema is None else validate(element, self._loaded.exchange.schema(schema))

    @contextmanager
    def event(self, code: str, title: str, about: str | None = None) -> Iterator[OpenEvent]:
        """Journal an event as begun; it is closed when the block ends well, and stays open when it does not."""
        with self._ground.going_on() as connection:
            event_id = sessions.begin_event(connection, self.launch_id, code, title, about)
        yield OpenEvent(self, event_id)
        with self.writing() as connection:
            sessions.stamp_event(connection, event_id, "finished_at")

    def send(self, event: SessionEvent, request: Request) -> Answer:
        """Send one request within an open event; see ``workers.exchange.Session``."""
        return self.send_all(event, [request])[0]

    def send_all(self, event: SessionEvent, requests: Sequence[Request]) -> Sequence[Answer]:
        """Send requests within an open event; see ``workers.exchange.Session``."""
        return self._desk.ask([Asked(request, event.id) for request in requests])

    def steps(self, actions: Sequence[Action]) -> Sequence[Answer]:
        """Send requests as events of their own; see ``workers.exchange.Session``."""
        return self._desk.ask([Asked(action.request, None, action) for action in actions])

    def accept(self, held: Sequence[tuple[SourceObject, str | None]]) -> None:
        """Note that the peer holds these objects as they are now."""
        if held:
            with self.writing() as connection:
                self.note_held(connection, held)

    def note_ids(self, ids: Sequence[tuple[SourceObject, str | None]]) -> None:
        """Note under which ids the peer holds objects, and not whether it holds them as they are."""
        if ids:
            noted = {(o.object_type, o.object_id): peer_id for o, peer_id in ids}
            with self.writing() as connection:
                session_objects.note_peer_ids(connection, self.service_code, self.organization.id, noted)

    def unsettle(self, connection: Connection, requests: Sequence[Request]) -> None:
        """Note that what is about to be changed is in no known state at the peer; the caller commits."""
        sources = [r.source for r in requests if r.operation in CHANGES and r.source is not None]
        if sources:
            changing = {(source.object_type, source.object_id) for source in sources}
            session_objects.unsettle(connection, self.service_code, self.organization.id, changing)

    def note_parts(self, connection: Connection, created: Sequence[tuple[Part, str]]) -> None:
        """Add what was created of objects to their ids; the caller commits."""
        ids: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for part, entity_id in created:
            ids[part.source.object_type, part.source.object_id].add((part.kind, entity_id))
        lines = {key: write_parts(parts) or "" for key, parts in ids.items()}
        session_objects.add_peer_ids(connection, self.service_code, self.organization.id, lines)

    @contextmanager
    def claiming(self, things: Iterable[str]) -> Iterator[None]:
        """Be the only session of the service at these things until the block ends; see ``workers.exchange``.

        Where the block breaks off, so does the session, and its claims go with its lease.
        """
        self._ground.claim(list(things))
        yield
        with self.writing() as connection:
            claims.release(connection, self._ground.lease)

    def doubts(self) -> Sequence[Doubt]:
        """Requests of this МО whose outcome is unknown."""
        with self.writing() as connection:
            rows = sessions.packets_in_doubt(connection, self.service_code, self.owner)
        return [Doubt(r.id, r.packet_type, Operation(r.operation), r.object_id, parse(unpack(r.content))) for r in rows]

    def packet(self, packet_type: str, operation: Operation, data: bytes, about: str | None = None) -> UUID:
        """Journal a request as SENDING before its bytes leave."""
        packet = SessionPacket(self.service_code, self.launch_id, self.owner, packet_type, operation, about, data)
        with self.writing() as connection:
            return journal_sending(connection, [packet])[0]

    def close(self, packet_id: UUID, verdict: Verdict, answer: bytes | None) -> None:
        """Journal what the peer said of a request."""
        outcome = Outcome(packet_id, PacketStatus(verdict.status), verdict.text or None, answer)
        with self.writing() as connection:
            self.settle(connection, [outcome])
        self.changes += outcome.status in packets.TAKEN

    def add_error(
        self, connection: Connection, event_id: UUID, found: tuple[str, str, str | None], *, fails: bool = True
    ) -> None:
        """Register an error (stage, message, object) and count it; the caller commits."""
        counters = CounterDeltas(self.service_code)
        sessions.add_error(connection, counters, self.launch_id, self.owner, event_id, found)
        self.errors += fails

    def close_interrupted(self, error: Exception | None) -> None:
        """Give requests of this МО whose answer never came the status that the error leaves them in.

        Without an error an earlier, dead attempt left them: what only reads leaves no doubt.
        """
        known = error is not None and not isinstance(error, InDoubt)
        while True:
            with self.writing() as connection:
                rows = sessions.open_packets(connection, self.service_code, self.owner, PacketStatus.SENDING, PAGE)
                outcomes = []
                for row in rows:
                    doubtful = not known and row.operation in CHANGES
                    text = str(error) if error else INTERRUPTED if doubtful else NOT_READ
                    status = PacketStatus.IN_DOUBT if doubtful else PacketStatus.SEND_ERROR
                    outcomes.append(Outcome(row.id, status, text, error=text))
                self.settle(connection, outcomes)
            if len(rows) < PAGE:
                return

    def settle(self, connection: Connection, outcomes: Sequence[Outcome]) -> None:
        """Journal what became of requests; the caller commits."""
        packets.settle(connection, self.service_code, outcomes, note_success=False)

    def note_held(self, connection: Connection, held: Sequence[tuple[SourceObject, str | None]]) -> None:
        """See ``accept``; the caller commits."""
        rows = [Acceptance(o.object_type, o.object_id, o.digest, peer_id) for o, peer_id in held]
        session_objects.accept(connection, self.service_code, self.organization.id, rows)


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
    except Stopping as stopping:
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
        if result is LaunchResult.SUCCESS and session.owner is not None and not session.withheld:
            packets.note_export(connection, session.service_code, {session.owner})
        outbox.finish(connection, lease)
    return None


def _asks_anew(error: Exception, session: SessionRun, loaded: Loaded, lease: Lease) -> Pause | None:
    """Where the exchange can ask what became of a request, the session begins anew; not for ever without progress."""
    manifest = loaded.exchange.manifest
    failures = 1 if session.changes else lease.failures + 1
    if not isinstance(error, InDoubt) or manifest.sending.in_doubt != "ask" or failures >= manifest.retry.attempts:
        return None
    return Pause(manifest.retry.delay_s * manifest.retry.factor ** (failures - 1), failures)
