"""The run of a launch that receives: take a page → judge it → journal it → tell the peer, until the peer has no more.

A document is journaled in one transaction with all that it brings about, and only then is the peer told. A worker that
dies in between leaves a document that comes again, is known by its key and content, and is answered as it was.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.catalog.manifest import PacketType
from gateway.domain.errors import ConfigurationError, Finding, GatewayError, finding_lines
from gateway.domain.launches import STOPPED_TEXT, LaunchResult
from gateway.domain.lookups import comparable
from gateway.domain.statuses import INITIAL, Direction
from gateway.journal import launches, outbox, receiving
from gateway.journal.bodies import unpack
from gateway.journal.engine import database_now, new_ids
from gateway.journal.outbox import Lease, leased
from gateway.journal.packets import XML
from gateway.journal.receiving import ReceivedPacket
from gateway.logs import trail
from gateway.xml.canonical import serialize
from gateway.xml.limits import ANSWER_LIMITS
from gateway.xml.parser import parse
from gateway.xml.paths import local
from gateway.xml.schemas import validate
from workers.exchange import (
    NO_REFERENCE,
    Element,
    Handled,
    Incoming,
    InDoubt,
    NotSent,
    Organization,
    PeerRefused,
    Reception,
    Reference,
    SignInRefused,
    Source,
    SourceObject,
    Submitted,
)
from workers.runs.loading import Loaded
from workers.runs.surroundings import Pause, Point, Surroundings

logger = logging.getLogger(__name__)

TAKE_MAX: Final = 1000
NOT_XML: Final = "application/octet-stream"
UNKNOWN_TYPE: Final = "Документ неизвестного типа."
NOT_HANDLED: Final = "Документы не обработаны из-за внутренней ошибки {name}, подробности в журнале программы"


_Delivery = tuple[str, bytes]
"""A document's key and the digest of its content."""


class _Stopping(Exception):
    """The process is stopping: give the lease back and let another worker go on."""


def run_receiving(
    around: Surroundings, loaded: Loaded, lease: Lease, open_transport: Callable[[], Any], system: Sequence[str]
) -> Pause | None:
    """Go on with a launch until the peer has no more documents (None) or the run has to wait. Commits page by page.

    ``system`` are the services of the exchange's folder, among whose objects a document may find its own.

    Raises:
        LeaseLost: another worker goes on.
    """
    if lease.launch_id is None or loaded.source is None or loaded.receive is None:
        raise ConfigurationError("Приём без запуска или без функций source и receive")
    run = _Run(around, loaded, lease, lease.launch_id, system)
    around.reached(Point.TAKEN)
    try:
        with closing(open_transport()) as transport:
            run.receive_all(loaded.source(transport))
    except _Stopping:
        return Pause(0, run.failures)
    except (NotSent, InDoubt):
        return run.after_failure()
    except (SignInRefused, PeerRefused, ConfigurationError) as error:
        run.end(LaunchResult.FAILED, str(error))
        return None
    run.end_well()
    return None


class _Run:
    """One leased attempt. ``_left`` are the documents that stay with the peer for this time, ``_told`` those it was
    told of last."""

    def __init__(
        self, around: Surroundings, loaded: Loaded, lease: Lease, launch_id: UUID, system: Sequence[str]
    ) -> None:
        self._around = around
        self._loaded = loaded
        self._lease = lease
        self._launch_id = launch_id
        self._system = tuple(system)
        self._service = lease.service_code
        self._left: set[_Delivery] = set()
        self._told: set[_Delivery] = set()
        self._trouble: str | None = None
        self.failures = lease.failures

    def receive_all(self, source: Source) -> None:
        """Take page after page until one brings nothing that is not left with the peer."""
        limit = self._loaded.exchange.manifest.sending.send_batch
        while True:
            if self._around.stopping():
                raise _Stopping
            taken = source.take(min(limit + len(self._left), TAKE_MAX))
            self._around.reached(Point.ANSWERS_TAKEN)
            page = {_delivery(each): each for each in taken}
            # What was confirmed a moment ago and comes again would come for ever.
            self._left.update(page.keys() & self._told)
            fresh = {key: each for key, each in page.items() if key not in self._left}
            if not fresh:
                return
            handled = self._journal(list(fresh.values()))
            self._around.reached(Point.ANSWERS_JOURNALED)
            self._tell(source, handled)
            self._around.reached(Point.ANSWERS_CONFIRMED)
            self.failures = 0

    def _journal(self, incoming: Sequence[Incoming]) -> dict[bytes, Handled]:
        """Journal what is new of a page; by seal, what the peer is to be told of all of it."""
        with leased(self._around.engine, self._lease) as connection:
            self._check_stop(connection)
            sealed = receiving.seal_documents(connection, [(each.key, each.data) for each in incoming])
            known = receiving.known_documents(connection, self._service, sealed)
        handled: dict[bytes, Handled] = {}
        new: dict[bytes, Incoming] = {}
        for seal, each in zip(sealed, incoming, strict=True):
            if seal not in known:
                read = self._attempt(each, partial(self._read, each))
                if read is not None:
                    new[seal] = read
            elif (status := known[seal].status) is None:
                self._left.add(_delivery(each))
            else:
                handled[seal] = Handled(each, status, known[seal].text, known[seal].answer)
        return {**handled, **self._journal_new(new)}

    def _journal_new(self, new: dict[bytes, Incoming]) -> dict[bytes, Handled]:
        handled: dict[bytes, Handled] = {}
        received: list[ReceivedPacket] = []
        with leased(self._around.engine, self._lease) as connection:
            moment, ids = database_now(connection), new_ids(connection)
            shelf = self._around.library.open(connection, self._loaded.exchange.manifest.dictionaries)
            desk = OpenDesk(connection, self._service, self._system, moment, next(ids), shelf)
            for seal, each in new.items():
                if self._around.stopping() or launches.stop_requested(connection, self._launch_id):
                    break
                desk.packet_id = next(ids)
                reception = self._attempt(each, partial(self._judge, each, desk))
                if reception is not None:
                    desk.remember(reception)
                    received.append(_packet(desk.packet_id, seal, each, reception))
                    handled[seal] = Handled(each, reception.status, reception.text, reception.answer)
            receiving.journal_received(connection, self._service, self._launch_id, received, self._system)
        return handled

    def _attempt(self, incoming: Incoming, step: Callable[[], Any]) -> Any:
        """What a step of the exchange gives; None when its code fails: that document stays with the peer."""
        try:
            return step()
        except (GatewayError, SQLAlchemyError):
            raise
        except Exception as error:  # noqa: BLE001 # one document must not bar all those behind it
            logger.error("a document of %s is not handled: %s", self._service, trail(error))
            self._trouble = NOT_HANDLED.format(name=type(error).__name__)
            self._left.add(_delivery(incoming))
            return None

    def _read(self, incoming: Incoming) -> Incoming:
        try:
            root = parse(incoming.data, ANSWER_LIMITS)
        except GatewayError as error:
            return replace(incoming, findings=error.findings or (Finding("/", None, "XML", error.message),))
        element = self._loaded.prepare(root) if self._loaded.prepare else root
        kind = self._packet_type(element)
        if kind is None:
            found: tuple[Finding, ...] = (Finding("/", element.sourceline, "TYPE", UNKNOWN_TYPE),)
        else:
            found = validate(element, self._loaded.exchange.schema(kind.schema_path))
        return replace(incoming, packet_type=kind.code if kind else None, element=element, findings=found)

    def _packet_type(self, element: Element) -> PacketType | None:
        name = local(element)
        return next((p for p in self._loaded.exchange.manifest.packet_types if p.root_name == name), None)

    def _judge(self, incoming: Incoming, desk: OpenDesk) -> Reception:
        if self._loaded.receive is None:
            raise ConfigurationError("У обмена нет функции receive")
        reception = self._loaded.receive(incoming, desk)
        owned = reception.documents or reception.closes
        if reception.status not in INITIAL[Direction.IMPORT] or (owned and reception.organization is None):
            slug = self._loaded.exchange.manifest.slug
            raise ConfigurationError(f"Обмен {slug}: приём даёт недопустимый статус или документ без МО")
        return reception if reception.text else replace(reception, text=finding_lines(reception.findings))

    def _tell(self, source: Source, handled: dict[bytes, Handled]) -> None:
        refused = source.confirm(list(handled.values())) if handled else {}
        done = [seal for seal, each in handled.items() if each.incoming.key not in refused]
        with leased(self._around.engine, self._lease) as connection:
            receiving.note_confirmed(connection, self._service, done)
        self._told = {_delivery(each.incoming) for each in handled.values()}
        self._left.update(each for each in self._told if each[0] in refused)
        if refused:
            peer, reason = self._loaded.exchange.manifest.peer, next(iter(refused.values()))
            self._trouble = f"{peer} не принимает ответ: {reason}"

    def _check_stop(self, connection: Connection) -> None:
        if launches.stop_requested(connection, self._launch_id):
            raise ConfigurationError(STOPPED_TEXT)

    def after_failure(self) -> Pause | None:
        """Wait and try again; after the manifest's attempts the launch is over, the rest comes with the next one."""
        retry = self._loaded.exchange.manifest.retry
        failures = self.failures + 1
        if failures < retry.attempts:
            return Pause(retry.delay_s * retry.factor ** (failures - 1), failures)
        with leased(self._around.engine, self._lease) as connection:
            waiting = receiving.count_unconfirmed(connection, self._service)
        counts = f"ждут подтверждения: {waiting}" if waiting else None
        self.end(LaunchResult.FAILED, self._loaded.exchange.manifest.peer_is_away, counts)
        return None

    def end_well(self) -> None:
        """The peer has nothing more; what stays with it for a reason of ours or its own fails the launch."""
        if self._trouble is None:
            self.end(LaunchResult.SUCCESS, None)
        else:
            self.end(LaunchResult.FAILED, self._trouble, f"документов: {len(self._left)}")

    def end(self, result: LaunchResult, text: str | None, counts: str | None = None) -> None:
        """Close the launch."""
        self._around.reached(Point.ENDING)
        with leased(self._around.engine, self._lease) as connection:
            launches.end(connection, self._launch_id, result, text, counts)
            if result is LaunchResult.SUCCESS:
                launches.note_success(connection, self._service, self._launch_id)
            outbox.finish(connection, self._lease)


@dataclass(slots=True)
class OpenDesk:
    """What ``receive`` asks, answered in the transaction that journals its page and with what the page holds so far."""

    connection: Connection
    service_code: str
    system: Sequence[str]
    moment: datetime
    packet_id: UUID
    reference: Reference = NO_REFERENCE
    _organizations: dict[tuple[str, str], list[Organization]] = field(default_factory=dict)
    _marks: set[str] = field(default_factory=set)
    _closed: set[tuple[int, str, str]] = field(default_factory=set)

    def organizations(self, system: str, code: str) -> list[Organization]:
        """МО that have this code in a system."""
        if (system, code) not in self._organizations:
            rows = receiving.organizations_by_code(self.connection, system, code)
            self._organizations[system, code] = [Organization(r.id, r.oid, r.name, r.codes) for r in rows]
        return self._organizations[system, code]

    def find(self, object_type: str, lookup: Sequence[str]) -> list[Submitted]:
        """Submitted objects with this lookup, the newest state first."""
        wanted = comparable(lookup)
        if wanted is None:
            return []
        return [
            Submitted(
                Organization(row.id, row.oid, row.name, row.codes),
                SourceObject(object_type, row.object_id, parse(unpack(row.content))),
                row.changed_at,
                row.closed or (row.id, object_type, row.object_id) in self._closed,
            )
            for row in receiving.find_objects(self.connection, self.system, object_type, wanted)
        ]

    def received(self, mark: str) -> bool:
        """Tell whether an earlier document bore this mark."""
        return mark in self._marks or receiving.has_mark(self.connection, self.service_code, mark)

    def remember(self, reception: Reception) -> None:
        """Let the documents behind this one in the page see what it brought about."""
        self._marks.update(reception.marks)
        if reception.organization is not None:
            self._closed.update((reception.organization.id, *each) for each in reception.closes)


def _delivery(incoming: Incoming) -> _Delivery:
    return incoming.key, hashlib.sha256(incoming.data).digest()


def _packet(packet_id: UUID, seal: bytes, incoming: Incoming, reception: Reception) -> ReceivedPacket:
    return ReceivedPacket(
        id=packet_id,
        seal=seal,
        organization_id=reception.organization.id if reception.organization else None,
        packet_type=reception.packet_type,
        operation=reception.operation,
        status=reception.status,
        result_text=reception.text,
        data=incoming.data,
        media_type=NOT_XML if incoming.element is None else XML,
        answer=reception.answer,
        documents=tuple((kind, serialize(document)) for kind, document in reception.documents),
        closes=reception.closes,
        marks=reception.marks,
        findings=reception.findings,
    )
