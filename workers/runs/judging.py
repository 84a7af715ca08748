"""What every run that receives does with documents: read, judge, journal each once, in one transaction with all that
it brings about; and how such a run ends.
"""

from __future__ import annotations

import hashlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.catalog.manifest import PacketType
from gateway.domain.errors import ConfigurationError, Finding, GatewayError, InvalidXml, finding_lines
from gateway.domain.launches import STOPPED_TEXT, LaunchResult
from gateway.domain.statuses import INITIAL, Direction, PacketStatus
from gateway.journal import launches, outbox, receiving
from gateway.journal.engine import database_now, new_ids
from gateway.journal.outbox import Lease, leased
from gateway.journal.packets import XML
from gateway.journal.received_states import ReceivedState
from gateway.journal.receiving import ReceivedPacket
from gateway.logs import trail
from gateway.xml.canonical import serialize
from gateway.xml.limits import ANSWER_LIMITS
from gateway.xml.parser import parse
from gateway.xml.paths import local
from gateway.xml.schemas import validate
from workers.exchange import (
    BadAnswer,
    Element,
    Handled,
    Incoming,
    InDoubt,
    NotSent,
    PeerRefused,
    Reception,
    SignInRefused,
    TransportError,
    receptions,
)
from workers.runs.desk import OpenDesk
from workers.runs.loading import Loaded
from workers.runs.surroundings import Pause, Point, Surroundings

logger = logging.getLogger(__name__)

NOT_XML: Final = "application/octet-stream"
UNKNOWN_TYPE: Final = "Документ неизвестного типа."
NOT_HANDLED: Final = "Документы не обработаны из-за внутренней ошибки {name}, подробности в журнале программы"

Delivery = tuple[str, bytes]
"""A document's key and the digest of its content."""
Along = Callable[[Connection, Mapping[Delivery, Handled]], None]
"""What is to be journaled along with documents, given those that are handled, now or before."""


class Stopping(Exception):
    """The process is stopping: give the lease back and let another worker go on."""


@dataclass(slots=True)
class Sorted:
    """Documents of a page, by seal: those journaled before, and new ones, read."""

    handled: dict[bytes, Handled]
    new: dict[bytes, Incoming]


class JudgingRun(ABC):
    """One leased attempt. ``_left`` are the documents that are not handled this time, ``_trouble`` tells why.

    ``system`` are the services of the exchange's folder, among whose objects a document may find its own.
    """

    def __init__(
        self, around: Surroundings, loaded: Loaded, lease: Lease, launch_id: UUID, system: Sequence[str]
    ) -> None:
        self._around = around
        self._loaded = loaded
        self._lease = lease
        self._launch_id = launch_id
        self._system = tuple(system)
        self._service = lease.service_code
        self._left: set[Delivery] = set()
        self._trouble: str | None = None
        self.failures = lease.failures

    def go(self, open_transport: Callable[[], Any], work: Callable[[Any], str | None]) -> Pause | None:
        """Do the work over an open transport; it gives what the result of the launch tells besides, if anything.

        Ends the launch (None), or gives the pause after which it goes on.

        Raises:
            LeaseLost: another worker goes on.
        """
        self._around.reached(Point.TAKEN)
        try:
            with closing(open_transport()) as transport:
                counts = work(transport)
        except Stopping:
            return Pause(0, self.failures)
        except (NotSent, InDoubt) as error:
            return self.after_failure(error)
        except (SignInRefused, PeerRefused, ConfigurationError) as error:
            self.end(LaunchResult.FAILED, str(error))
            return None
        self.end_well(counts)
        return None

    def journal(self, incoming: Sequence[Incoming], along: Along | None = None) -> dict[bytes, Handled]:
        """Journal what is new of a page, and ``along`` with it; by seal, all of the page that is handled.

        Raises:
            ConfigurationError: the operator wants the launch to stop.
            LeaseLost: another worker goes on.
        """
        with leased(self._around.engine, self._lease) as connection:
            self._check_stop(connection)
            found = self._sort(connection, incoming)
        for seal, each in list(found.new.items()):
            read = self._attempt(each, partial(self._read, each))
            found.new.pop(seal)
            if read is not None:
                found.new[seal] = read
        with leased(self._around.engine, self._lease) as connection:
            handled = {**found.handled, **self._journal_new(connection, found.new)}
            if along is not None:
                along(connection, {delivery(each.incoming): each for each in handled.values()})
        return handled

    def _sort(self, connection: Connection, incoming: Sequence[Incoming]) -> Sorted:
        sealed = receiving.seal_documents(connection, [(each.key, each.data) for each in incoming])
        known = receiving.known_documents(connection, self._service, sealed)
        found = Sorted({}, {})
        for seal, each in zip(sealed, incoming, strict=True):
            if seal not in known:
                found.new[seal] = each
            elif (status := known[seal].status) is None:
                self._forgotten(found, seal, each)
            else:
                found.handled[seal] = Handled(each, status, known[seal].text, known[seal].answer)
        return found

    def _forgotten(self, found: Sorted, seal: bytes, incoming: Incoming) -> None:
        """A document whose packet has gone with its month: nobody knows any more what the peer was told."""
        del found, seal
        self._left.add(delivery(incoming))

    def _journal_new(self, connection: Connection, new: dict[bytes, Incoming]) -> dict[bytes, Handled]:
        handled: dict[bytes, Handled] = {}
        received: list[ReceivedPacket] = []
        moment, ids = database_now(connection), new_ids(connection, self._launch_id)
        shelf = self._around.library.open(connection, self._loaded.exchange.manifest.dictionaries)
        desk = OpenDesk(connection, self._service, self._system, moment, next(ids), shelf)
        for seal, each in new.items():
            if self._around.stopping() or launches.stop_requested(connection, self._launch_id):
                break
            desk.packet_id = next(ids)
            judged = self._attempt(each, partial(self._judge, each, desk))
            if judged is None:
                continue
            for number, reception in enumerate(judged):
                desk.remember(reception)
                packet_id = next(ids) if number else desk.packet_id
                received.append(_packet(packet_id, seal, each, reception))
            handled[seal] = _handled(each, judged)
        receiving.journal_received(connection, self._service, self._launch_id, received, self._system)
        return handled

    def _attempt(self, incoming: Incoming, step: Callable[[], Any]) -> Any:
        """What a step of the exchange gives; None when its code fails: that document is not handled this time."""
        try:
            return step()
        except (GatewayError, SQLAlchemyError):
            raise
        except Exception as error:  # noqa: BLE001 # one document must not bar all those behind it
            logger.error("a document of %s is not handled: %s", self._service, trail(error))
            self._trouble = NOT_HANDLED.format(name=type(error).__name__)
            self._left.add(delivery(incoming))
            return None

    def _read(self, incoming: Incoming) -> Incoming:
        if incoming.question is not None and not incoming.data:
            return incoming
        try:
            root = parse(incoming.data, ANSWER_LIMITS)
        except GatewayError as error:
            return replace(incoming, findings=error.findings or (Finding("/", None, "XML", error.message),))
        try:
            element = self._loaded.prepare(root, self._around.settings) if self._loaded.prepare else root
        except InvalidXml as error:
            return replace(incoming, findings=error.findings or (Finding("/", root.sourceline, "XML", error.message),))
        kind = self._packet_type(element)
        if kind is None:
            found: tuple[Finding, ...] = (Finding("/", element.sourceline, "TYPE", UNKNOWN_TYPE),)
        else:
            found = validate(element, self._loaded.exchange.schema(kind.schema_path))
        return replace(incoming, packet_type=kind.code if kind else None, element=element, findings=found)

    def _packet_type(self, element: Element) -> PacketType | None:
        name = local(element)
        return next((p for p in self._loaded.exchange.manifest.packet_types if p.root_name == name), None)

    def _judge(self, incoming: Incoming, desk: OpenDesk) -> Sequence[Reception]:
        if self._loaded.receive is None:
            raise ConfigurationError("У обмена нет функции receive")
        given = receptions(self._loaded.receive(incoming, desk))
        for each in given:
            owned = each.documents or each.closes or each.concerns or each.state
            if each.status not in INITIAL[Direction.IMPORT] or (owned and each.organization is None):
                slug = self._loaded.exchange.manifest.slug
                raise ConfigurationError(f"Обмен {slug}: приём даёт недопустимый статус или документ без МО")
        return [each if each.text else replace(each, text=finding_lines(each.findings)) for each in given]

    def _check_stop(self, connection: Connection) -> None:
        if launches.stop_requested(connection, self._launch_id):
            raise ConfigurationError(STOPPED_TEXT)

    def check_stopping(self) -> None:
        """Raise :class:`Stopping` when the process wants to end."""
        if self._around.stopping():
            raise Stopping

    def after_failure(self, error: TransportError) -> Pause | None:
        """Wait and try again; after the manifest's attempts the launch is over, the rest comes with the next one.

        A peer that answers what nobody can use is not said to be away.
        """
        retry = self._loaded.exchange.manifest.retry
        failures = self.failures + 1
        if failures < retry.attempts:
            return Pause(retry.delay_s * retry.factor ** (failures - 1), failures)
        with leased(self._around.engine, self._lease) as connection:
            waiting = self._waiting(connection)
        away = self._loaded.exchange.manifest.peer_is_away
        self.end(LaunchResult.FAILED, str(error) if isinstance(error, BadAnswer) else away, waiting)
        return None

    @property
    def _batch(self) -> int:
        return self._loaded.exchange.manifest.sending.send_batch

    @abstractmethod
    def _waiting(self, connection: Connection) -> str | None:
        """What a launch that could not go on leaves for the next one."""

    def end_well(self, counts: str | None = None) -> None:
        """Nothing more is to be had; what is left for a reason of ours or the peer's fails the launch."""
        if self._trouble is None:
            self.end(LaunchResult.SUCCESS, None, counts)
        else:
            left = f"документов: {len(self._left)}"
            self.end(LaunchResult.FAILED, self._trouble, f"{left}, {counts}" if counts else left)

    def end(self, result: LaunchResult, text: str | None, counts: str | None = None) -> None:
        """Close the launch."""
        self._around.reached(Point.ENDING)
        with leased(self._around.engine, self._lease) as connection:
            launches.end(connection, self._launch_id, result, text, counts)
            if result is LaunchResult.SUCCESS:
                launches.note_success(connection, self._service, self._launch_id)
            outbox.finish(connection, self._lease)


def delivery(incoming: Incoming) -> Delivery:
    """What tells one delivery from another."""
    return incoming.key, hashlib.sha256(incoming.data).digest()


def _handled(incoming: Incoming, judged: Sequence[Reception]) -> Handled:
    """What came of a document: of several receptions the first that refuses it; none at all is no refusal."""
    told = next((each for each in judged if each.status is PacketStatus.REFUSED), judged[0] if judged else None)
    if told is None:
        return Handled(incoming, PacketStatus.PROCESSED, "", None)
    return Handled(incoming, told.status, told.text, told.answer)


def _packet(packet_id: UUID, seal: bytes, incoming: Incoming, reception: Reception) -> ReceivedPacket:
    organization_id = reception.organization.id if reception.organization else None
    state = None
    if reception.state is not None and organization_id is not None:
        given = reception.state
        state = ReceivedState(organization_id, given.subject, given.digest, given.as_of)
    return ReceivedPacket(
        id=packet_id,
        seal=seal,
        organization_id=organization_id,
        packet_type=reception.packet_type,
        operation=reception.operation,
        status=reception.status,
        result_text=reception.text,
        data=incoming.data if reception.data is None else reception.data,
        media_type=NOT_XML if incoming.element is None and reception.data is None else XML,
        answer=reception.answer,
        documents=tuple((kind, serialize(document)) for kind, document in reception.documents),
        closes=reception.closes,
        concerns=reception.concerns,
        marks=reception.marks,
        findings=reception.findings,
        state=state,
    )
