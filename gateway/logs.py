"""Logging without payloads: an unexpected error is told by its type and the places it passed, never by its text.

Texts of database, XML and transport errors may quote documents; a journal of medical data must not leak into logs.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Final

QUIET: Final = {
    "zeep": logging.CRITICAL + 1,
    "spyne": logging.CRITICAL + 1,
    "urllib3": logging.WARNING,
    "dramatiq": logging.WARNING,
    "alembic": logging.WARNING,
}
"""Levels of libraries; zeep and Spyne would log whole envelopes, so they say nothing at all."""

FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def configure(level: str = "INFO") -> None:
    """Send our records of this level and above to standard error; libraries speak only of their own failures."""
    logging.basicConfig(level=level, format=FORMAT, stream=sys.stderr, force=True)
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(quiet)


def trail(error: BaseException) -> str:
    """Type of an error and the places it passed, newest last, without any of its texts or values."""
    places = (f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in traceback.extract_tb(error.__traceback__))
    return f"{type(error).__qualname__}: {' > '.join(places)}"
