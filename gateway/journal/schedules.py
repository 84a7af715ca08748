"""When services start by themselves: the planned start of each, kept where every worker sees it.

A planned start is taken under its row's lock, in the transaction that starts the service and plans the next one: of any
number of workers one does it, and one that dies in the middle has done nothing. The database's clock alone decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects.postgresql import insert

from gateway.journal.registry import ServiceSettings, service_settings_of
from gateway.journal.registry_tables import service_settings

CHANNEL: Final = "gateway_schedules"


class Due(NamedTuple):
    """A service whose planned start has come."""

    service_code: str
    planned: datetime
    settings: ServiceSettings


def set_schedule(
    connection: Connection, service_code: str, schedule: str | None, time_zone: str | None, jitter_s: int
) -> None:
    """Keep the schedule of a service; the schedulers are woken to plan its start. The caller commits.

    None stands for the manifest's schedule and the installation's zone.
    """
    _change(connection, service_code, {"schedule": schedule, "time_zone": time_zone, "jitter_s": jitter_s})


def set_enabled(connection: Connection, service_code: str, *, enabled: bool) -> None:
    """Enable or disable a service; what it missed while disabled is not made up for. The caller commits."""
    _change(connection, service_code, {"enabled": enabled})


def _change(connection: Connection, service_code: str, given: dict[str, object]) -> None:
    statement = insert(service_settings).values(service_code=service_code, **given)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["service_code"],
            set_=given | {"next_start_at": None, "next_start_of": None, "changed_at": text("clock_timestamp()")},
        )
    )
    connection.execute(text(f"NOTIFY {CHANNEL}"))


def take_due(connection: Connection, service_codes: Sequence[str]) -> Due | None:
    """Lock a service whose planned start has come, the earliest first; None when no other worker left one."""
    row = connection.execute(
        select(service_settings)
        .where(
            service_settings.c.service_code.in_(service_codes),
            service_settings.c.enabled,
            service_settings.c.next_start_at <= text("clock_timestamp()"),
        )
        .order_by(service_settings.c.next_start_at, service_settings.c.service_code)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    return None if row is None else Due(row.service_code, row.next_start_at, service_settings_of(row))


def plan(
    connection: Connection, service_code: str, seen: ServiceSettings, next_start_at: datetime | None, mark: str | None
) -> bool:
    """Write the next planned start, unless the settings are no longer those ``seen``; tell whether it was written.

    ``mark`` names the schedule that the start is of. The caller commits.
    """
    connection.execute(insert(service_settings).values(service_code=service_code).on_conflict_do_nothing())
    columns = service_settings.c
    same = [columns[name].is_not_distinct_from(value) for name, value in seen._asdict().items()]
    statement = update(service_settings).where(columns.service_code == service_code, *same)
    return connection.execute(statement.values(next_start_at=next_start_at, next_start_of=mark)).rowcount == 1


def seconds_to_next(connection: Connection, service_codes: Sequence[str]) -> float | None:
    """Seconds until the next planned start of these services, negative when it has come; None when none is planned."""
    left: float | None = connection.execute(
        select(text("extract(epoch FROM min(next_start_at) - clock_timestamp())::float8"))
        .select_from(service_settings)
        .where(service_settings.c.service_code.in_(service_codes), service_settings.c.enabled)
    ).scalar_one()
    return left
