"""The service that takes changes of insurance from ТФОМС, driven by hand, and what its journal says afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, text

from gateway.catalog.registry import Catalog, load_catalog
from gateway.journal import launches, outbox
from gateway.journal.launches import Starter
from gateway.settings import load_settings
from tests.support.running import add_organizations
from tests.support.waiting import eventually
from workers.demo.region import ORGANIZATIONS
from workers.runner.process import WorkerProcess
from workers.runs.surroundings import Point
from workers.sandbox.tfoms import TfomsSandbox

INSURANCE: Final = "tfoms-insurance"
CODES: Final = tuple(o.code for o in ORGANIZATIONS)
STRANGER: Final = "990001"
"""A МО that ТФОМС knows and this journal does not."""


def hurried_catalog() -> Catalog:
    """The catalog with pauses too short to wait for."""
    catalog = load_catalog()
    exchange = catalog.exchanges[INSURANCE]
    retry = exchange.manifest.retry.model_copy(update={"delay_s": 0.05})
    manifest = exchange.manifest.model_copy(update={"retry": retry})
    return replace(catalog, exchanges={**catalog.exchanges, INSURANCE: replace(exchange, manifest=manifest)})


class Receiver:
    """A journal, a stand-in ТФОМС and a worker that performs in this thread."""

    def __init__(self, engine: Engine, sandbox: TfomsSandbox) -> None:
        self.engine = engine
        self.sandbox = sandbox

    def process(self, reached: Callable[[Point], None] = lambda _: None) -> WorkerProcess:
        """Another worker process, told nothing of points unless asked."""
        given = {"tfoms_hosp": {"address": self.sandbox.url, "username": "gateway", "password": "invented"}}
        return WorkerProcess(self.engine, hurried_catalog(), load_settings(services=given), reached=reached)

    def start(self) -> UUID:
        """«Запуск», not yet performed."""
        with self.engine.begin() as connection:
            return launches.start(connection, INSURANCE, [None], Starter(None, "Испытание"))[0]

    def launch(self) -> tuple[str, str | None]:
        """«Запуск», to its end: result and its text."""
        return self.finish(self.start())

    def finish(self, launch_id: UUID) -> tuple[str, str | None]:
        """Perform what is due until the launch is over."""
        process = self.process()
        eventually(lambda: self.step(process) and self._over(launch_id), 30, what="the launch ends")
        (row,) = self.rows(
            "SELECT result, concat_ws(', ', result_text, result_counts) FROM launches WHERE id = :id", id=launch_id
        )
        return row[0], row[1] or None

    def step(self, process: WorkerProcess) -> bool:
        """Perform what is due now."""
        for work_id in outbox.publish_due(self.engine):
            process.perform(work_id)
        return True

    def _over(self, launch_id: UUID) -> bool:
        return bool(self.rows("SELECT 1 FROM launches WHERE id = :id AND result <> 'RUNNING'", id=launch_id))

    def rows(self, statement: str, **given: object) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), given)]

    def statuses(self) -> dict[str, int]:
        """How many packets there are by status."""
        return dict(self.rows("SELECT status, count(*) FROM packets GROUP BY status"))


@contextmanager
def receiver(engine: Engine) -> Iterator[Receiver]:
    """Three МО in an empty journal, and a peer with nothing to give yet."""
    add_organizations(engine, [(o.oid, o.name, o.code) for o in ORGANIZATIONS])
    sandbox = TfomsSandbox()
    sandbox.start(username="gateway", password="invented")
    try:
        yield Receiver(engine, sandbox)
    finally:
        sandbox.stop()
