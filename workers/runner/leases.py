"""The heartbeat of one process: prolongs the leases of all its running work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.journal import outbox
from gateway.journal.outbox import HEARTBEAT_S, Lease
from gateway.logs import trail

logger = logging.getLogger(__name__)


class Heartbeat:
    """Prolongs leases every ``HEARTBEAT_S`` seconds from a thread of its own.

    A heartbeat that fails is not an error of the work: whoever lost its lease is told so by its next transaction.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._held: dict[UUID, Lease] = {}

    @contextmanager
    def keeping(self, lease: Lease) -> Iterator[None]:
        """Prolong a lease while the block runs."""
        with self._lock:
            self._held[lease.id] = lease
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(lease.id, None)

    def beat_until(self, stop: threading.Event) -> None:
        """Body of the thread."""
        while not stop.wait(HEARTBEAT_S):
            with self._lock:
                held = list(self._held.values())
            if not held:
                continue
            try:
                outbox.renew(self._engine, held)
            except SQLAlchemyError as error:
                logger.warning("heartbeat failed: %s", trail(error))
