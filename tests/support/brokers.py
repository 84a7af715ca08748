"""Databases of one Redis, each for one house of processes: what they enqueue does not reach another's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from typing import Final

DATABASES: Final = 1000
"""So many a Redis for tests must have."""
_SHARE: Final = 99
"""So many are of each process of tests, used in turn."""
_numbers = count()


def broker_url(shared: str) -> str:
    """Address of the next database of the Redis at ``shared`` (``redis://host:port/number``)."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % (DATABASES // _SHARE)
    return f"{shared.rpartition('/')[0]}/{1 + process * _SHARE + next(_numbers) % _SHARE}"


def broker_urls(shared: str | None) -> Iterator[str | None]:
    """A database for every house, or None for ever where there is no Redis."""
    while True:
        yield None if shared is None else broker_url(shared)


def own_broker() -> dict[str, str]:
    """Settings of processes that take the broker of this run: ``GATEWAY_TEST_REDIS_URL``, or the one within them."""
    shared = os.environ.get("GATEWAY_TEST_REDIS_URL")
    return {"GATEWAY_REDIS_URL": broker_url(shared)} if shared else {}
