"""One worker process: threads that perform work, a relay, a heartbeat, and the making of partitions ahead."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache, partial
from typing import Any, Final
from uuid import UUID

import dramatiq
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.catalog.registry import Catalog, Exchange
from gateway.domain.errors import ConfigurationError
from gateway.domain.launches import LaunchResult, LogKind
from gateway.journal import launches, notification_upkeep, outbox, reports, sign_ins
from gateway.journal.outbox import DATABASE_AWAY, Lease, LeaseLost, Task, leased
from gateway.journal.pace import DatabaseLimiter
from gateway.journal.partitions import ensure_partitions
from gateway.logs import trail
from gateway.settings import Settings
from workers.exchange import Peer
from workers.ips.limiter import Paced
from workers.runner.broker import failures_of, make_broker, waiting_in, work_actor
from workers.runner.leases import Heartbeat
from workers.runner.relay import relay_until
from workers.runner.scheduler import Scheduler
from workers.runs.inquiring import run_inquiry
from workers.runs.loading import Loaded, load_exchange
from workers.runs.notifying import run_notices
from workers.runs.pipeline import LaunchRun, collect_late_answers
from workers.runs.receiving import run_receiving
from workers.runs.reference import Library
from workers.runs.reporting import run_report
from workers.runs.session import run_session
from workers.runs.surroundings import Pause, Point, Surroundings
from workers.transports import open_transport

logger = logging.getLogger(__name__)

MAX_CRASHES: Final = 3
MAX_DEATHS: Final = 100
"""A document that kills every process that touches it must not do so for ever."""
CRASH_PAUSE_S: Final = 2.0
HOUSEKEEPING_S: Final = 3600.0
REQUEST_KEYS_DAYS: Final = 30


class WorkerProcess:
    """Takes ids from the broker, leases their work, performs it. ``reached`` is told every named point of a run."""

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        settings: Settings,
        reached: Callable[[Point], None] = lambda _point: None,
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._settings = settings
        self._reached = reached
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        self._stop = threading.Event()
        self._work_over = threading.Event()
        self._heartbeat = Heartbeat(engine)
        self._limiter = DatabaseLimiter(engine)
        self._library = Library()
        self._load = cache(self._load_exchange)
        redis = settings.redis_url.get_secret_value() if settings.redis_url else None
        self._broker = make_broker(redis)
        self._enqueue = work_actor(self._broker, self.perform)
        self._threads: list[threading.Thread] = []
        self._workers: dramatiq.Worker | None = None

    def start(self) -> None:
        """Start the threads; returns at once.

        Raises:
            ConfigurationError: an exchange of the catalog cannot be loaded.
        """
        for service_code in self._catalog.exchanges:
            self._load(service_code)
        self._keep_house()
        self._workers = dramatiq.Worker(self._broker, worker_threads=self._settings.worker_threads, worker_timeout=200)
        # No more than its threads can do at once: what lies in a busy process another one could be doing.
        self._workers.queue_prefetch = self._settings.worker_threads
        self._workers.start()
        bodies: dict[str, Callable[[], None]] = {
            "heartbeat": partial(self._heartbeat.beat_until, self._work_over),
            "relay": partial(
                relay_until,
                self._stop,
                self._engine,
                self._enqueue,
                partial(waiting_in, self._broker),
                failures_of(self._broker),
            ),
            "scheduler": partial(self._scheduler().run_until, self._stop),
            "house": self._keep_house_until_stopped,
        }
        for name, body in bodies.items():
            thread = threading.Thread(target=body, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _scheduler(self) -> Scheduler:
        settings = self._settings
        return Scheduler(self._engine, self._catalog, settings.time_zone, settings.schedule_catch_up_s)

    def _load_exchange(self, service_code: str) -> Loaded:
        return load_exchange(self._catalog.exchanges[service_code])

    def stop(self, timeout_s: float = 20.0) -> None:
        """Let running work pause at its next step, give its leases back, and end the threads."""
        self._stop.set()
        if self._workers is not None:
            self._workers.stop(timeout=int(timeout_s * 1000))
        self._work_over.set()
        for thread in self._threads:
            thread.join(timeout_s)
        self._broker.close()

    def perform(self, work_id: UUID) -> None:
        """Lease one row of the outbox and do what it wants; nothing when somebody else has it or it is done."""
        if self._stop.is_set():
            return
        try:
            lease = outbox.take(self._engine, work_id, self._owner)
            if lease is not None:
                with self._heartbeat.keeping(lease):
                    self._perform_leased(lease)
        except LeaseLost:
            logger.info("work %s goes on elsewhere", work_id)
        except (SQLAlchemyError, *DATABASE_AWAY) as error:
            logger.warning("work %s interrupted, its lease will lapse: %s", work_id, trail(error))

    def _perform_leased(self, lease: Lease) -> None:
        try:
            pause = self._run(lease)
        except (LeaseLost, *DATABASE_AWAY):
            raise
        except Exception as error:  # noqa: BLE001 # whatever an exchange does wrong must end as a journaled failure
            pause = self._after_crash(lease, error)
        if pause is not None:
            with leased(self._engine, lease) as connection:
                outbox.postpone(connection, lease, pause.seconds, failures=pause.failures, crashes=pause.crashes)

    def _run(self, lease: Lease) -> Pause | None:
        if lease.deaths > MAX_DEATHS:
            self._abandon(lease, "Процессы обмена гибнут на этом запуске: обратитесь к разработчику")
            return None
        if lease.task is Task.REPORT:
            return run_report(self._engine, self._catalog, lease, self._stop.is_set)
        exchange = self._catalog.exchanges.get(lease.service_code)
        if exchange is None:
            self._abandon(lease, "Сервис удалён из конфигурации")
            return None
        loaded = self._load(lease.service_code)
        around = self._surroundings(loaded)
        if exchange.manifest.service.log is LogKind.NOTIFICATIONS:
            return run_notices(around, loaded, lease, partial(self._transport, loaded))
        if lease.task is Task.ANSWERS or lease.launch_id is None:
            return collect_late_answers(around, loaded, lease)
        if exchange.manifest.service.log is LogKind.SESSION:
            return run_session(around, loaded, lease, partial(self._transport, loaded))
        if exchange.manifest.receives:
            run = run_receiving if loaded.inquiry is None else run_inquiry
            return run(around, loaded, lease, partial(self._transport, loaded), self._system(exchange))
        return LaunchRun(around, loaded, lease, lease.launch_id).advance()

    def _system(self, exchange: Exchange) -> list[str]:
        """Services of one external system: those of one folder."""
        return [code for code, each in self._catalog.exchanges.items() if each.folder == exchange.folder]

    def _surroundings(self, loaded: Loaded) -> Surroundings:
        @contextmanager
        def open_peer() -> Iterator[Peer]:
            if loaded.connect is None:
                raise ConfigurationError("У обмена нет функции connect")
            with closing(self._transport(loaded)) as transport:
                yield loaded.connect(transport)

        settings = self._settings.services.get(loaded.exchange.manifest.slug, {})
        system = self._system(loaded.exchange)
        return Surroundings(self._engine, open_peer, self._stop.is_set, self._reached, settings, self._library, system)

    def _transport(self, loaded: Loaded) -> Any:
        manifest = loaded.exchange.manifest
        values = self._settings.service_settings(manifest.slug)
        transport = open_transport(manifest.transport, values, loaded.exchange.wsdl())
        if isinstance(transport, Paced):
            transport.pace_by(self._limiter)
        return transport

    def _after_crash(self, lease: Lease, error: Exception) -> Pause | None:
        """An error nobody expected: try again, and after ``MAX_CRASHES`` close the launch with a code to look for."""
        crashes = lease.crashes + 1
        logger.error("work %s of %s failed: %s", lease.id, lease.service_code, trail(error))
        if crashes < MAX_CRASHES:
            return Pause(CRASH_PAUSE_S, lease.failures, crashes)
        self._abandon(lease, f"Внутренняя ошибка {type(error).__name__}, подробности в журнале программы")
        return None

    def _abandon(self, lease: Lease, text: str) -> None:
        with leased(self._engine, lease) as connection:
            if lease.task is Task.REPORT:
                reports.fail(connection, lease.id, text)
            if lease.launch_id is not None:
                launches.end(connection, lease.launch_id, LaunchResult.FAILED, text)
            outbox.finish(connection, lease)

    def _keep_house(self) -> None:
        with self._engine.begin() as connection:
            made = ensure_partitions(connection)
            reports.delete_expired(connection)
            launches.forget_requests(connection, REQUEST_KEYS_DAYS)
            sign_ins.forget_failures(connection)
            notification_upkeep.forget_notices(connection)
        if made:
            logger.info("made %d partitions ahead", made)

    def _keep_house_until_stopped(self) -> None:
        while not self._stop.wait(HOUSEKEEPING_S):
            try:
                self._keep_house()
            except SQLAlchemyError as error:
                logger.warning("housekeeping failed: %s", trail(error))
