"""A house for exchanges of packets of many: a journal, three МО, and a worker process driven by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import Engine, text

from gateway.catalog.registry import Catalog, load_catalog
from gateway.journal import launches, objects, outbox
from gateway.journal.bodies import pack, unpack
from gateway.journal.launches import Starter
from gateway.journal.objects import Arrival
from gateway.settings import load_settings
from gateway.xml.canonical import content_digest
from gateway.xml.parser import parse
from tests.support.waiting import eventually
from workers.runner.process import WorkerProcess
from workers.runs.surroundings import Point

MORNING: Final = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
Made = tuple[str, str, bytes]
"""Object type, the МИС's id, content."""


def arrival_of(made: Made, moment: datetime) -> Arrival:
    """An object as the door stores it; empty content removes."""
    object_type, object_id, content = made
    packed, digest = (pack(content), content_digest(parse(content))) if content else (b"", b"")
    return Arrival(object_type, object_id, moment, not content, packed, digest)


def small_catalog(slug: str, records: int = 5, answer_window_s: float = 60) -> Catalog:
    """The catalog with small packets and short pauses of one exchange."""
    catalog = load_catalog()
    made = {}
    for code, exchange in catalog.exchanges.items():
        manifest = exchange.manifest
        if manifest.slug == slug:
            sending = manifest.sending.model_copy(update={"answer_poll_s": 0.1, "answer_window_s": answer_window_s})
            types = tuple(each.model_copy(update={"records": records}) for each in manifest.packet_types)
            retry = manifest.retry.model_copy(update={"delay_s": 0.1})
            changed = {"sending": sending, "packet_types": types, "retry": retry}
            exchange = replace(exchange, manifest=manifest.model_copy(update=changed))  # noqa: PLW2901 # the same service
        made[code] = exchange
    return replace(catalog, exchanges=made)


@dataclass
class PacketHouse:
    """One journal of one exchange; ``SERVICE`` is what is launched unless told."""

    SLUG: ClassVar[str]
    SERVICE: ClassVar[str]

    engine: Engine
    organizations: dict[str, int]
    settings: dict[str, str]
    _minutes: Iterator[int] = field(default_factory=lambda: count(1))

    def submit(self, service: str, oid: str, given: Iterable[Made]) -> None:
        """Store objects as the door does; empty content removes."""
        moment = MORNING + timedelta(minutes=next(self._minutes))
        arrivals = [arrival_of(each, moment) for each in given]
        with self.engine.begin() as connection:
            objects.submit(connection, service, self.organizations[oid], arrivals, None)

    def start(self, service: str | None = None, scope: frozenset[int] | None = None) -> UUID:
        """«Запуск»."""
        with self.engine.begin() as connection:
            return launches.start(connection, service or self.SERVICE, [scope], Starter(None, "Испытание"))[0]

    def worker(
        self, reached: Callable[[Point], None] = lambda _: None, catalog: Catalog | None = None
    ) -> WorkerProcess:
        """A process driven by hand."""
        settings = load_settings(services={self.SLUG: self.settings})
        return WorkerProcess(self.engine, catalog or small_catalog(self.SLUG), settings, reached=reached)

    def finish(self, launch_id: UUID, worker: WorkerProcess | None = None) -> str:
        """Perform what is due until the launch is over; its result."""
        process = worker or self.worker()

        def over() -> bool:
            for work_id in outbox.publish_due(self.engine):
                process.perform(work_id)
            return self.result(launch_id) != "RUNNING"

        eventually(over, 60, what="the launch ends")
        return self.result(launch_id)

    def launch(self, service: str | None = None) -> UUID:
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

    def body(self, packet_id: UUID, kind: str = "DATA") -> str:
        """«Данные пакета» or, as ``ANSWER``, «Ответ»."""
        statement = "SELECT content FROM packet_bodies WHERE packet_id = :id AND kind = :kind"
        return unpack(self.rows(statement, id=packet_id, kind=kind)[0].content).decode()

    def statuses(self) -> dict[str, int]:
        """How many packets there are by status."""
        return {r[0]: r[1] for r in self.rows("SELECT status, count(*) FROM packets GROUP BY 1")}

    def packets_of(self, launch_id: UUID) -> list[Any]:
        """Packets of many of a launch, as they were formed."""
        return self.rows(
            "SELECT * FROM packets WHERE launch_id = :id AND items_total IS NOT NULL ORDER BY id", id=launch_id
        )
