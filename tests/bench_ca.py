"""The register of УЦ at its present size and at sixteen times that: seconds, bytes, and the worker's peak memory.

Run as ``python -m tests.bench_ca [MB…]`` (12 and 200 unless told); needs nothing but the embedded PostgreSQL. Prints,
asserts nothing. The peak is told beside what the worker held before: the programs it has imported and its threads.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from sqlalchemy import Engine

from gateway.journal.engine import connect
from gateway.journal.migrating import migrate
from tests.support.authorities import Launch, Register
from tests.support.memory import peak_bytes
from tests.support.postgres import session_server
from tests.support.running import environment
from tests.support.waiting import eventually
from workers.sandbox.ca_issue import Edition, authority, document

KEYS = 10


def file_of(size_mb: int, folder: Path) -> tuple[Path, Edition]:
    """A file of about so many million bytes."""
    one = len(authority(Edition(keys=KEYS), 100_000).encode())
    edition = Edition(version=size_mb, count=size_mb * 1_000_000 // one, keys=KEYS)
    file = folder / f"{size_mb}.xml"
    with file.open("wb") as out:
        out.writelines(document(edition))
    return file, edition


def measure(engine: Engine, url: str, size_mb: int, folder: Path) -> None:
    """One launch by a worker process of its own; the file comes from a plain server of files."""
    file, edition = file_of(size_mb, folder)
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(PYTHONUNBUFFERED="1"),
        text=True,
    )
    assert server.stdout is not None
    address = server.stdout.readline().partition("(")[2].partition("/)")[0]
    services = json.dumps({"ca": {"address": f"{address}/{file.name}"}})
    settings = environment(GATEWAY_DATABASE_URL=url, GATEWAY_SERVICES=services, GATEWAY_LOG_LEVEL="WARNING")
    worker = subprocess.Popen([sys.executable, "-m", "gateway.cli", "worker"], env=settings)
    try:
        time.sleep(5)
        before = peak_bytes(worker.pid) / 1e6
        register = Register(engine)
        launch_id = register.start()
        started = time.monotonic()
        told = eventually(lambda: ended(register, launch_id), 600, poll_s=0.05)
        assert told is not None
        seconds = time.monotonic() - started
        size = file.stat().st_size / 1e6
        print(  # noqa: T201 # the figures are the product
            f"{size:6.1f} MB, {edition.count} УЦ, {edition.count * KEYS} certificates: {seconds:.1f} s,"
            f" peak RSS {peak_bytes(worker.pid) / 1e6:.1f} MB of which {before:.1f} before\n    {told.text}"
        )
    finally:
        for child in (worker, server):
            child.terminate()
            child.wait(60)


def ended(register: Register, launch_id: UUID) -> Launch | None:
    told = register.told(launch_id)
    return None if told.result == "RUNNING" else told


def main(*sizes_mb: int) -> None:
    with session_server() as server, TemporaryDirectory() as folder:
        url = server.create_database()
        engine = connect(url)
        migrate(engine)
        for size_mb in sizes_mb or (12, 200):
            measure(engine, url, size_mb, Path(folder))
        engine.dispose()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
