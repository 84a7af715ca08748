"""A real worker process that may be told where to die; ``tests.support.houses.Worker`` starts it.

``DOOM_POINT`` names a point of a run, ``DOOM_NTH`` (1) which arrival there counts, ``DOOM_SIGNAL`` (KILL) what the
process then does to itself. Without a point it is an ordinary worker.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from itertools import count

from gateway.journal.engine import connect
from gateway.logs import configure
from gateway.settings import load_settings
from tests.support.houses import quick_catalog
from tests.support.telling import quick_telling
from workers.runner.process import WorkerProcess
from workers.runs.surroundings import Point


class Doom:
    """Ends or stops this process at the chosen arrival at the chosen point."""

    def __init__(self, point: str | None, nth: int, way: signal.Signals) -> None:
        self._point = point
        self._nth = nth
        self._way = way
        self._arrivals = count(1)

    def reached(self, point: Point) -> None:
        """Told every point of every run of this process."""
        if point == self._point and next(self._arrivals) == self._nth:
            os.kill(os.getpid(), self._way)


def main(ready: Callable[[], None]) -> None:
    """Work until SIGTERM, or until doom; ``ready`` is called once it works."""
    settings = load_settings()
    configure(settings.log_level)
    way = signal.Signals[f"SIG{os.environ.get('DOOM_SIGNAL', 'KILL')}"]
    doom = Doom(os.environ.get("DOOM_POINT"), int(os.environ.get("DOOM_NTH", "1")), way)
    engine = connect(settings.require_database(), pool_size=settings.worker_threads + 4)
    process = WorkerProcess(engine, quick_telling(quick_catalog()), settings, reached=doom.reached)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    process.start()
    ready()
    stop.wait()
    process.stop()
