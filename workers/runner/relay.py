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
AT_ONCE: Final = 100
MAX_WAITING: Final = 200
"""So many messages wait in the broker at most. What waits there while every thread is busy is published again and
again, for nobody can tell it from what the broker has lost."""


def relay_until(
    stop: threading.Event,
    engine: Engine,
    enqueue: Callable[[UUID], None],
    waiting: Callable[[], int],
    failures: tuple[type[Exception], ...],
) -> None:
    """Body of the relay's thread; ``waiting`` tells how many messages the broker holds, ``failures`` are its own.

    Any number of processes may run it: rows are taken with SKIP LOCKED.
    """
    away: tuple[type[Exception], ...] = (SQLAlchemyError, waking.ConnectionLost, *failures)
    while not stop.is_set():
        try:
            with waking.listening(engine) as wait:
                while not stop.is_set():
                    relay_once(engine, enqueue, waiting)
                    wait(POLL_S)
        except away as error:
            logger.warning("relay waits for its database and broker: %s", trail(error))
            stop.wait(POLL_S)


def relay_once(engine: Engine, enqueue: Callable[[UUID], None], waiting: Callable[[], int]) -> None:
    """Publish what is due as far as the broker has room for it; the rest stays due."""
    room = MAX_WAITING - waiting()
    if room > 0:
        for work_id in outbox.publish_due(engine, min(room, AT_ONCE)):
            enqueue(work_id)
