"""Passwords: argon2id, a few at a time, verified results remembered briefly, growing delay after failures."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.domain.errors import TooMany

K = TypeVar("K")
V = TypeVar("V")

REMEMBER_S: Final = 300.0
AT_ONCE: Final = 2
FREE_FAILURES: Final = 5
MAX_DELAY_S: Final = 300.0
FORGET_S: Final = 3600.0
"""Failures are forgotten so long after the last one's delay: an address is shared by many, all of whom mistype."""
KEPT: Final = 10_000

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
_DECOY: Final = "$argon2id$v=19$m=19456,t=2,p=1$j1csRL7mOp8HWWL2vkgM5g$kwm+/2G85sizx4fMRt66ytYb+aHAAfUh2Gd4GKOlITk"
"""Hash of a password nobody knows, for unknown logins; made beforehand, so that no start costs 19 MiB."""


def hash_password(password: str) -> str:
    """Argon2id hash (19 MiB, 2 passes, 1 lane) in the usual text form."""
    return _HASHER.hash(password)


@dataclass(slots=True)
class _Failures:
    count: int
    until: float


class PasswordGate:
    """Checks passwords for one process. Memory is bounded: the oldest entries go first."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._verified: OrderedDict[bytes, float] = OrderedDict()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def check(self, stored: str | None, changed_at: datetime | None, login: str, password: str, address: str) -> bool:
        """Tell whether the password fits; an unknown login (``stored`` None) costs the same as a wrong password.

        Raises:
            TooMany: too many failures of this login or address; the message says how long to wait.
        """
        keys = (f"login:{login}", f"address:{address}")
        remembered = self._digest(stored, changed_at, login, password)
        if stored is not None and self._is_remembered(remembered):
            return True
        self._refuse_hurry(keys)
        with self._slots:
            fits = _verify(stored or _DECOY, password) and stored is not None
        with self._lock:
            if fits:
                self._failures.pop(keys[0], None)
                _keep(self._verified, remembered, time.monotonic() + REMEMBER_S)
            else:
                self._note_failure(keys)
        return fits

    def _digest(self, stored: str | None, changed_at: datetime | None, login: str, password: str) -> bytes:
        text = "\0".join((stored or "", str(changed_at), login, password))
        return hmac.new(self._key, text.encode(), hashlib.sha256).digest()

    def _is_remembered(self, digest: bytes) -> bool:
        with self._lock:
            return self._verified.get(digest, 0.0) > time.monotonic()

    def _refuse_hurry(self, keys: tuple[str, ...]) -> None:
        now = time.monotonic()
        with self._lock:
            wait = max((self._failures[k].until - now for k in keys if k in self._failures), default=0.0)
        if wait > 0:
            raise TooMany(f"Слишком много неудачных попыток входа: повторите через {int(wait) + 1} с")

    def _note_failure(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            earlier = self._failures.get(key)
            fresh = earlier is not None and time.monotonic() < earlier.until + FORGET_S
            count = earlier.count + 1 if earlier is not None and fresh else 1
            delay = min(MAX_DELAY_S, 2.0 ** (count - FREE_FAILURES)) if count >= FREE_FAILURES else 0.0
            _keep(self._failures, key, _Failures(count, time.monotonic() + delay))


def _keep(table: OrderedDict[K, V], key: K, value: V) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > KEPT:
        table.popitem(last=False)


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
