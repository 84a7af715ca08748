"""Passwords: argon2id, a few at a time, verified results remembered briefly."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

REMEMBER_S: Final = 300.0
AT_ONCE: Final = 2
KEPT: Final = 10_000

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
_DECOY: Final = "$argon2id$v=19$m=19456,t=2,p=1$j1csRL7mOp8HWWL2vkgM5g$kwm+/2G85sizx4fMRt66ytYb+aHAAfUh2Gd4GKOlITk"
"""Hash of a password nobody knows, for unknown logins; made beforehand, so that no start costs 19 MiB."""


def hash_password(password: str) -> str:
    """Argon2id hash (19 MiB, 2 passes, 1 lane) in the usual text form."""
    return _HASHER.hash(password)


class PasswordGate:
    """Checks passwords for one process. Memory is bounded: the oldest entries go first."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._verified: OrderedDict[bytes, float] = OrderedDict()

    def remembers(self, stored: str, changed_at: datetime, login: str, password: str) -> bool:
        """Tell whether the password was found right within the last 5 minutes, and the account is unchanged since."""
        digest = self._digest(stored, changed_at, login, password)
        with self._lock:
            return self._verified.get(digest, 0.0) > time.monotonic()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One of the few turns to verify a password; waits for it."""
        with self._slots:
            yield

    def verify(self, stored: str | None, changed_at: datetime | None, login: str, password: str) -> bool:
        """Tell whether the password fits; an unknown login (``stored`` None) costs the same as a wrong password.

        Call it within a :meth:`turn`.
        """
        fits = _verify(stored or _DECOY, password)
        if stored is None or changed_at is None or not fits:
            return False
        with self._lock:
            digest = self._digest(stored, changed_at, login, password)
            self._verified[digest] = time.monotonic() + REMEMBER_S
            self._verified.move_to_end(digest)
            if len(self._verified) > KEPT:
                self._verified.popitem(last=False)
        return True

    def _digest(self, stored: str, changed_at: datetime, login: str, password: str) -> bytes:
        text = "\0".join((stored, str(changed_at), login, password))
        return hmac.new(self._key, text.encode(), hashlib.sha256).digest()


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
