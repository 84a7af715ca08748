"""Notifications of one launch: rate and the peak memory of the worker process that words and sends them.

Run as ``python -m tests.bench_notifications [reminders]``; needs nothing but the embedded PostgreSQL. Prints, asserts
nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from gateway.journal.engine import connect
from gateway.journal.migrating import migrate
from tests.support.postgres import session_server
from tests.support.running import environment
from tests.support.telling import Telling, telling
from tests.support.waiting import eventually

PAGE = 1000


def measure(house: Telling, url: str, reminders: int) -> None:
    """One launch over so many reminders, by a worker process of its own."""
    for first in range(0, reminders, PAGE):
        house.remind("sms", range(first, min(first + PAGE, reminders)))
    settings = environment(
        GATEWAY_DATABASE_URL=url, GATEWAY_SERVICES=json.dumps(house.services), GATEWAY_LOG_LEVEL="WARNING"
    )
    launch = house.launch("sms")
    with subprocess.Popen([sys.executable, "-m", "gateway.cli", "worker"], env=settings) as child:
        seen: list[tuple[int, int]] = []
        started = time.monotonic()
        worded_s = 0.0
        for number in _until_over(house, launch):
            if number >= reminders and not worded_s:
                worded_s = time.monotonic() - started
            seen.append((number, _resident_mb(child.pid)))
        took_s = time.monotonic() - started
        formed, sent = house.counted(launch)
        print_line(f"{formed} formed and {sent} sent in {took_s:.0f} s, {sent / took_s:.0f} a second")
        print_line(f"worded in {worded_s:.0f} s, {reminders / max(worded_s, 0.1):.0f} a second")
        marks = [next((mb for n, mb in seen if n >= reminders * share), 0) for share in (0.1, 0.5, 1.0)]
        print_line(f"memory at a tenth, a half, all of the wording: {marks} MB; at the end {seen[-1][1]} MB")
        started = time.monotonic()
        eventually(lambda: house.statuses() == {"DELIVERED": reminders}, 1800, what="every word is in", poll_s=1)
        print_line(f"words of delivery of all {reminders} were in {time.monotonic() - started:.0f} s later")
        print_line(f"peak memory {_peak_mb(child.pid)} MB; the centre's ledger holds {len(house.smsc.ledger())}")
        child.terminate()


def _until_over(house: Telling, launch: object) -> Iterator[int]:
    """Numbers formed so far, twice a second, while the launch runs."""
    while True:
        with house.engine.connect() as connection:
            statement = (
                "SELECT l.result, coalesce(sum(c.notifications_formed), 0) FROM launches l"
                " LEFT JOIN launch_counters c ON c.launch_id = l.id WHERE l.id = :id GROUP BY l.result"
            )
            result, formed = connection.execute(text(statement), {"id": launch}).one()
        yield int(formed)
        if result != "RUNNING":
            return
        time.sleep(0.5)


def _status_kb(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def _resident_mb(pid: int) -> int:
    return _status_kb(pid, "VmRSS") // 1024


def _peak_mb(pid: int) -> int:
    return _status_kb(pid, "VmHWM") // 1024


def print_line(line: str) -> None:
    """Say it now."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure 100 000 reminders, or as many as asked."""
    reminders = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with session_server() as server:
        url = server.create_database()
        engine = connect(url)
        migrate(engine)
        with telling(engine, url, window="50", per_second="3600") as house:
            measure(house, url, reminders)
        engine.dispose()


if __name__ == "__main__":
    main()
