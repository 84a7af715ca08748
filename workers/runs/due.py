"""What is due next and whose it is: for every run that makes something of source objects."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from sqlalchemy import Connection

from gateway.domain.statuses import Operation
from gateway.journal import registry
from gateway.journal.launches import LaunchState
from gateway.journal.objects import DueObject, lock_due
from workers.exchange import Organization
from workers.runs.loading import Loaded


def take_due(
    connection: Connection,
    loaded: Loaded,
    launch: LaunchState,
    object_type: str,
    *,
    limit: int,
    operation: Operation | None = None,
) -> list[DueObject]:
    """Lock the next objects of a launch that are due, at most ``limit``; none means that nothing is left."""
    lock = partial(
        lock_due,
        connection,
        launch.service_code,
        object_type,
        launch.scope,
        loaded.rules,
        until=launch.started_at,
        limit=limit,
        operation=operation,
    )
    return lock() or lock()  # a whole batch may be left out while it waits for its locks; the second look is past them


def load_organizations(connection: Connection, ids: Collection[int]) -> dict[int, Organization]:
    """МО by id, as an exchange sees them."""
    rows = registry.load_organizations(connection, ids)
    return {key: Organization(r.id, r.oid, r.name, r.codes) for key, r in rows.items()}
