"""A database that does not answer, told once for every door: UNAVAILABLE, and repeating later is right."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from gateway.domain.errors import Unavailable
from gateway.journal.engine import database_now
from gateway.journal.outbox import DATABASE_AWAY
from gateway.logs import trail
from gateway.operations.context import Context

_log = logging.getLogger(__name__)

AWAY: Final = "База данных журнала не отвечает: повторите запрос позже"


@contextmanager
def answering() -> Iterator[None]:
    """Run a block that speaks with the journal.

    Raises:
        Unavailable: the database is away, has cut the statement short, or all its connections are taken.
    """
    try:
        yield
    except (*DATABASE_AWAY, PoolExhausted) as error:
        raise _unavailable(error) from error
    except DBAPIError as error:  # a server that goes down ends statements with errors of any class
        if not error.connection_invalidated:
            raise
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> Unavailable:
    _log.warning("the database does not answer: %s", trail(error))
    return Unavailable(AWAY)


def require_ready(ctx: Context) -> None:
    """Ask the database for the time, as a load balancer does before it sends requests here.

    Raises:
        Unavailable: it does not answer.
    """
    with answering(), ctx.engine.connect() as connection:
        database_now(connection)
