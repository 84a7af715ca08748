"""A house with a stand-in ФГИС ФРИ: a journal, three МО, invented people, and a worker process driven by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, text

from gateway.catalog.registry import Catalog, load_catalog
from gateway.domain.roles import Account, Role, Viewer
from gateway.journal import launches, outbox, registry
from gateway.journal.bodies import unpack
from gateway.journal.launches import Starter
from gateway.journal.schema import load_secret
from gateway.operations import inbox, intake
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.records import Submission
from gateway.settings import load_settings
from tests.support.waiting import eventually
from workers.demo.region import ORGANIZATIONS, Document
from workers.runner.process import WorkerProcess
from workers.runs.surroundings import Point
from workers.sandbox.fri_disabled import FriDisabledSandbox

SERVICE: Final = "fri-disabled"
SLUG: Final = "fri_disabled"
FIRST, SECOND, THIRD = (o.oid for o in ORGANIZATIONS)
MORNING: Final = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)


def hurried_catalog(batch: int = 3) -> Catalog:
    """The catalog with small pages and pauses too short to wait for."""
    catalog = load_catalog()
    exchange = catalog.exchanges[SERVICE]
    retry = exchange.manifest.retry.model_copy(update={"delay_s": 0.02})
    sending = exchange.manifest.sending.model_copy(update={"send_batch": batch})
    manifest = exchange.manifest.model_copy(update={"retry": retry, "sending": sending})
    return replace(catalog, exchanges={**catalog.exchanges, SERVICE: replace(exchange, manifest=manifest)})


@dataclass
class FriHouse:
    """One journal with its peer."""

    engine: Engine
    sandbox: FriDisabledSandbox
    organizations: dict[str, int]
    settings: Mapping[str, str]
    _minutes: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def context(self) -> Context:
        """What operations need."""
        return Context(self.engine, load_catalog(), Cursors(load_secret(self.engine)))

    def viewer(self, oid: str, role: Role = Role.MIS) -> Viewer:
        """An account of one МО."""
        return Viewer(Account(1, "mis", role, frozenset({self.organizations[oid]})))

    def submit(self, oid: str, given: Iterable[Document]) -> list[str]:
        """Hand objects over at the door; empty content removes."""
        moment = MORNING + timedelta(minutes=next(self._minutes))
        batch = [
            Submission(d.object_id, d.object_type, moment, deleted=not d.content, content=(d.content or b"").decode())
            for d in given
        ]
        outcomes = intake.submit_objects(self.context, self.viewer(oid), SERVICE, oid, batch, None)
        return [outcome.result for outcome in outcomes]

    def start(self) -> UUID:
        """«Запуск»."""
        with self.engine.begin() as connection:
            return launches.start(connection, SERVICE, [None], Starter(None, "Испытание"))[0]

    def worker(
        self,
        reached: Callable[[Point], None] = lambda _: None,
        batch: int = 3,
        changed: Mapping[str, str] = MappingProxyType({}),
    ) -> WorkerProcess:
        """A process driven by hand."""
        settings = load_settings(services={SLUG: {**self.settings, **changed}})
        return WorkerProcess(self.engine, hurried_catalog(batch), settings, reached=reached)

    def finish(self, launch_id: UUID, worker: WorkerProcess | None = None) -> tuple[str, str | None]:
        """Perform what is due until the launch is over: its result and text."""
        process = worker or self.worker()

        def over() -> bool:
            for work_id in outbox.publish_due(self.engine):
                process.perform(work_id)
            return self.told(launch_id)[0] != "RUNNING"

        eventually(over, 60, what="the launch ends")
        return self.told(launch_id)

    def launch(self, **changed: str) -> tuple[str, str | None]:
        """«Запуск», to its end."""
        return self.finish(self.start(), self.worker(changed=changed))

    def told(self, launch_id: UUID) -> tuple[str, str | None]:
        """Result and text of a launch."""
        statement = "SELECT result, concat_ws(', ', result_text, result_counts) FROM launches WHERE id = :id"
        ((result, told),) = self.rows(statement, id=launch_id)
        return result, told or None

    def release(self) -> None:
        """Let a lease lapse now that its holder is known to be gone."""
        with self.engine.begin() as connection:
            connection.execute(
                text("UPDATE outbox SET lease_until = clock_timestamp(), not_before = clock_timestamp()")
            )

    def rows(self, statement: str, **parameters: object) -> list[Any]:
        """Rows of the journal."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(statement), parameters))

    def packets(self, oid: str | None) -> list[tuple[str, str, str, str]]:
        """Type, operation, status and «Результат» of every packet of a МО (None: of none), in order."""
        statement = (
            "SELECT packet_type, operation, status, result_text FROM packets"
            " WHERE organization_id IS NOT DISTINCT FROM CAST(:id AS bigint) ORDER BY id"
        )
        return [tuple(r) for r in self.rows(statement, id=None if oid is None else self.organizations[oid])]

    def data(self, oid: str | None) -> list[bytes]:
        """«Данные пакета» of every packet of a МО, in order."""
        statement = (
            "SELECT b.content FROM packets p JOIN packet_bodies b ON b.packet_id = p.id AND b.kind = 'DATA'"
            " WHERE p.organization_id IS NOT DISTINCT FROM CAST(:id AS bigint) ORDER BY p.id"
        )
        return [unpack(r[0]) for r in self.rows(statement, id=None if oid is None else self.organizations[oid])]

    def take(self, oid: str) -> list[Any]:
        """What the МИС of a МО is offered."""
        return list(inbox.take_inbound(self.context, self.viewer(oid), SERVICE, 1000))

    def asked(self) -> list[str]:
        """СНИЛС that the peer was asked for, in order."""
        return [e.snils for e in self.sandbox.ledger() if e.operation == "GetInvalidExtract"]


@contextmanager
def fri_house(engine: Engine) -> Iterator[FriHouse]:
    """Furnish an empty database: three МО, and a peer with memory only."""
    sandbox = FriDisabledSandbox()
    address = sandbox.start(username="gateway", password="invented")
    with engine.begin() as connection:
        ids = {o.oid: registry.put_organization(connection, o.oid, o.name, {}) for o in ORGANIZATIONS}
    try:
        settings = {"address": address, "username": "gateway", "password": "invented"}
        yield FriHouse(engine, sandbox, ids, settings)
    finally:
        sandbox.stop()
