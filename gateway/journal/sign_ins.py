"""Failures to sign in, counted for every web process together: each makes the next attempt wait longer.

They are counted by login at an address, so that who guesses at one does not lock the owner out at another. A login as a
whole counts of each address what that one has for free, an address counts each login once: one client with an old
password bars neither its neighbours behind the same address nor the owner elsewhere; many addresses that guess one
login, or many logins tried from one address, are slowed all the same.

A key is made of digests, since what is typed for a login may be a password. The table is UNLOGGED: a crash of the
server forgives everybody, and a guesser's attempts cost no WAL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, select, text

from gateway.journal.registry_tables import sign_in_failures

FREE_FAILURES: Final = 5
"""Failures of a login at one address from which on there is a delay: 1 s, then twice as long each time."""
FREE_LOGINS: Final = 20
"""So many different logins may fail at one address before all of it waits."""
FREE_OF_LOGIN: Final = 50
"""So many failures may a login have at all addresses before it waits at every one; an address adds no more than its
``FREE_FAILURES``."""
MAX_DELAY_S: Final = 300
FORGET_S: Final = 3600
"""Failures are forgotten so long after the last one's delay: an address is shared by many, all of whom mistype."""

_DIGEST_BYTES: Final = 16
_OLD: Final = f"until < clock_timestamp() - interval '{FORGET_S} seconds'"
_NOTE: Final = text(
    f"""
    INSERT INTO sign_in_failures AS known (key, failures, until) VALUES (:key, 1, clock_timestamp())
    ON CONFLICT (key) DO UPDATE SET (failures, until) = (
      SELECT n, clock_timestamp() + make_interval(secs => CASE WHEN n < :free THEN 0
        ELSE least({MAX_DELAY_S}, power(2, least(n - :free, 30))) END)
      FROM (SELECT CASE WHEN known.{_OLD} THEN 1 ELSE known.failures + 1 END AS n) AS counted
    ) RETURNING failures
    """
)


class Keys(NamedTuple):
    """What an attempt is counted by: its login at its address, its login, its address where that is known."""

    pair: bytes
    login: bytes
    address: bytes | None

    @property
    def all(self) -> list[bytes]:
        """Those that there are."""
        return [key for key in self if key is not None]


def keys_of(login: str, address: str | None) -> Keys:
    """Keys of an attempt; those of one login begin alike. Of IPv6 the network counts: a caller has it whole."""
    by_login, by_address = login_key(login), address_key(address or "")
    return Keys(by_login + by_address, by_login, by_address if address else None)


def login_key(login: str) -> bytes:
    """What the failures of a login are counted by, and how the keys of it at every address begin."""
    return _digest(f"login:{login}")


def address_key(address: str) -> bytes:
    """What the failures at an address (empty where it is unknown) are counted by."""
    if address and (whole := ip_address(address)).version == 6:
        address = str(ip_network((whole, 64), strict=False))
    return _digest(f"address:{address}")


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:_DIGEST_BYTES]


def judge_alone(connection: Connection, key: bytes) -> None:
    """Wait until nobody else judges an attempt of this key, and let nobody until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"sign-in:{key.hex()}"})


def delays_s(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, float]:
    """Seconds that each of the keys with failures has still to wait, by key; not positive: it need not wait."""
    left = text("extract(epoch FROM until - clock_timestamp())::float8 AS left_s")
    rows = connection.execute(select(sign_in_failures.c.key, left).where(sign_in_failures.c.key.in_(keys)))
    return {bytes(row.key): float(row.left_s) for row in rows}


def note_failure(connection: Connection, keys: Keys) -> None:
    """Count a failure where it counts, and forget a few old ones. The caller commits.

    The old ones go last and are not waited for, so that two who fail at once never wait for each other.
    """
    failures = _note(connection, keys.pair, FREE_FAILURES)
    if failures <= FREE_FAILURES:
        _note(connection, keys.login, FREE_OF_LOGIN)
    if failures == 1 and keys.address is not None:
        _note(connection, keys.address, FREE_LOGINS)
    connection.execute(
        text(
            f"DELETE FROM sign_in_failures WHERE key IN (SELECT key FROM sign_in_failures WHERE {_OLD}"
            " ORDER BY until LIMIT 10 FOR UPDATE SKIP LOCKED)"
        )
    )


def _note(connection: Connection, key: bytes, free: int) -> int:
    return int(connection.execute(_NOTE, {"key": key, "free": free}).scalar_one())


def forgive(connection: Connection, keys: Sequence[bytes]) -> int:
    """Clear these records: whose they are has proved who he is. Returns how many there were. The caller commits."""
    return connection.execute(delete(sign_in_failures).where(sign_in_failures.c.key.in_(keys))).rowcount


def forgive_login(connection: Connection, login: str) -> int:
    """Clear what is counted of a login at every address; return how many records that were. The caller commits."""
    key, column = login_key(login), sign_in_failures.c.key
    last = key + b"\xff" * _DIGEST_BYTES
    return connection.execute(delete(sign_in_failures).where(column.between(key, last))).rowcount


def forget_failures(connection: Connection) -> int:
    """Delete every record that no longer counts; return how many. The caller commits."""
    return connection.execute(delete(sign_in_failures).where(text(_OLD))).rowcount
