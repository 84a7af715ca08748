"""Answers that cannot be read: a few wait at the peer to come right, many do not bar those behind them."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from gateway.journal.bodies import unpack
from tests.integration.runner.conftest import Driver
from tests.support.audit import check_books
from tests.support.houses import House, quick_catalog
from workers.exchanges.tfoms_hosp import peer
from workers.runs import answers
from workers.runs.answers import UNREADABLE, AnswerDesk


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few answers that a short run fills the peer's page with what cannot be read."""
    for name, value in (("TAKE", 2), ("TAKE_MAX", 6), ("CROWD", 4), ("TAKE_BYTES", 1)):
        monkeypatch.setattr(answers, name, value)


def unreadable(home: House) -> dict[str, bytes]:
    """«Ответ» of the packets whose answer nobody could read."""
    statement = (
        "SELECT p.id, b.content, p.answer_size FROM packets p"
        " JOIN packet_bodies b ON b.packet_id = p.id AND b.kind = 'ANSWER'"
        " WHERE p.status = 'SENT' AND p.result_text = :told"
    )
    with home.engine.connect() as connection:
        rows = connection.execute(text(statement), {"told": UNREADABLE}).all()
    kept = {str(row.id): unpack(row.content) for row in rows}
    assert [row.answer_size for row in rows] == [len(answer) for answer in kept.values()]
    return kept


@pytest.mark.usefixtures("small_pages")
def test_many_of_them_do_not_bar_those_behind_and_are_kept_in_the_journal(home: House, drive: Driver) -> None:
    home.submit(30)  # by their ids: half of few may be none
    home.sandbox.switches.update({"malformed_answer_percent": 50})
    home.launch()
    driven = drive()
    driven.step()
    kept = unreadable(home)
    ledger = home.sandbox.ledger()
    waiting = {entry.id for entry in ledger if not entry.confirmed}
    assert 6 < len(kept) < len(ledger) - 6, "more than a page of both"
    assert home.statuses()["SENT"] == len(kept), "all the others have their verdict"
    assert waiting < kept.keys(), "most are confirmed, for the journal holds them"
    assert all(answer.startswith(b"<") for answer in kept.values())


@pytest.mark.usefixtures("small_pages")
def test_what_the_journal_kept_is_read_again_by_the_next_launch(
    home: House, drive: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.submit()
    driven = drive(quick_catalog(answer_window_s=0))
    with monkeypatch.context() as older:
        older.setattr(AnswerDesk, "_read", lambda *_: None)
        result = driven.launch()
        sent = home.statuses()["SENT"]
        assert result == ("SUCCESS", f"Ждут ответа: {sent}")
        assert len(unreadable(home)) == sent
        assert any(entry.confirmed for entry in home.sandbox.ledger())
    assert driven.launch() == ("SUCCESS", None)
    check_books(home)


@pytest.mark.usefixtures("small_pages")
def test_one_that_comes_right_while_they_crowd_is_read(
    home: House, drive: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third page holds, under the same message ids, what two pages before it were broken."""
    take, calls = peer._Tfoms.take_answers, count(1)

    def mending(self: Any, limit: int) -> Any:
        replies = take(self, limit)
        return replies if next(calls) > 2 else [replace(reply, answer=b"<broken") for reply in replies]

    home.submit()
    monkeypatch.setattr(peer._Tfoms, "take_answers", mending)
    home.launch()
    driven = drive()
    driven.step()
    assert "SENT" not in home.statuses()
    assert all(entry.confirmed for entry in home.sandbox.ledger())


def test_an_answer_that_names_another_packet_than_it_came_under_tells_of_neither(
    home: House, drive: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = peer._Tfoms.take_answers

    def mixed_up(self: Any, limit: int) -> Any:
        replies = take(self, limit)
        others = [*replies[1:], *replies[:1]]
        return [replace(reply, answer=other.answer) for reply, other in zip(replies, others, strict=True)]

    home.submit(1)
    driven = drive(quick_catalog(answer_window_s=0))
    with monkeypatch.context() as wrong:
        wrong.setattr(peer._Tfoms, "take_answers", mixed_up)
        driven.launch()
        assert home.statuses().keys() == {"SENT"}
        assert len(unreadable(home)) == home.statuses()["SENT"] > 1
    driven.launch()
    assert "SENT" not in home.statuses()
