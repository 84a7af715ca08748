"""A worker process driven by hand: no broker, no threads, so that each step can be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from gateway.catalog.registry import Catalog
from gateway.journal import outbox
from gateway.settings import load_settings
from tests.support.houses import PASSWORD, SLUG, USER, House, house, quick_catalog
from tests.support.waiting import eventually
from workers.runner.process import WorkerProcess
from workers.runs.surroundings import Point


class Driven:
    """Performs what the outbox wants done, in this thread."""

    def __init__(self, home: House, catalog: Catalog, password: str, reached: Callable[[Point], None]) -> None:
        given = {SLUG: {"address": home.sandbox.url, "username": USER, "password": password}}
        self._home = home
        self.process = WorkerProcess(home.engine, catalog, load_settings(services=given), reached=reached)

    def step(self) -> bool:
        """Do what is due now; tell whether there was anything."""
        due = outbox.publish_due(self._home.engine)
        for work_id in due:
            self.process.perform(work_id)
        return bool(due)

    def until_over(self, launch_id: UUID, limit_s: float = 30.0) -> tuple[str, str | None]:
        """Work until the launch is over and return its result and text; what is due after it is left."""
        eventually(lambda: (self.step() or True) and self._home.is_over(launch_id), limit_s, what="the launch ends")
        return self._home.result(launch_id)

    def launch(self) -> tuple[str, str | None]:
        """«Запуск», to its end."""
        return self.until_over(self._home.launch())


Driver = Callable[..., Driven]


@pytest.fixture
def home(database_url: str, tmp_path: Path) -> Iterator[House]:
    with house(database_url, None, tmp_path) as made:
        yield made


@pytest.fixture
def drive(home: House) -> Driver:
    """Make a driven process; by default of a quick catalog, with the right password, told nothing of points."""

    def make(
        catalog: Catalog | None = None,
        password: str = PASSWORD,
        reached: Callable[[Point], None] = lambda _: None,
    ) -> Driven:
        return Driven(home, catalog or quick_catalog(), password, reached)

    return make
