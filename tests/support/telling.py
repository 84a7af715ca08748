"""A house that tells patients: a journal, a stand-in SMS centre and mail server, reminders of invented people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Engine, text

from gateway.catalog.registry import Catalog, load_catalog
from gateway.journal import launches, objects, outbox, registry
from gateway.journal.bodies import pack
from gateway.journal.launches import Starter
from gateway.journal.objects import Arrival
from gateway.settings import load_settings
from gateway.xml.canonical import content_digest
from gateway.xml.parser import parse
from tests.support.houses import Worker
from tests.support.waiting import eventually
from workers.runner.process import WorkerProcess
from workers.runs.surroundings import Point
from workers.sandbox.mail import MailSandbox
from workers.sandbox.smsc import SmscSandbox

USER, PASSWORD, SENDER, FROM = "gateway", "secret-8", "Zdrav", "noreply@example.org"
OID: Final = "1.2.643.5.1.13.13.12.2.99.7"
ALWAYS: Final = {"quiet_from": "00:00", "quiet_to": "00:00"}
"""Nobody sleeps, so that a test does not depend on the hour."""
PLANNED: Final = date.today() + timedelta(days=13)  # noqa: DTZ011 # a day, of whatever zone


def reminder(number: int, **changed: str | None) -> str:
    """A reminder to an invented person; a change of None leaves the element out."""
    values: dict[str, str | None] = {
        "PHONE": f"+7900{number:07d}",
        "EMAIL": f"person-{number}@example.org",
        "CONSENT": "<GIVEN>true</GIVEN><DATE>2026-01-10</DATE>",
        "KIND": "ДВ4",
        "PLAN_DATE": PLANNED.isoformat(),
        "TIME_ZONE": "Europe/Volgograd",
        "PERS": f"<FAM>Выдумкин-{number}</FAM><IM>Альфа</IM><OT>Омегович</OT><DR>1961-02-03</DR>",
        **changed,
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in values.items() if value is not None)
    return f"<PreventionReminder>{inner}</PreventionReminder>"


def quick_telling(catalog: Catalog | None = None, **sending: int) -> Catalog:
    """The catalog with small batches and short pauses."""
    catalog = catalog or load_catalog()
    quick = dict(catalog.exchanges)
    for code in ("sms", "email"):
        manifest = quick[code].manifest
        update = {
            "sending": manifest.sending.model_copy(update={"form_batch": 7, "send_batch": 5} | sending),
            "retry": manifest.retry.model_copy(update={"delay_s": 0.1, "factor": 1.0}),
        }
        quick[code] = replace(quick[code], manifest=manifest.model_copy(update=update))
    return replace(catalog, exchanges=quick)


@dataclass
class Telling:
    """One journal with its two peers; ``services`` are the settings of the exchanges."""

    engine: Engine
    smsc: SmscSandbox
    mail: MailSandbox
    organization: int
    services: dict[str, dict[str, str]]
    environment: dict[str, str] = field(default_factory=dict)
    _minute: int = 0

    def submit(
        self, service: str, documents: Mapping[str, str | None], object_type: str = "PreventionReminder"
    ) -> None:
        """Store objects as the door does, by the МИС's ids; None removes one."""
        self._minute += 1
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self._minute)
        arrivals = [
            Arrival(object_type, key, at, True, b"", b"")
            if xml is None
            else Arrival(object_type, key, at, False, pack(xml.encode()), content_digest(parse(xml.encode())))
            for key, xml in documents.items()
        ]
        with self.engine.begin() as connection:
            objects.submit(connection, service, self.organization, arrivals, None)

    def remind(self, service: str, numbers: range) -> None:
        """Submit ordinary reminders to so many people."""
        self.submit(service, {f"r-{n}": reminder(n) for n in numbers})

    def launch(self, service: str) -> UUID:
        """«Запуск»."""
        with self.engine.begin() as connection:
            return launches.start(connection, service, [None], Starter(None, "Испытание"))[0]

    def result(self, launch_id: UUID) -> tuple[str, str | None]:
        """Result and its text."""
        told = "SELECT result, concat_ws(', ', result_text, result_counts) FROM launches WHERE id = :id"
        with self.engine.connect() as connection:
            row = connection.execute(text(told), {"id": launch_id}).one()
        return row[0], row[1] or None

    def counted(self, launch_id: UUID) -> tuple[int, int]:
        """«Сформировано уведомлений», «Отправлено уведомлений»."""
        of = "SELECT sum(notifications_formed), sum(notifications_sent) FROM launch_counters WHERE launch_id = :id"
        with self.engine.connect() as connection:
            row = connection.execute(text(of), {"id": launch_id}).one()
        return int(row[0] or 0), int(row[1] or 0)

    def notices(self) -> list[Any]:
        """Every notification, in the order in which they were formed."""
        with self.engine.connect() as connection:
            return list(connection.execute(text("SELECT * FROM notifications ORDER BY id")))

    def statuses(self) -> dict[str, int]:
        """How many notifications there are by status."""
        with self.engine.connect() as connection:
            return {
                r[0]: r[1] for r in connection.execute(text("SELECT status, count(*) FROM notifications GROUP BY 1"))
            }

    def is_idle(self) -> bool:
        """Nothing is left to be done."""
        with self.engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM outbox")).scalar_one()) == 0

    def execute(self, statement: str, **given: object) -> None:
        """Change the journal by hand."""
        with self.engine.begin() as connection:
            connection.execute(text(statement), given)

    def driven(self, reached: Callable[[Point], None] = lambda _: None, **sending: int) -> Driven:
        """A worker process driven by hand."""
        return Driven(
            self,
            WorkerProcess(
                self.engine,
                quick_telling(load_catalog(connected=self.services), **sending),
                self.settings(),
                reached=reached,
            ),
        )

    def settings(self) -> Any:
        """Settings of a worker in this process."""
        return load_settings(services=self.services)

    @contextmanager
    def worker(self, log: Path, **doom: str) -> Iterator[Worker]:
        """A worker process of its own."""
        services = {"GATEWAY_SERVICES": json.dumps(self.services)}
        with Worker(self.environment | services | doom, log) as running:
            running.wait_ready()
            yield running


class Driven:
    """Performs what the outbox wants done, in this thread."""

    def __init__(self, house: Telling, process: WorkerProcess) -> None:
        self._house = house
        self.process = process

    def step(self) -> bool:
        """Do what is due now; tell whether there was anything."""
        due = outbox.publish_due(self._house.engine)
        for work_id in due:
            self.process.perform(work_id)
        return bool(due)

    def until(self, condition: Callable[[], object], limit_s: float = 20.0) -> None:
        """Work until the condition holds; what asked to be called later is called at once."""
        now = "UPDATE outbox SET not_before = now() WHERE lease_until IS NULL AND not_before > now()"

        def worked() -> bool:
            self._house.execute(now)
            self.step()
            return bool(condition())

        eventually(worked, limit_s, what="the work is done")

    def launch(self, service: str) -> UUID:
        """«Запуск», to its end; what comes after it is left."""
        launch_id = self._house.launch(service)
        eventually(lambda: (self.step() or True) and self._house.result(launch_id)[0] != "RUNNING", 20)
        return launch_id


@contextmanager
def telling(engine: Engine, database_url: str, **sms: str) -> Iterator[Telling]:
    """Furnish a migrated, empty database; ``sms`` are further settings of the SMS service."""
    smsc, mail = SmscSandbox(), MailSandbox()
    address = smsc.start(username=USER, password=PASSWORD, sender=SENDER)
    post = mail.start(username=USER, password=PASSWORD, sender=FROM)
    try:
        with engine.begin() as connection:
            organization = registry.put_organization(connection, OID, "Поликлиника", {})
        common = {"username": USER, "password": PASSWORD, **ALWAYS}
        services = {
            "sms": {"address": address, "sender": SENDER, "per_second": "3000", **common, **sms},
            "email": {"address": post, "sender": FROM, "ca_bundle": str(mail.ca_bundle), **common},
        }
        environment = {"GATEWAY_DATABASE_URL": database_url, "GATEWAY_LOG_LEVEL": "DEBUG"}
        yield Telling(engine, smsc, mail, organization, services, environment)
    finally:
        smsc.stop()
        mail.stop()
