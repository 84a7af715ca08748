"""A house for sessions with ФРМО and ФРМР: a journal, the stand-in registers, and launches performed in this thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, text

from gateway.catalog.registry import Catalog, load_catalog
from gateway.journal import launches, objects, outbox
from gateway.journal.bodies import pack
from gateway.journal.launches import Starter
from gateway.journal.objects import Arrival
from gateway.settings import load_settings
from gateway.xml.canonical import content_digest
from gateway.xml.parser import parse
from tests.support.ips import CLIENT
from tests.support.running import add_organizations
from tests.support.waiting import eventually
from workers.demo.parts import frm_data
from workers.demo.parts.frm_data import Submitted
from workers.runner.process import WorkerProcess
from workers.runs.surroundings import Point
from workers.sandbox.ips import IpsSandbox
from workers.sandbox.ips_tokens import make_test_key

OID: Final = "1.2.643.5.1.13.13.12.2.34.1"
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


_FOLDER: Final = TemporaryDirectory(prefix="ips-")
KEY: Final = make_test_key(Path(_FOLDER.name))
"""The one key of the tests of this process."""


def quick_catalog() -> Catalog:
    """The catalog, its registers without pauses before a repetition."""
    catalog = load_catalog()
    quick = dict(catalog.exchanges)
    for code in ("frmo", "frmr"):
        manifest = quick[code].manifest
        retry = manifest.retry.model_copy(update={"delay_s": 0.0})
        quick[code] = replace(quick[code], manifest=manifest.model_copy(update={"retry": retry}))
    return replace(catalog, exchanges=quick)


def services(sandbox: IpsSandbox, **more: str) -> dict[str, dict[str, str]]:
    """Settings by which any process reaches the stand-in."""
    own = {"address": sandbox.url, "client_id": CLIENT, "key": str(KEY.key), "certificate": str(KEY.certificate)}
    own |= {"requests_per_s": "1000", "read_timeout_s": "2", **more}
    return {"frmo": own, "frmr": own}


class _Killed(BaseException):
    """The process is no more: nothing that follows in it happens."""


@dataclass
class House:
    """One journal with the stand-in registers."""

    engine: Engine
    sandbox: IpsSandbox
    organizations: dict[str, int]
    minutes: Iterator[int]

    def submit(self, given: Iterable[Submitted], service: str = "frmo", oid: str = OID) -> None:
        """Store objects as the door does, each later than all before."""
        moment = _EPOCH + timedelta(minutes=next(self.minutes))
        arrivals = [
            Arrival(kind, object_id, moment, False, pack(content), content_digest(parse(content)))
            for kind, object_id, content in given
        ]
        self._take(arrivals, service, oid)

    def remove(self, kind: str, object_id: str, service: str = "frmo", oid: str = OID) -> None:
        """Let the МИС remove an object."""
        moment = _EPOCH + timedelta(minutes=next(self.minutes))
        self._take([Arrival(kind, object_id, moment, True, b"", b"")], service, oid)

    def _take(self, arrivals: list[Arrival], service: str, oid: str) -> None:
        with self.engine.begin() as connection:
            objects.submit(connection, service, self.organizations[oid], arrivals, None)

    def launch(self, service: str = "frmo", oid: str = OID) -> UUID:
        """«Запуск»."""
        scope = frozenset({self.organizations[oid]})
        with self.engine.begin() as connection:
            return launches.start(connection, service, [scope], Starter(None, "Испытание"))[0]

    def resume(self, launch_id: UUID, service: str = "frmo") -> None:
        """«Возобновить передачу»."""
        with self.engine.begin() as connection:
            launches.resume(connection, launch_id, service)

    def perform(self, reached: Callable[[Point], None] = lambda _point: None, **settings: str) -> None:
        """Do all that waits, in this thread; ``reached`` is told every point of the runs."""
        given = load_settings(services=services(self.sandbox, **settings))
        worker = WorkerProcess(self.engine, quick_catalog(), given, reached)

        def idle() -> bool:
            for work_id in outbox.publish_due(self.engine):
                worker.perform(work_id)
            return int(self.scalar("SELECT count(*) FROM outbox")) == 0

        eventually(idle, 60, what="nothing is left to do")

    def die(self, when: Callable[[Point], bool]) -> bool:
        """Do all that waits until the process dies at the first such point, its leases over at once; False if not."""

        def reached(point: Point) -> None:
            if when(point):
                raise _Killed

        with suppress(_Killed):
            self.perform(reached)
            return False
        self.lapse()
        return True

    def lapse(self) -> None:
        """Let the leases of a dead worker be over at once."""
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE outbox SET lease_until = clock_timestamp() WHERE lease_until IS NOT NULL"))

    def has_taken(self, operation: str) -> Callable[[Point], bool]:
        """Tell whether the answer to the first such change is in hand."""
        return lambda point: point is Point.SENT and operation in facts(self.sandbox)

    def run(self, service: str = "frmo", oid: str = OID) -> UUID:
        """«Запуск» to its end."""
        launch_id = self.launch(service, oid)
        self.perform()
        return launch_id

    def rows(self, statement: str, **values: object) -> list[Any]:
        """Rows of the journal."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(statement), values))

    def scalar(self, statement: str, **values: object) -> Any:
        """One value of the journal."""
        with self.engine.connect() as connection:
            return connection.execute(text(statement), values).scalar_one()

    def result(self, launch_id: UUID) -> tuple[str, str | None]:
        """Result and its text."""
        (row,) = self.rows("SELECT result, result_text FROM launches WHERE id = :id", id=launch_id)
        return row.result, row.result_text

    def events(self, launch_id: UUID) -> list[str]:
        """Codes of the session's events, oldest first."""
        return [
            r.code for r in self.rows("SELECT code FROM session_events WHERE launch_id = :l ORDER BY id", l=launch_id)
        ]

    def errors(self, launch_id: UUID) -> list[tuple[str, str]]:
        """(message, object) of every error of the latest attempt."""
        rows = self.rows(
            "SELECT e.message, e.about FROM session_errors e JOIN launches l ON l.id = e.launch_id"
            " WHERE l.id = :l AND e.attempt = l.attempt ORDER BY e.id",
            l=launch_id,
        )
        return [(r.message, r.about) for r in rows]

    def packets(self, launch_id: UUID, *, reads: bool = False) -> list[tuple[str, str, str]]:
        """(type, object, status) of the session's packets in order, those that only read left out."""
        rows = self.rows(
            "SELECT packet_type, object_id, status FROM packets"
            " WHERE launch_id = :l AND (:reads OR operation <> 'Read') ORDER BY id",
            l=launch_id,
            reads=reads,
        )
        return [(r.packet_type, r.object_id, r.status) for r in rows]

    def held(self) -> list[tuple[str, str]]:
        """(operation, entity) of every change that the register took."""
        return [(e.operation, e.entity_id) for e in self.sandbox.ledger()]


def changed(number: int, *changes: tuple[str, str], oid: str = OID) -> Submitted:
    """A worker with words of its document replaced."""
    document = frm_data.person(oid, number).decode()
    for old, new in changes:
        assert old in document
        document = document.replace(old, new)
    return "Person", f"p-{number:06}", document.encode()


def facts(sandbox: IpsSandbox) -> Mapping[str, int]:
    """How many changes of each operation the register took."""
    found: dict[str, int] = {}
    for entry in sandbox.ledger():
        found[entry.operation] = found.get(entry.operation, 0) + 1
    return found


def check_books(home: House, expected: dict[str, int]) -> None:
    """The register holds everything once, and the journal knows of every change that it took."""
    assert facts(home.sandbox) == expected
    assert home.sandbox.created_twice() == ()
    taken = home.rows(
        "SELECT packet_type, count(*) AS times FROM packets"
        " WHERE operation <> 'Read' AND status = 'ACCEPTED' GROUP BY packet_type"
    )
    assert {row.packet_type: row.times for row in taken} == expected
    assert home.rows("SELECT 1 FROM packets WHERE status IN ('SENDING', 'IN_DOUBT')") == []
    assert home.rows("SELECT 1 FROM attempts WHERE finished_at IS NULL") == []


@contextmanager
def house(engine: Engine, organizations: int = 1) -> Iterator[House]:
    """Furnish a migrated, empty journal with so many МО and start the stand-in."""
    sandbox = IpsSandbox()
    sandbox.start(client_id=CLIENT, certificate=KEY.certificate)
    oids = [OID.rpartition(".")[0] + f".{n}" for n in range(1, organizations + 1)]
    try:
        ids = add_organizations(engine, [(oid, f"Учебная больница {n}", f"34{n:04}") for n, oid in enumerate(oids, 1)])
        yield House(engine, sandbox, ids, count(1))
    finally:
        sandbox.stop()
