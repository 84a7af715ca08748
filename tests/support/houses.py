"""A house to try a run in: a journal, a stand-in ТФОМС, invented documents, and real worker processes."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, Self
from uuid import UUID

from sqlalchemy import Engine, text

from gateway.catalog.registry import Catalog, load_catalog
from gateway.journal import launches, objects, registry
from gateway.journal.bodies import pack
from gateway.journal.engine import connect
from gateway.journal.launches import Starter
from gateway.journal.objects import Arrival
from gateway.xml.canonical import content_digest
from gateway.xml.parser import parse
from tests.support.forks import FORKS, Fork
from workers.demo.region import ORGANIZATIONS, Case, Document
from workers.sandbox.tfoms import TfomsSandbox

SERVICE: Final = "tfoms-hosp"
SLUG: Final = "tfoms_hosp"
USER, PASSWORD = "mis", "выдуманный пароль"


def quick_catalog(answer_window_s: float = 120) -> Catalog:
    """The catalog with small batches and short pauses, so that a short run has many steps."""
    catalog = load_catalog()
    exchange = catalog.exchanges[SERVICE]
    sending = exchange.manifest.sending.model_copy(
        update={"form_batch": 7, "send_batch": 5, "answer_poll_s": 0.2, "answer_window_s": answer_window_s}
    )
    retry = exchange.manifest.retry.model_copy(update={"delay_s": 0.1})
    manifest = exchange.manifest.model_copy(update={"sending": sending, "retry": retry})
    return replace(catalog, exchanges={**catalog.exchanges, SERVICE: replace(exchange, manifest=manifest)})


def documents(numbers: Iterable[int]) -> Iterator[tuple[str, Document]]:
    """Valid documents of invented stays, each with the OID of its МО; the peer rejects a few for their policy."""
    for number in numbers:
        organization = ORGANIZATIONS[number % len(ORGANIZATIONS)]
        for document in Case(organization, number).documents():
            incomplete = document.object_type == "Referral" and number % 11 == 5
            backwards = document.object_type == "HospitalMotion" and number % 7 == 3
            if not incomplete and not backwards:
                yield organization.oid, document


@dataclass
class House:
    """One journal with its peer. ``redis_url`` None is the embedded profile's broker in the process."""

    engine: Engine
    sandbox: TfomsSandbox
    environment: dict[str, str]
    logs: Path
    organizations: dict[str, int]
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _names: Iterator[int] = field(default_factory=lambda: count(1))

    def submit(self, stays: int = 10) -> None:
        """Let the МИС hand over the documents of so many further stays."""
        self.take(documents(next(self._numbers) for _ in range(stays)))

    def take(self, given: Iterable[tuple[str, Document]]) -> None:
        """Store documents as the door does."""
        arrivals: dict[str, list[Arrival]] = defaultdict(list)
        for oid, d in given:
            content = d.content or b""
            digest = content_digest(parse(content)) if d.content else b""
            packed = pack(content) if d.content else b""
            arrivals[oid].append(Arrival(d.object_type, d.object_id, d.changed_at, not content, packed, digest))
        with self.engine.begin() as connection:
            for oid, batch in arrivals.items():
                objects.submit(connection, SERVICE, self.organizations[oid], batch, None)

    def launch(self, scope: frozenset[int] | None = None) -> UUID:
        """«Запуск»."""
        with self.engine.begin() as connection:
            return launches.start(connection, SERVICE, [scope], Starter(None, "Испытание"))[0]

    def result(self, launch_id: UUID) -> tuple[str, str | None]:
        """Result and its text."""
        with self.engine.connect() as connection:
            statement = text(
                "SELECT result, concat_ws(', ', result_text, result_counts) AS told FROM launches WHERE id = :id"
            )
            row = connection.execute(statement, {"id": launch_id}).one()
        return row.result, row.told or None

    def is_over(self, launch_id: UUID) -> bool:
        """The launch has a result."""
        return self.result(launch_id)[0] != "RUNNING"

    def lease(self, launch_id: UUID) -> tuple[int, str | None] | None:
        """Fencing token and owner of a launch's lease; None when the launch is done."""
        with self.engine.connect() as connection:
            statement = text("SELECT lease_token, lease_owner FROM outbox WHERE launch_id = :id")
            row = connection.execute(statement, {"id": launch_id}).one_or_none()
        return None if row is None else (row.lease_token, row.lease_owner)

    def statuses(self) -> dict[str, int]:
        """How many packets there are by status."""
        with self.engine.connect() as connection:
            rows = connection.execute(text("SELECT status, count(*) FROM packets GROUP BY status"))
            return {row[0]: row[1] for row in rows}

    def is_idle(self) -> bool:
        """Nothing is left to do, late answers included."""
        with self.engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM outbox")).scalar_one()) == 0

    @contextmanager
    def worker(self, **doom: str) -> Iterator[Worker]:
        """Start a worker process and wait until it works; killed at the end when it still lives."""
        name = f"worker-{next(self._names)}.log"
        with Worker(self.environment | doom, self.logs / name) as running:
            running.wait_ready()
            yield running


class Worker:
    """A worker process of ours, seen from outside. What it logs goes to the file ``log``."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._ready, theirs = FORKS.Pipe(duplex=False)
        self._fork = Fork(_live, {**os.environ, **environment}, log, theirs)
        theirs.close()
        self.pid = self._fork.pid

    def wait_ready(self) -> None:
        """Wait until it takes work."""
        assert self._ready.recv_bytes() == b"ready"

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def wait_dead(self, limit_s: float) -> None:
        """Wait until it has died by SIGKILL, its own or ours."""
        assert self._fork.end(limit_s) == -signal.SIGKILL

    def is_stopped(self) -> bool:
        """It exists and does not run (SIGSTOP)."""
        return Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T"

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self._fork.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._ready.close()


def _live(environment: dict[str, str], log: Path, ready: Connection) -> None:
    """What the process of a :class:`Worker` does."""
    from tests.support import doomed_worker  # noqa: PLC0415 # it imports this module

    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab", buffering=0) as stream:
        os.dup2(stream.fileno(), sys.stderr.fileno())
    doomed_worker.main(lambda: ready.send_bytes(b"ready"))


def environment_for(sandbox: TfomsSandbox) -> dict[str, str]:
    """Settings by which any process of ours reaches this peer."""
    services = {SLUG: {"address": sandbox.url, "username": USER, "password": PASSWORD}}
    return {"GATEWAY_SERVICES": json.dumps(services), "GATEWAY_LOG_LEVEL": "DEBUG"}


@contextmanager
def furnished(database_url: str, sandbox: TfomsSandbox, environment: dict[str, str], logs: Path) -> Iterator[House]:
    """A migrated database with the three МО of the invented region in it."""
    engine = connect(database_url, pool_size=3)
    try:
        with engine.begin() as connection:
            ids = {
                o.oid: registry.put_organization(connection, o.oid, o.name, {"tfoms": o.code}) for o in ORGANIZATIONS
            }
        yield House(engine, sandbox, environment, logs, ids)
    finally:
        engine.dispose()


@contextmanager
def house(database_url: str, redis_url: str | None, logs: Path) -> Iterator[House]:
    """Furnish an empty database: three МО, a peer with memory only, environment for workers."""
    sandbox = TfomsSandbox()
    sandbox.start(username=USER, password=PASSWORD)
    environment = environment_for(sandbox) | {"GATEWAY_DATABASE_URL": database_url}
    if redis_url is not None:
        environment["GATEWAY_REDIS_URL"] = redis_url
    try:
        with furnished(database_url, sandbox, environment, logs) as home:
            yield home
    finally:
        sandbox.stop()
