"""Sessions with ФРМО and ФРМР: seconds, requests per second, and the memory of the worker as it goes.

Run as ``python -m tests.bench_sessions [МО] [entities of one] [workers of ФРМР]`` (30, 2000, 30000). The stand-in and
the worker are processes of their own; the rate limit is out of the way. Prints, and asserts that the peak of the worker
does not grow with what it does: half as many МО, and a quarter of the workers, go before as launches of their own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import requests
from sqlalchemy import Engine, text

from gateway.journal import launches, objects
from gateway.journal.bodies import pack
from gateway.journal.engine import connect
from gateway.journal.launches import Starter
from gateway.journal.migrating import migrate
from gateway.journal.objects import Arrival
from gateway.xml.canonical import content_digest
from gateway.xml.parser import parse
from tests.support.ips import CLIENT
from tests.support.postgres import session_server
from tests.support.running import add_organizations, environment, free_port
from tests.support.waiting import eventually
from workers.demo.parts import frm_data
from workers.sandbox.ips_tokens import make_test_key

OID: Final = "1.2.643.5.1.13.13.12.2.34.{}"
BATCH: Final = 1000
MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
GROWTH_MB: Final = 16
"""So much higher the peak of twice as many МО, or of four times as many workers, may be, whatever their number."""


@contextmanager
def register(folder: Path) -> Iterator[dict[str, str]]:
    """The stand-in as a process; the settings by which it is reached."""
    key = make_test_key(folder)
    port, admin = free_port(), free_port()
    command = ["sandbox", "ips", "--port", str(port), "--admin-port", str(admin), "--client-id", CLIENT]
    arguments = [sys.executable, "-m", "gateway.cli", *command, "--certificate", str(key.certificate)]
    child = subprocess.Popen(arguments, env=environment(), stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: _answers(f"http://127.0.0.1:{admin}/switches"), 60, what="the stand-in answers", poll_s=0.1)
        own = {"address": f"http://127.0.0.1:{port}/ips/", "client_id": CLIENT, "requests_per_s": "3000"}
        yield {**own, "key": str(key.key), "certificate": str(key.certificate)}
    finally:
        child.terminate()
        child.wait(30)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def submit(engine: Engine, service: str, organization: int, given: Iterable[frm_data.Submitted]) -> None:
    """Store objects as the door does, batch by batch."""
    waiting = iter(given)
    while batch := list(islice(waiting, BATCH)):
        arrivals = [Arrival(k, o, MOMENT, False, pack(c), content_digest(parse(c))) for k, o, c in batch]
        with engine.begin() as connection:
            objects.submit(connection, service, organization, arrivals, None)


def launch(engine: Engine, service: str, ids: Iterable[int]) -> None:
    with engine.begin() as connection:
        launches.start(connection, service, [frozenset({one}) for one in ids], Starter(None, "Измерение"))


def work(engine: Engine, url: str, services: dict[str, dict[str, str]], what: str) -> float:
    """Let one worker process do all that waits; report as it goes and at the end; returns its peak MiB."""
    given = environment(GATEWAY_DATABASE_URL=url, GATEWAY_SERVICES=json.dumps(services), GATEWAY_LOG_LEVEL="WARNING")
    child = subprocess.Popen([sys.executable, "-m", "gateway.cli", "worker"], env=given)
    started, before, memory = time.monotonic(), count(engine, "packets"), []
    try:
        while count(engine, "outbox"):
            time.sleep(5)
            memory.append(_memory_mb(child.pid, "VmRSS"))
        seconds, sent = time.monotonic() - started, count(engine, "packets") - before
        peak = _memory_mb(child.pid, "VmHWM")
    finally:
        child.terminate()
        child.wait(60)
    quarters = [memory[len(memory) * n // 4] for n in (1, 2, 3)] if len(memory) > 3 else memory
    along = ", ".join(f"{mb:.0f}" for mb in quarters)
    told = f"{what}: {seconds:.0f} s, {sent} requests, {sent / seconds:.0f} a second"
    print(f"{told}; worker {along} MiB along the way, peak {peak:.0f} MiB")  # noqa: T201 # the figures are the product
    with engine.connect() as connection:
        results = connection.execute(text("SELECT result, result_text, count(*) FROM launches GROUP BY 1, 2")).all()
    print(f"    {', '.join(f'{r[0]} {r[1] or str()}: {r[2]}' for r in results)}")  # noqa: T201
    return peak


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 # names of ours


def _memory_mb(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def export_organizations(
    engine: Engine, url: str, services: dict[str, dict[str, str]], ids: dict[str, int], entities: int
) -> float:
    """Let so many МО submit, bring them to ФРМО twice, and tell of it; the peak MiB of the first launch."""
    quarter, half = entities // 4, entities // 2
    for oid, organization in ids.items():
        shares = {"buildings": quarter, "units": half, "staff": entities - quarter - half - 1}
        submit(engine, "frmo", organization, frm_data.hospital(oid, int(oid.rpartition(".")[2]), **shares))
    peaks = []
    for told in ("first launch", "second launch, nothing differs"):
        launch(engine, "frmo", ids.values())
        peaks.append(work(engine, url, services, f"ФРМО, {len(ids)} МО × {entities} entities, {told}"))
    return peaks[0]


def export_workers(
    engine: Engine, url: str, services: dict[str, dict[str, str]], whose: tuple[str, int], numbers: range
) -> float:
    """Let a МО (OID, our id) submit so many workers, bring them to ФРМР twice, and tell of it; see above."""
    oid, organization = whose
    submit(engine, "frmr", organization, frm_data.persons(oid, len(numbers), numbers.start))
    peaks = []
    for told in ("first launch", "second launch, nobody changed"):
        launch(engine, "frmr", [organization])
        peaks.append(work(engine, url, services, f"ФРМР, {len(numbers)} workers, {told}"))
    return peaks[0]


def check_growth(what: str, few: float, many: float) -> None:
    assert many - few < GROWTH_MB, f"{what}: the peak grew by {many - few:.1f} MiB"


def main(organizations: int = 30, entities: int = 2000, workers: int = 30_000) -> None:
    few, quarter = max(1, organizations // 2), max(1, workers // 4)
    with session_server() as server, TemporaryDirectory() as folder, register(Path(folder)) as settings:
        url = server.create_database()
        engine = connect(url)
        migrate(engine)
        services = {"frmo": settings, "frmr": settings}
        oids = [OID.format(n) for n in range(1, few + organizations + 1)]
        ids = add_organizations(engine, [(oid, f"Учебная больница {n}", f"{n:06}") for n, oid in enumerate(oids, 1)])
        peaks = [
            export_organizations(engine, url, services, {oid: ids[oid] for oid in chosen}, entities)
            for chosen in (oids[:few], oids[few:])
        ]
        check_growth("ФРМО", *peaks)
        peaks = [
            export_workers(engine, url, services, (oid, ids[oid]), numbers)
            for oid, numbers in (
                (oids[0], range(1, quarter + 1)),
                (oids[few], range(quarter + 1, quarter + workers + 1)),
            )
        ]
        check_growth("ФРМР", *peaks)
        engine.dispose()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
