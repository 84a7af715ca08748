"""Stories of sudden death: a launch, workers killed in the middle of it, and the books checked afterwards."""

from __future__ import annotations

import random
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from tests.support.audit import check_books
from tests.support.houses import House, Worker, house
from tests.support.waiting import eventually
from workers.runs.surroundings import Point

RESUME_S: Final = 15.0
"""So soon after a kill another worker must have taken the work."""
DEADLINE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: where it hit, and how long until another process held the lease (or had finished)."""

    where: str
    resumed_s: float


def at_point(database_url: str, redis_url: str | None, logs: Path, point: Point, nth: int = 1) -> list[Kill]:
    """A worker dies at a point; the one that stands by finishes the launch."""
    folder = logs / f"{point}-{nth}"
    folder.mkdir()
    with house(database_url, redis_url, folder) as home, home.worker() as heir:
        home.sandbox.switches.update({"take_and_drop_next": 1, "reject_percent": 5})
        with home.worker(DOOM_POINT=point, DOOM_NTH=str(nth)) as doomed:
            heir.send(signal.SIGSTOP)  # the work must fall to the doomed one
            home.submit()
            launch_id = home.launch()
            doomed.wait_dead(DEADLINE_S)
            died = time.monotonic()
            heir.send(signal.SIGCONT)
        resumed_s = seconds_to_resume(home, launch_id, died)
        finish(home, launch_id)
    return [Kill(point, resumed_s)]


def at_random(database_url: str, redis_url: str | None, logs: Path, kills: int, seed: int) -> list[Kill]:
    """An outsider kills whoever holds the launch, again and again, while a fresh worker comes for each dead one."""
    lot = random.Random(seed)
    told: list[Kill] = []
    folder = logs / f"random-{seed}"
    folder.mkdir()
    with house(database_url, redis_url, folder) as home, ExitStack() as stack:
        workers = [stack.enter_context(home.worker()) for _ in range(2)]
        home.sandbox.switches.update({"malformed_answer_next": 3, "drop_before_next": 2})
        while len(told) < kills:
            home.submit(30)
            launch_id = home.launch()
            while len(told) < kills and (victim := _holder(home, launch_id, workers)) is not None:
                time.sleep(lot.uniform(0, 0.4))
                victim.kill()
                died = time.monotonic()
                workers.remove(victim)
                told.append(Kill("random", seconds_to_resume(home, launch_id, died)))
                workers.append(stack.enter_context(home.worker()))
            finish(home, launch_id)
    return told


def _holder(home: House, launch_id: UUID, workers: list[Worker]) -> Worker | None:
    """The worker that holds a launch's lease; None when the launch is over."""

    def found() -> Worker | bool:
        lease = home.lease(launch_id)
        if lease is None:
            return True
        return next((w for w in workers if (lease[1] or "").endswith(f":{w.pid}")), False)

    holder = eventually(found, DEADLINE_S, what="somebody holds the launch", poll_s=0.005)
    return holder if isinstance(holder, Worker) else None


def seconds_to_resume(home: House, launch_id: UUID, died: float) -> float:
    """Wait until another process takes the lease of the dead one (or has done all there was to do)."""
    before = home.lease(launch_id)
    if before is not None:
        eventually(lambda: (home.lease(launch_id) or (before[0] + 1,))[0] > before[0], DEADLINE_S, what="work resumes")
    return time.monotonic() - died


def finish(home: House, launch_id: UUID) -> None:
    """Wait for the launch and its late answers, then check everything."""
    eventually(lambda: home.is_over(launch_id), DEADLINE_S, what="the launch ends")
    assert home.result(launch_id)[0] == "SUCCESS", home.result(launch_id)
    eventually(home.is_idle, DEADLINE_S, what="late answers are in")
    check_books(home)
