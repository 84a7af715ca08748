"""The register of УЦ and a journal beside it: launches of its service performed in this thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, text

from gateway.catalog.registry import load_catalog
from gateway.journal import launches, outbox, sessions
from gateway.journal.launch_queries import FIRST, LAST
from gateway.journal.launches import Starter
from gateway.journal.schema import load_secret
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.settings import load_settings
from tests.support.waiting import eventually
from workers.runner.process import WorkerProcess
from workers.runs.surroundings import Point
from workers.sandbox.ca import CaSandbox

SERVICE: Final = "ca"


@dataclass
class Launch:
    """A launch that is over, with its log."""

    result: str
    text: str
    events: list[str]
    errors: list[tuple[str, str, str | None]]


@dataclass
class Register:
    """One journal and one stand-in register."""

    engine: Engine
    sandbox: CaSandbox = field(default_factory=CaSandbox)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        """What operations are given."""
        return Context(self.engine, load_catalog(), Cursors(load_secret(self.engine)))

    def start(self) -> UUID:
        """«Запуск»."""
        with self.engine.begin() as connection:
            return launches.start(connection, SERVICE, [None], Starter(None, "Испытание"))[0]

    def launch(self, reached: Callable[[Point], None] = lambda _point: None, **settings: str) -> Launch:
        """«Запуск», performed to its end with these settings beside the usual ones."""
        launch_id = self.start()
        given = {"address": self.sandbox.url, "pause_s": "0.01", **self.settings, **settings}
        worker = WorkerProcess(self.engine, load_catalog(), load_settings(services={"ca": given}), reached)

        def over() -> bool:
            for work_id in outbox.publish_due(self.engine):
                worker.perform(work_id)
            return self.told(launch_id).result != "RUNNING"

        eventually(over, 30, what="the launch ends")
        return self.told(launch_id)

    def told(self, launch_id: UUID) -> Launch:
        """What the journal says of a launch."""
        with self.engine.connect() as connection:
            of = {"launch": launch_id}
            row = connection.execute(text("SELECT result, result_text FROM launches WHERE id = :launch"), of).one()
            events = sessions.events_of(connection, launch_id, before=LAST, limit=100)[::-1]
            errors = sessions.errors_of(connection, launch_id, after=FIRST, limit=100)
        return Launch(
            row.result, row.result_text, [e.title for e in events], [(e.stage, e.message, e.about) for e in errors]
        )

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]


@contextmanager
def register(engine: Engine, count: int, keys: int = 1) -> Iterator[Register]:
    """Serve a register whose first issue is of so many УЦ and keys."""
    sandbox = CaSandbox()
    sandbox.start(count=count, keys=keys)
    try:
        yield Register(engine, sandbox)
    finally:
        sandbox.stop()
