"""The relay: the only one that enqueues. It publishes what the outbox wants done, as soon as it is committed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.journal import outbox, waking
from gateway.logs import trail

logger = logging.getLogger(__name__)

POLL_S: Final = 1.0
"""Pauses and lost leases end without a notification; so long they may go unseen."""


def relay_until(
    stop: threading.Event, engine: Engine, enqueue: Callable[[UUID], None], failures: tuple[type[Exception], ...]
) -> None:
    """Body of the relay's thread; ``failures`` are those of the broker.

    Any number of processes may run it: rows are taken with SKIP LOCKED.
    """
    away: tuple[type[Exception], ...] = (SQLAlchemyError, waking.ConnectionLost, *failures)
    while not stop.is_set():
        try:
            with waking.listening(engine) as wait:
                while not stop.is_set():
                    for work_id in outbox.publish_due(engine):
                        enqueue(work_id)
                    wait(POLL_S)
        except away as error:
            logger.warning("relay waits for its database and broker: %s", trail(error))
            stop.wait(POLL_S)
