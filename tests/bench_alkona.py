"""One launch over the attached population of a region: seconds of forming and sending, peak memory of the process.

Run as ``python -m tests.bench_alkona [persons] [organizations]``; needs nothing but the embedded PostgreSQL. Prints,
asserts nothing. Nobody reads the folder: the answers' window is shut.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, text

from gateway.catalog.registry import Catalog, load_catalog
from gateway.journal import launches, objects, outbox
from gateway.journal.engine import connect
from gateway.journal.launches import Starter
from gateway.journal.migrating import migrate
from gateway.settings import load_settings
from tests.support.alkona import SLUG
from tests.support.packet_house import MORNING, arrival_of
from tests.support.postgres import session_server
from tests.support.running import add_organizations, environment
from workers.demo.parts.alkona_data import plans
from workers.demo.region import DemoOrganization
from workers.runner.process import WorkerProcess
from workers.runs.surroundings import Point

SERVICE = "alkona-prf"
PAGE = 2000


def organizations(count: int) -> list[DemoOrganization]:
    """Invented МО."""
    made = ((f"1.2.643.5.1.13.13.12.2.98.{n}", f"Учебная поликлиника {n}", f"34{n:04d}") for n in range(1, count + 1))
    return [DemoOrganization(*each) for each in made]


def fill(engine: Engine, persons: int, count: int) -> None:
    """Submit one plan a person, in equal shares."""
    everyone = organizations(count)
    ids = add_organizations(engine, [(o.oid, o.name, o.code) for o in everyone])
    for organization in everyone:
        share = persons // count
        for first in range(1, share + 1, PAGE):
            page = plans(organization, min(PAGE, share + 1 - first), first)
            arrivals = [arrival_of(each, MORNING) for each in page]
            with engine.begin() as connection:
                objects.submit(connection, SERVICE, ids[organization.oid], arrivals, None)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE source_objects"))


def impatient_catalog() -> Catalog:
    """The catalog without waiting for answers."""
    catalog = load_catalog()
    exchange = catalog.exchanges[SERVICE]
    sending = exchange.manifest.sending.model_copy(update={"answer_window_s": 0})
    manifest = exchange.manifest.model_copy(update={"sending": sending})
    return replace(catalog, exchanges={**catalog.exchanges, SERVICE: replace(exchange, manifest=manifest)})


def launch(url: str, folder: Path) -> None:
    """Perform one launch in this process, and tell how long each stage took and how much memory all of it."""
    engine = connect(url)
    with engine.begin() as connection:
        launches.start(connection, SERVICE, [None], Starter(None, "Замер"))
    services = {SLUG: {"out": str(folder / "out"), "in": str(folder / "in")}}
    seen: dict[Point, float] = {}
    started = time.monotonic()
    worker = WorkerProcess(
        engine,
        impatient_catalog(),
        load_settings(services=services),
        reached=lambda point: seen.__setitem__(point, time.monotonic() - started),
    )
    (work_id,) = outbox.publish_due(engine)
    worker.perform(work_id)
    for point in (Point.FORMED, Point.NUMBERED, Point.SETTLED, Point.ENDING):
        print(f"{point:>10} after {seen.get(point, 0):7.1f} s")  # noqa: T201 # the figures are the product
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak RSS {peak:7.1f} MiB")  # noqa: T201
    statement = "SELECT status, count(*), sum(items_total) FROM packets GROUP BY 1 ORDER BY 1"
    with engine.connect() as connection:
        for row in connection.execute(text(statement)):
            print(f"{row[0]:>10} {row[1]} packets, {row[2] or row[1]} objects")  # noqa: T201
    engine.dispose()


def main(persons: int = 300_000, count: int = 30) -> None:
    with session_server() as server, TemporaryDirectory() as folder:
        url = server.create_database()
        engine = connect(url)
        migrate(engine)
        started = time.monotonic()
        fill(engine, persons, count)
        print(f"{persons} persons of {count} МО submitted after {time.monotonic() - started:.0f} s")  # noqa: T201
        engine.dispose()
        for name in ("out", "in"):
            (Path(folder) / name).mkdir()
        sys.stdout.flush()
        child = [sys.executable, "-m", "tests.bench_alkona", "launch", url, folder]
        subprocess.run(child, env=environment(GATEWAY_LOG_LEVEL="WARNING"), check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["launch"]:
        launch(sys.argv[2], Path(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
