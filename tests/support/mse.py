"""A house with a stand-in ФБ МСЭ: a journal, three МО, invented referrals, and a worker process driven by hand."""

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
from gateway.journal import launches, objects, outbox, registry
from gateway.journal.bodies import pack
from gateway.journal.launches import Starter
from gateway.journal.objects import Arrival
from gateway.journal.schema import load_secret
from gateway.operations import intake
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.records import Submission
from gateway.settings import load_settings
from gateway.xml.canonical import content_digest
from gateway.xml.parser import parse
from tests.support import bureau
from tests.support.waiting import eventually
from workers.demo.parts.mse_data import Made, patients, referrals
from workers.demo.region import ORGANIZATIONS
from workers.runner.process import WorkerProcess
from workers.runs.surroundings import Point
from workers.sandbox.mse import MseSandbox

SLUG: Final = "mse"
EXPORT: Final = "mse-export"
IMPORT: Final = "mse-import"
FIRST, SECOND, _ = ORGANIZATIONS
MORNING: Final = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)


def hurried_catalog(form_batch: int = 5) -> Catalog:
    """The catalog with small batches and pauses too short to wait for."""
    catalog = load_catalog()
    made = dict(catalog.exchanges)
    for code in (EXPORT, IMPORT):
        manifest = made[code].manifest
        retry = manifest.retry.model_copy(update={"delay_s": 0.05})
        sending = manifest.sending.model_copy(update={"form_batch": form_batch})
        made[code] = replace(made[code], manifest=manifest.model_copy(update={"retry": retry, "sending": sending}))
    return replace(catalog, exchanges=made)


@dataclass
class MseHouse:
    """One journal with its peer."""

    engine: Engine
    sandbox: MseSandbox
    organizations: dict[str, int]
    settings: dict[str, str]
    _minutes: Iterator[int] = field(default_factory=lambda: count(1))

    def submit(self, service: str, oid: str, given: Iterable[Made]) -> None:
        """Hand objects over at the door; empty content removes."""
        moment = MORNING + timedelta(minutes=next(self._minutes))
        context = Context(self.engine, load_catalog(), Cursors(load_secret(self.engine)))
        viewer = Viewer(Account(1, "mis", Role.MIS, frozenset(self.organizations.values())))
        batch = [
            Submission(object_id, object_type, moment, deleted=not content, content=content.decode() or None)
            for object_type, object_id, content in given
        ]
        outcomes = intake.submit_objects(context, viewer, service, oid, batch, None)
        assert {outcome.result for outcome in outcomes} <= {"ACCEPTED", "UNCHANGED"}, outcomes

    def store(self, service: str, oid: str, given: Iterable[Made]) -> None:
        """Hand objects over behind the door, where nothing is judged."""
        arrivals = [
            Arrival(kind, object_id, MORNING, False, pack(content), content_digest(parse(content)))
            for kind, object_id, content in given
        ]
        with self.engine.begin() as connection:
            objects.submit(connection, service, self.organizations[oid], arrivals, None)

    def start(self, service: str = EXPORT) -> UUID:
        """«Запуск»."""
        with self.engine.begin() as connection:
            return launches.start(connection, service, [None], Starter(None, "Испытание"))[0]

    def worker(
        self,
        reached: Callable[[Point], None] = lambda _: None,
        catalog: Catalog | None = None,
        changed: Mapping[str, str] = MappingProxyType({}),
    ) -> WorkerProcess:
        """A process driven by hand; some settings of the exchange changed."""
        settings = load_settings(services={SLUG: {**self.settings, **changed}})
        return WorkerProcess(self.engine, catalog or hurried_catalog(), settings, reached=reached)

    def finish(self, launch_id: UUID, worker: WorkerProcess | None = None) -> tuple[str, str | None]:
        """Perform what is due until the launch is over: its result and text."""
        process = worker or self.worker()

        def over() -> bool:
            for work_id in outbox.publish_due(self.engine):
                process.perform(work_id)
            return self._result(launch_id)[0] != "RUNNING"

        eventually(over, 60, what="the launch ends")
        return self._result(launch_id)

    def launch(self, service: str = EXPORT, **changed: str) -> tuple[str, str | None]:
        """«Запуск», to its end."""
        return self.finish(self.start(service), self.worker(changed=changed))

    def _result(self, launch_id: UUID) -> tuple[str, str | None]:
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

    def statuses(self) -> dict[str, int]:
        """How many packets there are by status."""
        return {r[0]: r[1] for r in self.rows("SELECT status, count(*) FROM packets GROUP BY 1")}

    def results(self) -> list[str]:
        """«Результат» of every packet, in their order."""
        return [r[0] for r in self.rows("SELECT result_text FROM packets ORDER BY id")]

    def clerks_done(self, referrals: int) -> None:
        """Wait until so many referrals were taken and answered by back tickets."""
        taken = self.sandbox.referrals
        eventually(lambda: len(taken()) == referrals and all(taken().values()), 20, what="the clerks are done")


@contextmanager
def mse_house(engine: Engine, way: str = "ftp") -> Iterator[MseHouse]:
    """Furnish an empty database: three МО with their ОГРН, and a peer with memory only."""
    with bureau.bureau(way) as sandbox:
        with engine.begin() as connection:
            ids = {
                o.oid: registry.put_organization(connection, o.oid, o.name, {"tfoms": o.code, "ogrn": o.ogrn})
                for o in ORGANIZATIONS
            }
        yield MseHouse(engine, sandbox, ids, bureau.settings(sandbox, way))


def exported(house: MseHouse, count: int) -> None:
    """Let so many people of the first МО be referred, and their tickets be laid out."""
    house.submit(EXPORT, FIRST.oid, referrals(FIRST, count, sound=True))
    house.submit(IMPORT, FIRST.oid, patients(FIRST, count))
    assert house.launch()[0] == "SUCCESS"
    house.clerks_done(count)


def results(house: MseHouse) -> list[tuple[str, str]]:
    """Status and «Результат» of every ticket, in order."""
    return [
        tuple(r) for r in house.rows("SELECT status, result_text FROM packets WHERE direction = 'IMPORT' ORDER BY id")
    ]
