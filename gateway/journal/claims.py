"""Claims: things of a peer that belong to nobody alone, each changed by one session at a time.

A claim is as good as the lease of the work that made it: one of a dead worker, of work that was given back or is over
bars nobody. The things are sealed (:mod:`gateway.journal.seals`), for they may name a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, text

from gateway.journal.outbox import Lease
from gateway.journal.seals import seal

_BARRED: Final = text(
    """
    SELECT EXISTS (
      SELECT 1 FROM claims c JOIN outbox o ON o.id = c.work_id AND o.lease_token = c.lease_token
      WHERE c.service_code = :service AND c.thing = ANY(:things) AND c.work_id <> :work
        AND o.lease_until > clock_timestamp())
    """
)
_CLAIM: Final = text(
    """
    INSERT INTO claims (service_code, thing, work_id, lease_token)
    SELECT :service, thing, :work, :token FROM unnest(CAST(:things AS bytea[])) AS thing
    ON CONFLICT (service_code, thing) DO UPDATE SET work_id = excluded.work_id, lease_token = excluded.lease_token
    """
)


def claim(connection: Connection, lease: Lease, things: Iterable[str]) -> bool:
    """Claim all of these things of a service for this work, or none where other work has one; the caller commits.

    False asks to try again later. Who waits has claimed nothing yet, so none waits for another in a circle.
    """
    sealed = sorted(set(seal(connection, "claim", (thing.encode() for thing in things))))
    values = {"service": lease.service_code, "work": lease.id, "token": lease.token, "things": sealed}
    # One at a time: the next statement sees all that was claimed before it.
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"claim:{lease.service_code}"}
    )
    if connection.execute(_BARRED, values).scalar_one():
        return False
    connection.execute(_CLAIM, values)
    return True


def release(connection: Connection, lease: Lease) -> None:
    """Give up all that this work has claimed; the caller commits."""
    connection.execute(text("DELETE FROM claims WHERE work_id = :work"), {"work": lease.id})
