"""Sealing what may name a person: equal texts give equal seals, and a seal gives no text back.

HMAC-SHA256 (RFC 2104) with the installation's secret, so that a copy of the index cannot be tried against a list of
names without it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, select

from gateway.journal.registry_tables import installation

_KEPT: Final = "service-journal secret"


def seal(connection: Connection, purpose: str, texts: Iterable[bytes]) -> list[bytes]:
    """Seal texts (32 bytes each); those of different purposes never look alike."""
    key = hmac.digest(_secret(connection), purpose.encode(), hashlib.sha256)
    return [hmac.digest(key, each, hashlib.sha256) for each in texts]


def _secret(connection: Connection) -> bytes:
    """The installation's secret; it never changes, so each connection to the server reads it once."""
    if _KEPT not in connection.info:
        connection.info[_KEPT] = bytes(connection.execute(select(installation.c.secret)).scalar_one())
    secret: bytes = connection.info[_KEPT]
    return secret
