"""The scheduler: starts services when their schedules say so, once for all workers, and tells what was missed.

A service that is still running is not started again; that is journaled, and the next start is planned.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from secrets import SystemRandom
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.catalog.manifest import Service
from gateway.catalog.registry import Catalog
from gateway.catalog.schedule import Schedule, schedule_of
from gateway.domain.actions import ALREADY_RUNNING
from gateway.domain.errors import ConfigurationError
from gateway.domain.launches import SCHEDULED, OrganizationChoice, one_by_one
from gateway.journal import launches, registry, schedules, waking
from gateway.journal.engine import database_now
from gateway.journal.launches import Starter
from gateway.journal.registry import AuditEvent, ServiceSettings
from gateway.journal.schedules import Due
from gateway.logs import trail

logger = logging.getLogger(__name__)

POLL_S: Final = 30.0
"""So long a change of the schedules may go unseen that came without a notification."""
STOP_S: Final = 1.0
"""So soon the thread sees that its process stops."""
MIN_PAUSE_S: Final = 0.2
"""Between two looks at a start that another worker is just making."""


_LOT: Final = SystemRandom()


class Scheduler:
    """Starts the services of a catalog. ``lot`` gives numbers from 0 to 1, by which starts are spread."""

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        time_zone: str,
        catch_up_s: int,
        lot: Callable[[], float] = _LOT.random,
    ) -> None:
        self._engine = engine
        self._services = {code: exchange.manifest.service for code, exchange in catalog.exchanges.items()}
        self._codes = list(self._services)
        self._time_zone = time_zone
        self._catch_up_s = catch_up_s
        self._lot = lot

    def run_until(self, stop: threading.Event) -> None:
        """Body of the scheduler's thread. Any number of processes may run it."""
        while not stop.is_set():
            try:
                with waking.listening(self._engine, schedules.CHANNEL) as wait:
                    while not stop.is_set():
                        rest = time.monotonic() + self.step()
                        while not stop.is_set() and (left := rest - time.monotonic()) > 0:
                            if wait(min(left, STOP_S)):
                                break
            except (SQLAlchemyError, waking.ConnectionLost) as error:
                logger.warning("scheduler waits for its database: %s", trail(error))
                stop.wait(STOP_S)

    def step(self) -> float:
        """Start what is due and plan what is not planned; commits. Return the seconds until there is more to do."""
        while self._start_due():
            pass
        with self._engine.begin() as connection:
            now, stored = database_now(connection), registry.load_service_settings(connection)
            for code in self._codes:
                self._plan(connection, code, stored.get(code, ServiceSettings()), now)
            left_s = schedules.seconds_to_next(connection, self._codes)
        return POLL_S if left_s is None else min(POLL_S, max(left_s, MIN_PAUSE_S))

    def _plan(self, connection: Connection, code: str, seen: ServiceSettings, now: datetime) -> None:
        """Plan the next start of a service whose schedule is new; one that is planned already stays."""
        schedule = self._schedule(code, seen) if seen.enabled else None
        mark = schedule.mark if schedule else None
        if seen.next_start_of == mark and (mark is None or seen.next_start_at is not None):
            return
        schedules.plan(connection, code, seen, self._next(code, schedule, now), mark)

    def _schedule(self, code: str, stored: ServiceSettings) -> Schedule | None:
        return schedule_of(self._services[code].schedule, stored, self._time_zone)

    def _next(self, code: str, schedule: Schedule | None, now: datetime) -> datetime | None:
        try:
            return schedule.next_start(now, self._lot()) if schedule else None
        except ConfigurationError as error:
            logger.error("service %s does not start by itself: %s", code, error.message)
            return None

    def _start_due(self) -> bool:
        """Start one service whose time has come, in one transaction with its next plan; tell whether there was one."""
        with self._engine.begin() as connection:
            due = schedules.take_due(connection, self._codes)
            if due is None:
                return False
            schedule = self._schedule(due.service_code, due.settings)
            if schedule is None or schedule.mark != due.settings.next_start_of:
                schedules.plan(connection, due.service_code, due.settings, None, None)  # of a schedule no more in force
                return True
            launches.lock_service(connection, due.service_code)
            now = database_now(connection)
            next_start_at = self._next(due.service_code, schedule, now)
            schedules.plan(connection, due.service_code, due.settings, next_start_at, schedule.mark)
            if next_start_at is None:
                return True
            event = self._start(connection, due, schedule, now)
            registry.audit(connection, None, event, who=SCHEDULED)
        logger.info("schedule of %s: %s", due.service_code, event.action)
        return True

    def _start(self, connection: Connection, due: Due, schedule: Schedule, now: datetime) -> AuditEvent:
        fresh, missed = schedule.missed(due.planned, now, self._catch_up_s)
        if not fresh:
            return _not_started(due.service_code, "Запуск опоздал: процессы обменов не работали", missed)
        code, service = due.service_code, self._services[due.service_code]
        wanted = self._scopes(connection, service)
        if not wanted:
            return _not_started(code, "Нет ни одной МО, по которой можно запустить сервис", missed)
        running = launches.running_scopes(connection, [code])
        free = [scope for scope in wanted if not launches.is_running(running, code, scope)]
        if not free:
            return _not_started(code, ALREADY_RUNNING, missed)
        who = f"{SCHEDULED}, пропущено запусков: {missed}" if missed else SCHEDULED
        made = launches.start(connection, code, free, Starter(None, who))
        detail = {"missed": missed, "already_running": len(wanted) - len(free)}
        return AuditEvent("schedule-start", [str(key) for key in made], detail=detail)

    def _scopes(self, connection: Connection, service: Service) -> list[frozenset[int] | None]:
        """МО of each launch that one start makes; None stands for every МО."""
        per_organization = service.launch_per_organization or service.organization_choice is OrganizationChoice.ONE
        if not per_organization:
            return [None]
        return one_by_one(row.id for row in registry.load_organizations(connection).values() if service.takes(row.oid))


def _not_started(code: str, reason: str, missed: int) -> AuditEvent:
    logger.warning("service %s was not started by its schedule: %s; missed before: %d", code, reason, missed)
    return AuditEvent("schedule-skip", [code], detail={"reason": reason, "missed": missed})
