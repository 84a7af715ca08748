"""A register of any size is loaded by a worker that stays small."""

from __future__ import annotations

import subprocess
import sys

from sqlalchemy import Engine

from tests.support.authorities import register
from tests.support.memory import peak_bytes
from tests.support.running import environment
from tests.support.waiting import eventually

LIMIT_BYTES = 100_000_000
IDLERS = {"alembic", "asyncssh", "cryptography", "granian", "mako", "redis", "rich", "smpplib", "spyne", "zeep"}
"""What a worker that idles on its own database has no use for."""


def test_a_worker_imports_what_its_services_need() -> None:
    told = "import gateway.cli, workers.runner.process, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=60)
    assert IDLERS & set(done.stdout.split()) == set()


def test_a_worker_loads_a_large_register_in_less_than_100_mb(engine: Engine, database_url: str) -> None:
    with register(engine, count=1000, keys=10) as home:
        settings = environment(
            GATEWAY_DATABASE_URL=database_url, GATEWAY_SERVICES=f'{{"ca": {{"address": "{home.sandbox.url}"}}}}'
        )
        worker = subprocess.Popen([sys.executable, "-m", "gateway.cli", "worker"], env=settings)
        try:
            launch_id = home.start()
            eventually(lambda: home.told(launch_id).result != "RUNNING", 120, what="the launch ends")
            peak = peak_bytes(worker.pid)
        finally:
            worker.terminate()
            worker.wait(60)
        assert home.told(launch_id).result == "SUCCESS"
        assert home.rows("SELECT size > 25000000 FROM ca_issues") == [(True,)]
    assert peak < LIMIT_BYTES
