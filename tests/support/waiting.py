"""Waiting for what other processes and threads do: a condition and a deadline, never a fixed sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], limit_s: float, *, what: str = "", poll_s: float = 0.02) -> T:
    """Return the first true value of the condition; fail when there is none within the limit."""
    deadline = time.monotonic() + limit_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {limit_s:g} s: {what or condition}"
        time.sleep(poll_s)
    return value
