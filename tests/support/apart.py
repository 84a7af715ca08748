"""Work of the registers done in a process of its own, which may be told at which point of its run to die."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from itertools import count
from unittest.mock import patch
from uuid import UUID

from gateway.journal.engine import connect
from gateway.settings import load_settings
from tests.support.forks import Fork
from tests.support.frm import quick_catalog
from workers.runner.process import WorkerProcess
from workers.runs import requests
from workers.runs.surroundings import Point

Services = Mapping[str, Mapping[str, str]]


def start(database_url: str, services: Services, work_id: UUID, point: Point | None = None, nth: int = 1) -> Fork:
    """Let a process of its own do one work of the outbox; it kills itself (-9) at its ``nth`` arrival at ``point``."""
    return Fork(_perform, database_url, services, work_id, point, nth)


def died(process: Fork, limit_s: float = 60) -> bool:
    """Wait for the end of a process; tell whether it was killed."""
    code = process.end(limit_s)
    assert code in {0, -signal.SIGKILL}, code
    return code != 0


def _perform(database_url: str, services: Services, work_id: UUID, point: Point | None, nth: int) -> None:
    worker = WorkerProcess(
        connect(database_url), quick_catalog(), load_settings(services=services), reached=_doom(point, nth)
    )
    with patch.object(requests, "JOURNAL_WITHIN_S", 60.0):  # batches are as long as they may be, however slow we are
        worker.perform(work_id)


def _doom(point: Point | None, nth: int) -> Callable[[Point], None]:
    arrivals = count(1)

    def reached(here: Point) -> None:
        if here is point and next(arrivals) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached
