"""A run against a peer that is down, drops connections, spoils or delays its answers."""

from __future__ import annotations

from typing import NoReturn
from uuid import UUID

import pytest
from sqlalchemy import text

from gateway.domain.launches import STOPPED_TEXT
from gateway.journal.holds import set_held
from gateway.journal.launches import request_stop
from tests.integration.runner.conftest import Driver
from tests.support.audit import check_books
from tests.support.houses import House, quick_catalog
from tests.support.waiting import eventually
from workers.exchange import PeerRefused
from workers.exchanges.tfoms_hosp import peer
from workers.runs.answers import UNREADABLE
from workers.sandbox.server import Response
from workers.sandbox.soap import Version
from workers.sandbox.switches import Malformation, Outage

BATCH = 5
"""Packets in one call of the quick catalog."""


def attempts(home: House) -> list[tuple[str, ...]]:
    """Outcomes of the attempts of every packet, each different story once."""
    statement = "SELECT DISTINCT array_agg(outcome ORDER BY number) FROM attempts GROUP BY packet_id"
    with home.engine.connect() as connection:
        return sorted(tuple(found) for found in connection.execute(text(statement)).scalars())


def receptions(home: House) -> set[int]:
    return {entry.receptions for entry in home.sandbox.ledger()}


def packet_ids(home: House) -> set[UUID]:
    with home.engine.connect() as connection:
        return set(connection.execute(text("SELECT id FROM packets")).scalars())


@pytest.mark.parametrize("outage", [Outage.REFUSE, Outage.FAULT])
def test_a_peer_that_is_down_opens_the_breaker_and_the_next_run_repeats(
    home: House, drive: Driver, outage: Outage
) -> None:
    home.submit()
    home.sandbox.switches.update({"outage": outage})
    result, told = drive().launch()
    statuses = home.statuses()
    assert statuses.keys() == {"FORMED", "SEND_ERROR"}
    assert statuses["SEND_ERROR"] == BATCH
    assert result == "FAILED"
    assert told == f"ТФОМС недоступен, ждут отправки: {statuses['FORMED']}"
    assert attempts(home) == [("FORMED", "FORMED", "SEND_ERROR")]
    before = packet_ids(home)
    home.sandbox.switches.reset()
    repeated = f"Повторно передаются пакеты прошлых запусков: {len(before)}"
    assert drive().launch() == ("SUCCESS", repeated)
    assert packet_ids(home) == before
    check_books(home)


def test_a_call_that_the_peer_refuses_costs_one_attempt_and_is_told(
    home: House, drive: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "Внешняя система отклонила вызов"

    def refuse(*_: object) -> NoReturn:
        raise PeerRefused(told)

    home.submit(1)
    with monkeypatch.context() as wrong:
        wrong.setattr(peer._Tfoms, "send", refuse)
        assert drive().launch() == ("FAILED", told)
    assert attempts(home) == [("SEND_ERROR",)]
    assert home.statuses() == {"SEND_ERROR": 1, "FORMED": 1}
    assert drive().launch()[0] == "SUCCESS"
    check_books(home)


def test_what_a_stopped_run_left_gets_all_the_attempts_of_a_new_one(home: House, drive: Driver) -> None:
    home.submit(1)
    home.sandbox.switches.update({"outage": Outage.REFUSE})
    driven, launch_id = drive(), home.launch()
    twice = [("FORMED", "FORMED")]
    eventually(lambda: (driven.step() or True) and attempts(home) == twice, 30, what="two attempts failed")
    with home.engine.begin() as connection:
        request_stop(connection, launch_id)
    assert driven.until_over(launch_id) == ("FAILED", STOPPED_TEXT)
    driven.launch()
    assert attempts(home) == [("FORMED",) * 4 + ("SEND_ERROR",)]


def test_what_goes_out_as_a_repeat_is_a_successful_transfer_too(home: House, drive: Driver) -> None:
    home.submit()
    home.sandbox.switches.update({"outage": Outage.REFUSE})
    drive().launch()
    assert successes(home) == 0
    home.sandbox.switches.reset()
    drive().launch()
    assert successes(home) > 0


def successes(home: House) -> int:
    """МО with «Дата последней успешной выгрузки»."""
    with home.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(last_success_at) FROM service_organizations")).scalar_one())


def test_packets_an_operator_holds_are_not_said_to_be_sent_again(home: House, drive: Driver) -> None:
    home.submit()
    home.sandbox.switches.update({"outage": Outage.REFUSE})
    drive().launch()
    home.sandbox.switches.reset()
    with home.engine.begin() as connection:
        set_held(connection, list(packet_ids(home)), held=True)
    assert drive().launch() == ("SUCCESS", None)


def test_a_packet_taken_without_a_receipt_is_asked_about_and_not_sent_again(home: House, drive: Driver) -> None:
    home.submit()
    home.sandbox.switches.update({"take_and_drop_next": 1})
    assert drive().launch() == ("SUCCESS", None)
    assert attempts(home) == [("IN_DOUBT",), ("SENT",)]
    assert receptions(home) == {1}
    check_books(home)


def test_a_packet_lost_on_the_way_is_asked_about_and_sent_again(home: House, drive: Driver) -> None:
    home.submit()
    home.sandbox.switches.update({"drop_before_next": 1})
    assert drive().launch() == ("SUCCESS", None)
    assert attempts(home) == [("IN_DOUBT", "SENT"), ("SENT",)]
    assert receptions(home) == {1}
    check_books(home)


@pytest.mark.parametrize("way", list(Malformation))
def test_a_spoilt_answer_stays_with_the_peer_until_it_comes_right(
    home: House, drive: Driver, way: Malformation
) -> None:
    home.submit()
    home.sandbox.switches.update({"malformed_answer_percent": 100, "malformation": way})
    launch_id, driven = home.launch(), drive()
    driven.step()
    assert home.statuses().keys() == {"SENT"}
    with home.engine.connect() as connection:
        assert set(connection.execute(text("SELECT result_text FROM packets")).scalars()) == {UNREADABLE}
    assert {entry.confirmed for entry in home.sandbox.ledger()} == {False}
    home.sandbox.switches.reset()
    assert driven.until_over(launch_id) == ("SUCCESS", None)
    check_books(home)


def test_an_answer_after_the_window_moves_the_counters_of_the_old_launch(home: House, drive: Driver) -> None:
    home.submit()
    home.sandbox.switches.update({"answer_delay_s": 3600, "reject_percent": 100})
    driven = drive(quick_catalog(answer_window_s=0))
    result = driven.launch()
    sent = home.statuses()["SENT"]
    assert result == ("SUCCESS", f"Ждут ответа: {sent}")
    assert home.statuses() == {"SENT": sent}
    home.sandbox.switches.reset()
    driven.step()
    assert home.statuses() == {"REJECTED": sent}
    with home.engine.connect() as connection:
        counters = text("SELECT sum(packets_total), sum(packets_with_errors) FROM launch_counters")
        assert tuple(connection.execute(counters).one()) == (sent, sent)


def test_a_peer_that_answers_nonsense_is_not_said_to_be_away(
    home: House, drive: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.submit(1)
    monkeypatch.setattr(Version, "response", lambda _, status, __: Response(status, b"<s:Envelope"))
    result, told = drive().launch()
    assert result == "FAILED"
    assert "ответил непонятно" in (told or "")
    assert "недоступен" not in (told or "")


def test_rejections_do_not_fail_the_launch(home: House, drive: Driver) -> None:
    home.submit()
    home.sandbox.switches.update({"reject_percent": 40})
    assert drive().launch() == ("SUCCESS", None)
    assert home.statuses().keys() == {"ACCEPTED", "REJECTED"}
    check_books(home)


def test_a_wrong_password_is_told_in_words_and_costs_no_attempts(home: House, drive: Driver) -> None:
    home.submit()
    result, told = drive(password="не тот").launch()
    assert result == "FAILED"
    assert "не принимает наши учётные данные" in (told or "")
    assert home.statuses().keys() == {"FORMED"}
    assert home.sandbox.ledger() == ()
    assert drive().launch()[0] == "SUCCESS"
    check_books(home)
