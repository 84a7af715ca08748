"""Sessions beyond the plain case: without a МО, with errors of an earlier attempt, repeated, stopped, asked anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from lxml import etree
from sqlalchemy import Engine, text

from gateway.catalog.registry import Catalog, load_catalog
from gateway.domain.errors import ConfigurationError, NotFound
from gateway.domain.launches import OrganizationChoice
from gateway.domain.roles import Account, Role, Viewer
from gateway.journal import launches, outbox
from gateway.journal.launches import Starter
from gateway.journal.schema import load_secret
from gateway.operations import journal, sessions
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.records import LaunchFilter, PageRequest
from tests.support.running import add_organizations
from workers.exchange import Action, Element, InDoubt, NotSent, Operation, Request, Session, Verdict
from workers.exchange import PacketStatus as Status
from workers.runs.loading import load_exchange
from workers.runs.session import run_session
from workers.runs.surroundings import Pause, Surroundings

CODE = "free-beds"
Run = Callable[[Session], str | None]
ALL = PageRequest(limit=50)


@dataclass(frozen=True)
class Said:
    document: Element = field(default_factory=lambda: etree.Element("answer"))
    refusal: str = ""
    entity_id: str | None = None


class Peer:
    """Fails as it is told to, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    def call(self, _data: bytes) -> Said:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return Said()

    def close(self) -> None:
        pass


@pytest.fixture
def catalog() -> Catalog:
    """The small exchange as it would be without a choice of МО, asking what became of its requests, without pauses."""
    found = load_catalog([Path(__file__).parents[1] / "exchanges"])
    exchange = found.exchanges[CODE]
    manifest = exchange.manifest
    service = manifest.service.model_copy(update={"organization_choice": OrganizationChoice.NONE})
    changed = {
        "service": service,
        "retry": manifest.retry.model_copy(update={"delay_s": 0.0}),
        "sending": manifest.sending.model_copy(update={"in_doubt": "ask"}),
    }
    one = replace(exchange, manifest=manifest.model_copy(update=changed))
    return replace(found, exchanges={**found.exchanges, CODE: one})


@pytest.fixture
def owner(engine: Engine) -> int:
    return add_organizations(engine, [("1.2.3", "Учебная больница", "990001")])["1.2.3"]


def start(engine: Engine, owner: int | None) -> UUID:
    scope = None if owner is None else frozenset({owner})
    with engine.begin() as connection:
        return launches.start(connection, CODE, [scope], Starter(None, "Испытание"))[0]


def perform(engine: Engine, catalog: Catalog, run: Run, peer: Peer | None = None, **around: Any) -> Pause | None:
    """One attempt of whatever session waits."""
    (work_id,) = outbox.publish_due(engine)
    lease = outbox.take(engine, work_id, "испытание")
    assert lease is not None
    loaded = replace(load_exchange(catalog.exchanges[CODE]), run=run)
    surroundings = Surroundings(engine, lambda: closing(Peer()), **around)  # type: ignore[arg-type,return-value] # a session has no verbs of packets
    pause = run_session(surroundings, loaded, lease, lambda: peer or Peer())
    if pause is not None:
        with outbox.leased(engine, lease) as connection:
            outbox.postpone(connection, lease, 0, failures=pause.failures)
    return pause


def one(engine: Engine, statement: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(text(statement)).one()


def column(engine: Engine, statement: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement)).scalars())


def ask(session: Session) -> None:
    session.steps([Action("31", "Передача", Request("BED_COUNT", Operation.INSERT, b"<a/>"))])


def erring(session: Session) -> str | None:
    with session.event("1", "Загрузка") as event:
        event.error("Загрузка", "Запись не читается")
    return None


def test_a_session_without_an_organization_is_seen_by_those_who_see_all(engine: Engine, catalog: Catalog) -> None:
    launch_id = start(engine, None)
    assert perform(engine, catalog, erring) is None
    ctx = Context(engine, catalog, Cursors(load_secret(engine)))
    centre = Viewer(Account(1, "centre", Role.DC_ADMIN, None))
    shown = journal.get_launch(ctx, centre, launch_id)
    assert (shown.result_title, shown.error_count) == ("Завершено с ошибкой", 1)
    assert len(sessions.list_session_errors(ctx, centre, launch_id, ALL).items) == 1
    hospital = Viewer(Account(2, "hospital", Role.MO_ADMIN, frozenset({7})))
    assert journal.list_launches(ctx, hospital, LaunchFilter(CODE), ALL).items == ()
    with pytest.raises(NotFound):
        sessions.list_session_errors(ctx, hospital, launch_id, ALL)


def test_a_session_without_an_organization_sends_and_has_no_objects(engine: Engine, catalog: Catalog) -> None:
    def run(session: Session) -> str:
        ask(session)
        with pytest.raises(ConfigurationError):
            next(session.objects("BedCount"))
        return "Загружено"

    start(engine, None)
    perform(engine, catalog, run)
    row = one(engine, "SELECT l.result, l.result_text, p.status FROM launches l JOIN packets p ON p.launch_id = l.id")
    assert tuple(row) == ("SUCCESS", "Загружено", "ACCEPTED")
    assert column(engine, "SELECT organization_id FROM launch_counters") == [None]


def test_errors_of_an_earlier_attempt_are_neither_counted_nor_listed(
    engine: Engine, catalog: Catalog, owner: int
) -> None:
    def run(session: Session) -> str | None:
        with session.event("60", "Проверка") as check:
            check.error("Проверка", f"Ошибка попытки {attempts.pop(0)}")
        return None

    attempts = [1, 2]
    launch_id = start(engine, owner)
    perform(engine, catalog, run)
    with engine.begin() as connection:
        launches.resume(connection, launch_id, CODE)
    perform(engine, catalog, run)
    ctx = Context(engine, catalog, Cursors(load_secret(engine)))
    centre = Viewer(Account(1, "centre", Role.DC_ADMIN, None))
    assert journal.get_launch(ctx, centre, launch_id).error_count == 1
    errors = sessions.list_session_errors(ctx, centre, launch_id, ALL)
    assert [e.message for e in errors.items] == ["Ошибка попытки 2"]
    assert errors.total == 1


def test_what_did_not_arrive_is_repeated_as_an_attempt_of_the_same_packet(
    engine: Engine, catalog: Catalog, owner: int
) -> None:
    start(engine, owner)
    peer = Peer(NotSent("Нет соединения"), NotSent("Нет соединения"))
    perform(engine, catalog, ask, peer)
    row = one(engine, "SELECT l.result, p.status, p.attempts FROM launches l JOIN packets p ON p.launch_id = l.id")
    assert tuple(row) == ("SUCCESS", "ACCEPTED", 3)
    tried = "SELECT outcome || coalesce(': ' || error_text, '') FROM attempts ORDER BY number"
    assert column(engine, tried) == ["FORMED: Нет соединения"] * 2 + ["ACCEPTED"]


def test_a_peer_that_stays_away_ends_the_session(engine: Engine, catalog: Catalog, owner: int) -> None:
    start(engine, owner)
    perform(engine, catalog, ask, Peer(*[NotSent("Нет соединения")] * 3))
    row = one(engine, "SELECT l.result, l.result_text, p.status FROM launches l JOIN packets p ON p.launch_id = l.id")
    assert tuple(row) == ("FAILED", "Нет соединения", "SEND_ERROR")
    assert column(engine, "SELECT last_success_at FROM service_organizations") == []


def test_a_doubt_makes_the_session_begin_anew_and_ask(engine: Engine, catalog: Catalog, owner: int) -> None:
    def run(session: Session) -> str | None:
        doubts = session.doubts()
        if not doubts:
            ask(session)
        for doubt in doubts:
            session.close(doubt.packet_id, Verdict(Status.ACCEPTED, "Найдено у внешней системы"), None)
        return None

    start(engine, owner)
    assert perform(engine, catalog, run, Peer(InDoubt("Ответа нет"))) == Pause(0.0, 1)
    assert one(engine, "SELECT status FROM packets").status == "IN_DOUBT"
    assert perform(engine, catalog, run) is None
    row = one(engine, "SELECT l.result, p.status FROM launches l JOIN packets p ON p.launch_id = l.id")
    assert tuple(row) == ("SUCCESS", "ACCEPTED")


def test_doubts_without_progress_end_the_session(engine: Engine, catalog: Catalog, owner: int) -> None:
    start(engine, owner)
    for failures in (1, 2):
        pause = perform(engine, catalog, ask, Peer(InDoubt("Ответа нет")))
        assert pause == Pause(0.0, failures)
    assert perform(engine, catalog, ask, Peer(InDoubt("Ответа нет"))) is None
    assert tuple(one(engine, "SELECT result, result_text FROM launches")) == ("FAILED", "Ответа нет")


@pytest.fixture
def stopping_after_two() -> Callable[[], bool]:
    looks = iter([False, False])
    return lambda: next(looks, True)


def test_a_stopping_process_gives_the_session_back(
    engine: Engine, catalog: Catalog, owner: int, stopping_after_two: Callable[[], bool]
) -> None:
    def run(session: Session) -> str | None:
        for _ in range(3):
            ask(session)
        return None

    start(engine, owner)
    assert perform(engine, catalog, run, stopping=stopping_after_two) == Pause(0)
    assert column(engine, "SELECT status FROM packets") == ["ACCEPTED", "ACCEPTED"]
    assert one(engine, "SELECT result FROM launches").result == "RUNNING"


def test_an_operator_stops_a_session_before_its_next_request(engine: Engine, catalog: Catalog, owner: int) -> None:
    def run(session: Session) -> str | None:
        ask(session)
        with engine.begin() as connection:
            launches.request_stop(connection, launch_id)
        ask(session)
        return None

    launch_id = start(engine, owner)
    perform(engine, catalog, run)
    assert tuple(one(engine, "SELECT result, result_text FROM launches")) == ("FAILED", "Остановлен оператором")
    assert column(engine, "SELECT status FROM packets") == ["ACCEPTED"]
