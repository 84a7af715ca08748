"""A launch of ten thousand referrals over FTP to ФБ МСЭ: seconds, and the peak memory of the worker.

Run as ``python -m tests.bench_mse [referrals]``; needs nothing but the embedded PostgreSQL. Prints, and asserts that
each file came once and that the peak does not grow with the launch: one of a quarter of the referrals goes before it,
by a worker of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import islice
from uuid import UUID

from gateway.journal.engine import connect
from gateway.journal.migrating import migrate
from tests.support.memory import peak_bytes
from tests.support.mse import EXPORT, FIRST, SLUG, MseHouse, mse_house
from tests.support.postgres import session_server
from tests.support.running import environment
from tests.support.waiting import eventually
from workers.demo.parts.mse_data import referrals

BATCH = 500
LIMIT_S = 3600
GROWTH_MB = 16
"""So much higher the peak of four times as many referrals may be, whatever their number."""


def export(house: MseHouse, url: str) -> tuple[float, float]:
    """«Запуск» in a worker process of its own: seconds and its peak MiB."""
    services = json.dumps({SLUG: house.settings})
    settings = environment(GATEWAY_DATABASE_URL=url, GATEWAY_SERVICES=services, GATEWAY_LOG_LEVEL="WARNING")
    launch_id = house.start()
    started = time.monotonic()
    child = subprocess.Popen([sys.executable, "-m", "gateway.cli", "worker"], env=settings)
    try:
        eventually(lambda: _is_over(house, launch_id), LIMIT_S, what="the launch ends", poll_s=0.5)
        return time.monotonic() - started, peak_bytes(child.pid) / 2**20
    finally:
        child.terminate()
        child.wait(60)


def _is_over(house: MseHouse, launch_id: UUID) -> bool:
    return bool(house.rows("SELECT 1 FROM launches WHERE id = :id AND result <> 'RUNNING'", id=launch_id))


def launch(house: MseHouse, url: str, first: int, number: int) -> float:
    """Export so many referrals more and tell of it: the peak MiB of the worker."""
    made = referrals(FIRST, number, first, sound=True)
    while batch := list(islice(made, BATCH)):
        house.store(EXPORT, FIRST.oid, batch)
    seconds, peak_mb = export(house, url)
    print(f"{number} referrals over FTP: {seconds:.1f} s, peak RSS of the worker {peak_mb:.1f} MiB", flush=True)  # noqa: T201
    return peak_mb


def main(number: int = 10_000) -> None:
    with session_server() as server:
        url = server.create_database()
        engine = connect(url)
        migrate(engine)
        with mse_house(engine) as house:
            quarter = number // 4
            few, many = launch(house, url, 1, quarter), launch(house, url, quarter + 1, number)
            print(f"statuses {house.statuses()}")  # noqa: T201
            total = quarter + number
            eventually(lambda: len(house.sandbox.ledger()) == total, LIMIT_S, what="the clerks take the files")
            assert {entry.receptions for entry in house.sandbox.ledger()} == {1}
            assert many - few < GROWTH_MB, f"the peak grew by {many - few:.1f} MiB"
        engine.dispose()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
