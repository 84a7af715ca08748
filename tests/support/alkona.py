"""A house with a stand-in Алькона: a journal, three МО, invented objects, and a worker process driven by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, text

from gateway.catalog.registry import Catalog, load_catalog
from gateway.journal import launches, objects, outbox, registry
from gateway.journal.bodies import pack
from gateway.journal.launches import Starter
from gateway.journal.objects import Arrival
from gateway.settings import load_settings
from gateway.xml.canonical import content_digest
from gateway.xml.parser import parse
from tests.support.waiting import eventually
from workers.demo.parts.alkona_data import Made, observations
from workers.demo.region import ORGANIZATIONS, DemoOrganization
from workers.runner.process import WorkerProcess
from workers.runs.surroundings import Point
from workers.sandbox.alkona import AlkonaSandbox

SLUG: Final = "alkona"
DN: Final = "alkona-dn"
MORNING: Final = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
FIRST, SECOND, _ = ORGANIZATIONS


def arrival_of(made: Made, moment: datetime) -> Arrival:
    """An object as the door stores it; empty content removes."""
    object_type, object_id, content = made
    packed, digest = (pack(content), content_digest(parse(content))) if content else (b"", b"")
    return Arrival(object_type, object_id, moment, not content, packed, digest)


def small_catalog(records: int = 5, answer_window_s: float = 60) -> Catalog:
    """The catalog with small packets and short pauses."""
    catalog = load_catalog()
    made = {}
    for code, exchange in catalog.exchanges.items():
        manifest = exchange.manifest
        if manifest.slug == SLUG:
            sending = manifest.sending.model_copy(update={"answer_poll_s": 0.1, "answer_window_s": answer_window_s})
            types = tuple(each.model_copy(update={"records": records}) for each in manifest.packet_types)
            retry = manifest.retry.model_copy(update={"delay_s": 0.1})
            changed = {"sending": sending, "packet_types": types, "retry": retry}
            exchange = replace(exchange, manifest=manifest.model_copy(update=changed))  # noqa: PLW2901 # the same service
        made[code] = exchange
    return replace(catalog, exchanges=made)


@dataclass
class AlkonaHouse:
    """One journal with its peer."""

    engine: Engine
    sandbox: AlkonaSandbox
    organizations: dict[str, int]
    settings: dict[str, str]
    _minutes: Iterator[int] = field(default_factory=lambda: count(1))

    def submit(self, service: str, oid: str, given: Iterable[Made]) -> None:
        """Store objects as the door does; empty content removes."""
        moment = MORNING + timedelta(minutes=next(self._minutes))
        arrivals = [arrival_of(each, moment) for each in given]
        with self.engine.begin() as connection:
            objects.submit(connection, service, self.organizations[oid], arrivals, None)

    def start(self, service: str = DN, scope: frozenset[int] | None = None) -> UUID:
        """«Запуск»."""
        with self.engine.begin() as connection:
            return launches.start(connection, service, [scope], Starter(None, "Испытание"))[0]

    def worker(
        self, reached: Callable[[Point], None] = lambda _: None, catalog: Catalog | None = None
    ) -> WorkerProcess:
        """A process driven by hand."""
        settings = load_settings(services={SLUG: self.settings})
        return WorkerProcess(self.engine, catalog or small_catalog(), settings, reached=reached)

    def finish(self, launch_id: UUID, worker: WorkerProcess | None = None) -> str:
        """Perform what is due until the launch is over; its result."""
        process = worker or self.worker()

        def over() -> bool:
            for work_id in outbox.publish_due(self.engine):
                process.perform(work_id)
            return self.result(launch_id) != "RUNNING"

        eventually(over, 60, what="the launch ends")
        return self.result(launch_id)

    def launch(self, service: str = DN) -> UUID:
        """A launch to its successful end."""
        launch_id = self.start(service)
        assert self.finish(launch_id) == "SUCCESS", self.rows("SELECT result_text FROM launches")
        return launch_id

    def result(self, launch_id: UUID) -> str:
        """Result of a launch."""
        return str(self.rows("SELECT result FROM launches WHERE id = :id", id=launch_id)[0].result)

    def rows(self, statement: str, **parameters: object) -> list[Any]:
        """Rows of the journal."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(statement), parameters))

    def statuses(self) -> dict[str, int]:
        """How many packets there are by status."""
        return {r[0]: r[1] for r in self.rows("SELECT status, count(*) FROM packets GROUP BY 1")}

    def packets_of(self, launch_id: UUID) -> list[Any]:
        """Packets of many of a launch, as they were formed."""
        return self.rows(
            "SELECT * FROM packets WHERE launch_id = :id AND items_total IS NOT NULL ORDER BY id", id=launch_id
        )


def sound(organization: DemoOrganization = FIRST, number: int = 7, first: int = 1) -> list[Made]:
    """Observations that neither our rules nor the peer's have anything against."""
    numbers = (n for n in count(first) if n % 13 and n % 9 != 4)
    return [next(observations(organization, 1, n)) for n in islice(numbers, number)]


def check_books(house: AlkonaHouse) -> None:
    """Nothing lost, nothing doubled: every object accepted once, the peer's ledger is the journal, groups are whole."""
    lost = house.rows("SELECT id FROM source_objects WHERE accepted_hash IS DISTINCT FROM content_hash")
    doubled = house.rows("SELECT source_object_id FROM packet_items GROUP BY 1 HAVING count(*) > 1")
    assert (lost, doubled) == ([], [])
    journal = house.rows("SELECT * FROM packets ORDER BY id")
    ledger = house.sandbox.ledger()
    assert sorted((e.id, e.name, e.position, e.size, e.records) for e in ledger) == sorted(
        (str(p.id), p.name, p.group_position, p.group_size, p.items_total) for p in journal
    )
    for group in {e.group_id for e in ledger}:
        places = sorted((e.position, e.size) for e in ledger if e.group_id == group)
        assert places == [(n, len(places)) for n in range(1, len(places) + 1)]
    assert len({e.name for e in ledger}) == len(ledger)
    assert house.rows("SELECT 1 FROM attempts WHERE finished_at IS NULL OR outcome IS NULL") == []
    assert house.rows("SELECT sum(packets_total) FROM launch_counters")[0][0] == len(journal)


@contextmanager
def alkona_house(engine: Engine, folder: Path) -> Iterator[AlkonaHouse]:
    """Furnish an empty database: three МО and a peer with memory only."""
    sandbox = AlkonaSandbox()
    sandbox.start(folder, username="alkona", password="выдуманный пароль")
    try:
        with engine.begin() as connection:
            ids = {
                o.oid: registry.put_organization(connection, o.oid, o.name, {"tfoms": o.code}) for o in ORGANIZATIONS
            }
        yield AlkonaHouse(engine, sandbox, ids, sandbox.settings)
    finally:
        sandbox.stop()
