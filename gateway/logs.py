"""Logging without payloads: an unexpected error is told by its type and the places it passed, never by its text.

Texts of database, XML and transport errors may quote documents; a journal of medical data must not leak into logs.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Final

QUIET: Final = ("zeep", "spyne", "urllib3", "dramatiq", "alembic")
FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def configure(level: str = "INFO") -> None:
    """Send our records of this level and above to standard error; libraries speak only of their own failures."""
    logging.basicConfig(level=level, format=FORMAT, stream=sys.stderr, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL if name in {"zeep", "spyne"} else logging.WARNING)


def trail(error: BaseException) -> str:
    """Type of an error and the places it passed, newest last, without any of its texts or values."""
    places = (f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in traceback.extract_tb(error.__traceback__))
    return f"{type(error).__qualname__}: {' > '.join(places)}"
