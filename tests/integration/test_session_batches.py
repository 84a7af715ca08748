"""Requests that a session sends together: each has its own times and its own fate, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from lxml import etree
from sqlalchemy import Engine, text

from gateway.catalog.registry import load_catalog
from gateway.journal import launches, outbox
from gateway.journal.launches import Starter
from tests.support.running import add_organizations
from workers.exchange import Action, Answer, Element, InDoubt, NotSent, Operation, Request, Session, SourceObject
from workers.runs import requests
from workers.runs.loading import load_exchange
from workers.runs.requests import NOT_TRIED
from workers.runs.session import run_session
from workers.runs.surroundings import Pause, Surroundings

CODE = "free-beds"
MANY = 12
"""Enough for batches of 1, 2, 4 and the rest."""


@dataclass(frozen=True)
class Said:
    document: Element = field(default_factory=lambda: etree.Element("answer"))
    refusal: str = ""
    nothing_there: bool = False
    entity_id: str | None = None


class Peer:
    """Answers each request with its number; ``before`` is told each number and may fail."""

    def __init__(self, before: Callable[[int], None] = lambda _number: None) -> None:
        self._before = before
        self.came: list[int] = []

    def call(self, data: bytes) -> Said:
        number = int(data)
        self._before(number)
        self.came.append(number)
        return Said(entity_id=str(number))

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def launch_id(engine: Engine) -> UUID:
    owner = add_organizations(engine, [("1.2.3", "Учебная больница", "990001")])["1.2.3"]
    with engine.begin() as connection:
        return launches.start(connection, CODE, [frozenset({owner})], Starter(None, "Испытание"))[0]


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are 1, 2, 4 and the rest however slow the machine is."""
    monkeypatch.setattr(requests, "JOURNAL_WITHIN_S", 600.0)


def perform(engine: Engine, ask: Callable[[Session], object], peer: Peer, **around: Any) -> Pause | None:
    """One attempt of the session that waits, without pauses between attempts of a request."""

    def run(session: Session) -> None:
        ask(session)

    (work_id,) = outbox.publish_due(engine)
    lease = outbox.take(engine, work_id, "испытание")
    assert lease is not None
    exchange = load_catalog([Path(__file__).parents[1] / "exchanges"]).exchanges[CODE]
    retry = exchange.manifest.retry.model_copy(update={"delay_s": 0.0})
    exchange = replace(exchange, manifest=exchange.manifest.model_copy(update={"retry": retry}))
    loaded = replace(load_exchange(exchange), run=run)
    surroundings = Surroundings(engine, lambda: closing(peer), **around)  # type: ignore[arg-type,return-value] # a session has no verbs of packets
    return run_session(surroundings, loaded, lease, lambda: peer)


def actions(many: int = MANY) -> list[Action]:
    kinds = ("BED_COUNT", Operation.INSERT)
    about = [SourceObject("BedCount", f"t-{n:02}", None) for n in range(many)]
    return [Action("31", "Передача", Request(*kinds, str(n).encode(), one)) for n, one in enumerate(about)]


def rows(engine: Engine, statement: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement)).all())


def fates(engine: Engine) -> list[tuple[str, str | None]]:
    """Status and «Результат» of every request, in order."""
    return [tuple(row) for row in rows(engine, "SELECT status, result_text FROM packets ORDER BY object_id")]


def failing_at(failing: int, error: Exception) -> Callable[[int], None]:
    def before(number: int) -> None:
        if number == failing:
            raise error

    return before


def test_answers_come_back_in_order_and_share_transactions(engine: Engine) -> None:
    answers: list[Answer] = []
    peer = Peer()
    perform(engine, lambda session: answers.extend(session.steps(actions())), peer)
    assert peer.came == list(range(MANY)) == [int(answer.entity_id or -1) for answer in answers]
    assert fates(engine) == [("ACCEPTED", None)] * MANY
    together = rows(engine, "SELECT count(DISTINCT xmin::text) AS wrote FROM packets")
    assert together[0].wrote < MANY
    (counted,) = rows(engine, "SELECT packets_total, packets_with_errors FROM launch_counters")
    assert tuple(counted) == (MANY, 0)


def test_each_request_has_times_of_its_own(engine: Engine) -> None:
    perform(engine, lambda session: session.steps(actions()), Peer())
    events = rows(engine, "SELECT started_at, sent_at, answered_at, finished_at FROM session_events ORDER BY id")
    assert len(events) == MANY
    assert all(e.started_at <= e.sent_at <= e.answered_at <= e.finished_at for e in events)
    assert all(one.answered_at <= two.sent_at for one, two in pairwise(events))


@pytest.mark.parametrize(
    ("error", "status"), [(InDoubt("Ответа нет"), "IN_DOUBT"), (NotSent("Связи нет"), "SEND_ERROR")]
)
def test_what_had_no_turn_was_not_sent(engine: Engine, error: Exception, status: str) -> None:
    peer = Peer(failing_at(4, error))
    perform(engine, lambda session: session.steps(actions(7)), peer)
    assert peer.came == [0, 1, 2, 3]
    told = [("ACCEPTED", None)] * 4 + [(status, str(error))] + [("SEND_ERROR", NOT_TRIED)] * 2
    assert fates(engine) == told
    events = rows(engine, "SELECT sent_at, answered_at, finished_at FROM session_events ORDER BY id")
    assert [e.sent_at is not None for e in events] == [True] * 5 + [False] * 2
    assert [e.finished_at is not None for e in events] == [True] * 4 + [False] * 3
    assert rows(engine, "SELECT 1 FROM attempts WHERE finished_at IS NULL") == []


def test_a_stopping_process_sends_nothing_more_of_a_batch(engine: Engine) -> None:
    peer = Peer()
    paused = perform(engine, lambda session: session.steps(actions()), peer, stopping=lambda: len(peer.came) == 5)
    assert paused == Pause(0)
    assert peer.came == [0, 1, 2, 3, 4]
    assert fates(engine)[:8] == [("ACCEPTED", None)] * 5 + [("SEND_ERROR", NOT_TRIED)] * 2


def test_the_answers_of_a_slow_peer_are_journaled_before_the_next_request(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def before(number: int) -> None:
        if number == 3:  # from now on, within a batch of four, every answer is late
            monkeypatch.setattr(requests, "JOURNAL_WITHIN_S", 0.0)
        seen.append((number, sum(status == "ACCEPTED" for status, _ in fates(engine))))

    seen: list[tuple[int, int]] = []
    perform(engine, lambda session: session.steps(actions()), Peer(before))
    assert seen[1:3] == [(1, 1), (2, 1)]
    assert seen[3:] == [(number, number) for number in range(3, MANY)]


def test_an_operator_stops_a_slow_session_within_a_batch(
    engine: Engine, launch_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def before(number: int) -> None:
        if number == 4:
            monkeypatch.setattr(requests, "JOURNAL_WITHIN_S", 0.0)
            with engine.begin() as connection:
                launches.request_stop(connection, launch_id)

    peer = Peer(before)
    perform(engine, lambda session: session.steps(actions()), peer)
    assert peer.came == [0, 1, 2, 3, 4]
    assert fates(engine)[3:7] == [("ACCEPTED", None)] * 2 + [("SEND_ERROR", NOT_TRIED)] * 2
    assert rows(engine, "SELECT result_text FROM launches")[0].result_text == "Остановлен оператором"
