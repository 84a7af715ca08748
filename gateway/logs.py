"""Logging without payloads: an unexpected error is told by its type and the places it passed, never by its text.

Texts of database, XML and transport errors may quote documents; a journal of medical data must not leak into logs.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from typing import Any, Final

OURS: Final = ("gateway", "workers")
SILENT: Final = ("zeep", "spyne", "urllib3")
"""Libraries that say nothing at all: zeep and Spyne would log whole envelopes, urllib3 addresses that ask for a person
by СНИЛС. What goes wrong in them reaches us as an exception."""

MAX_REMEMBERED: Final = 10_000

FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _Formatter(logging.Formatter):
    """Tells exceptions by their trail, whoever logs them."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 # the name is logging's
        """Type and places, no text."""
        return trail(ei[1])


def configure(level: str = "INFO") -> None:
    """Send our records of this level and above to standard error; libraries speak only of their own failures.

    An exception that nobody caught is logged too, by its trail: Python's own report would quote it.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(FORMAT))
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelName(level)), handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    sys.excepthook = lambda _, error, __: _uncaught(error)
    threading.excepthook = lambda args: _uncaught(args.exc_value)


def _uncaught(error: BaseException | None) -> None:
    if error is not None and not isinstance(error, KeyboardInterrupt):
        logging.getLogger(__name__).error("uncaught: %s", trail(error))


def trail(error: BaseException) -> str:
    """Type of an error and the places it passed, newest last, without any of its texts or values."""
    places = (f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in traceback.extract_tb(error.__traceback__))
    return f"{type(error).__qualname__}: {' > '.join(places)}"


class Once:
    """Remembers what was told, so that what lasts is not told at every poll; forgets all when it is too much."""

    def __init__(self) -> None:
        self._told: set[tuple[str, ...]] = set()

    def first(self, *said: str) -> bool:
        """Tell whether this is said for the first time."""
        if said in self._told:
            return False
        if len(self._told) >= MAX_REMEMBERED:
            self._told.clear()
        self._told.add(said)
        return True
