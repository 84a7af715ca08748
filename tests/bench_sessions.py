"""Sessions with ФРМО and ФРМР: seconds, requests per second, and the memory of the worker as it goes.

Run as ``python -m tests.bench_sessions [МО] [entities of one] [workers of ФРМР]`` (30, 2000, 30000). The stand-in and
the worker are processes of their own; the rate limit is out of the way. Prints, asserts nothing.
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


def work(engine: Engine, url: str, services: dict[str, dict[str, str]], what: str) -> None:
    """Let one worker process do all that waits; report as it goes and at the end."""
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


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 # names of ours


def _memory_mb(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main(organizations: int = 30, entities: int = 2000, workers: int = 30_000) -> None:
    with session_server() as server, TemporaryDirectory() as folder, register(Path(folder)) as settings:
        url = server.create_database()
        engine = connect(url)
        migrate(engine)
        services = {"frmo": settings, "frmr": settings}
        oids = [OID.format(n) for n in range(1, organizations + 1)]
        ids = add_organizations(engine, [(oid, f"Учебная больница {n}", f"{n:06}") for n, oid in enumerate(oids, 1)])
        shares = {
            "buildings": entities // 4,
            "units": entities // 2,
            "staff": entities - entities // 4 - entities // 2 - 1,
        }
        for number, oid in enumerate(oids, 1):
            submit(engine, "frmo", ids[oid], frm_data.hospital(oid, number, **shares))
        for told in ("first launch", "second launch, nothing differs"):
            launch(engine, "frmo", ids.values())
            work(engine, url, services, f"ФРМО, {organizations} МО × {entities} entities, {told}")
        submit(engine, "frmr", ids[oids[0]], frm_data.persons(oids[0], workers))
        for told in ("first launch", "second launch, nobody changed"):
            launch(engine, "frmr", [ids[oids[0]]])
            work(engine, url, services, f"ФРМР, {workers} workers, {told}")
        engine.dispose()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
