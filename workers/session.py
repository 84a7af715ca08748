"""The run of a session: the exchange talks to its peer, every event, error and request is journaled as it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from gateway.domain.errors import ConfigurationError
from gateway.domain.launches import STOPPED_TEXT, LaunchResult
from gateway.domain.statuses import Operation, PacketStatus
from gateway.journal import launches, objects, outbox, packets, registry, sessions
from gateway.journal.bodies import unpack
from gateway.journal.counters import CounterDeltas
from gateway.journal.new_packets import SessionPacket, journal_sending
from gateway.journal.outbox import Lease, leased
from gateway.journal.packets import Outcome
from gateway.xml.parser import parse
from workers.exchange import InDoubt, Organization, SourceObject, TransportError, Verdict
from workers.loading import Loaded
from workers.run import Surroundings

PAGE: Final = 200
WITH_ERRORS: Final = "Ошибок во время сессии: {count}"
INTERRUPTED: Final = "Передача прервана, исход неизвестен"


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

    def error(self, stage: str, message: str, about: str | None = None) -> None:
        """Register an error of the session."""
        run = self.session
        with run.writing() as connection:
            counters = CounterDeltas(run.service_code)
            found = (stage, message, about)
            sessions.add_error(connection, counters, run.launch_id, run.organization.id, self.id, found)
        run.errors += 1


class SessionRun:
    """One session for one МО: what the exchange's ``run`` is given."""

    def __init__(self, around: Surroundings, loaded: Loaded, lease: Lease, launch_id: UUID) -> None:
        self._around = around
        self._loaded = loaded
        self._lease = lease
        self.launch_id = launch_id
        self.service_code = lease.service_code
        self.errors = 0
        with self.writing() as connection:
            launch = launches.load(connection, launch_id)
            if launch.organization_id is None:
                raise ConfigurationError("Сессия ведётся по одной МО: задайте launch_per_organization")
            row = registry.load_organizations(connection, [launch.organization_id])[launch.organization_id]
        self.organization = Organization(row.id, row.oid, row.name, row.codes)
        self.transport: Any = None

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """One fenced transaction."""
        with leased(self._around.engine, self._lease) as connection:
            yield connection

    def objects(self, object_type: str) -> Iterator[SourceObject]:
        """Yield the МО's submitted objects of one type, in the order of their ids; read page by page."""
        after = ""
        while True:
            with self.writing() as connection:
                page = objects.page_of_objects(
                    connection, self.service_code, self.organization.id, object_type, after=after, limit=PAGE
                )
            for row in page:
                content = None if row.deleted else parse(unpack(row.content))
                yield SourceObject(object_type, row.object_id, content)
                after = row.object_id
            if len(page) < PAGE:
                return

    @contextmanager
    def event(self, code: str, title: str, about: str | None = None) -> Iterator[OpenEvent]:
        """Journal an event as begun; it is closed when the block ends well, and stays open when it does not."""
        with self.writing() as connection:
            if launches.stop_requested(connection, self.launch_id):
                raise ConfigurationError(STOPPED_TEXT)
            event_id = sessions.begin_event(connection, self.launch_id, code, title, about)
        yield OpenEvent(self, event_id)
        with self.writing() as connection:
            sessions.stamp_event(connection, event_id, "finished_at")

    def packet(self, packet_type: str, operation: Operation, data: bytes, about: str | None = None) -> UUID:
        """Journal a request as SENDING before its bytes leave."""
        who = (self.service_code, self.launch_id, self.organization.id)
        with self.writing() as connection:
            return journal_sending(connection, SessionPacket(*who, packet_type, operation, about, data))

    def close(self, packet_id: UUID, verdict: Verdict, answer: bytes | None) -> None:
        """Journal what the peer said of a request."""
        outcome = Outcome(packet_id, PacketStatus(verdict.status), verdict.text or None, answer)
        with self.writing() as connection:
            packets.settle(connection, self.service_code, [outcome])

    def close_interrupted(self, error: Exception | None) -> None:
        """Give requests of this МО whose answer never came the status that the error leaves them in."""
        status = PacketStatus.SEND_ERROR if error and not isinstance(error, InDoubt) else PacketStatus.IN_DOUBT
        text = str(error) if error else INTERRUPTED
        scope = frozenset({self.organization.id})
        left = PAGE
        while left == PAGE:
            with self.writing() as connection:
                rows = packets.in_status(connection, self.service_code, scope, PacketStatus.SENDING, PAGE)
                packets.settle(connection, self.service_code, [Outcome(r.id, status, text, error=text) for r in rows])
            left = len(rows)


def run_session(around: Surroundings, loaded: Loaded, lease: Lease, open_transport: Callable[[], Any]) -> None:
    """Run a session to its end and close its launch; errors registered in it make it «Завершено с ошибкой».

    Raises:
        LeaseLost: another worker goes on.
    """
    if lease.launch_id is None or loaded.run is None:
        raise ConfigurationError("Сессия без запуска или без функции run")
    session = SessionRun(around, loaded, lease, lease.launch_id)
    session.close_interrupted(None)
    result, text = LaunchResult.SUCCESS, None
    try:
        with closing(open_transport()) as session.transport:
            loaded.run(session)
        if session.errors:
            result, text = LaunchResult.FAILED, WITH_ERRORS.format(count=session.errors)
    except (TransportError, ConfigurationError) as error:
        result, text = LaunchResult.FAILED, str(error)
        session.close_interrupted(error)
    with session.writing() as connection:
        launches.end(connection, session.launch_id, result, text)
        if result is LaunchResult.SUCCESS:
            launches.note_success(connection, session.service_code, session.launch_id)
        outbox.finish(connection, lease)
