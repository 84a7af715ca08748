"""A worker dies at every named point of a run: no person hears twice, nobody but those under way is left out."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.notices.test_http_gateway import FORM
from tests.support.telling import Driven, Telling
from tests.support.waiting import eventually
from workers.runs.surroundings import Point

PEOPLE = 12
BATCH = 5
POINTS = [
    Point.REARMED,
    Point.FORMING,
    Point.FORMED,
    Point.SENDING,
    Point.SENT,
    Point.SETTLED,
    Point.ANSWERS_TAKEN,
    Point.ANSWERS_JOURNALED,
    Point.ANSWERS_CONFIRMED,
    Point.ENDING,
]
SENDING_POINTS = [Point.FORMED, Point.SENDING, Point.SENT, Point.SETTLED]


class Death(BaseException):
    """What no code of ours catches, as SIGKILL."""


def dying(house: Telling, point: Point) -> Driven:
    """A worker that dies at its first arrival at a point, and that nobody has declared dead yet."""
    arrivals: list[Point] = []

    def reached(at: Point) -> None:
        if at is point and not arrivals:
            arrivals.append(at)
            raise Death

    return house.driven(reached, send_batch=BATCH)


def story(house: Telling, service: str, point: Point) -> None:
    """Launch, die, let the lease lapse, and go on until nothing is to be done."""
    house.remind(service, range(PEOPLE))
    launch = house.launch(service)
    doomed = dying(house, point)
    with pytest.raises(Death):
        doomed.until(lambda: False, limit_s=10)
    house.execute(
        "UPDATE outbox SET lease_until = now() - interval '1 s', published_at = NULL WHERE lease_until IS NOT NULL"
    )
    heir = house.driven(send_batch=BATCH)
    heir.until(lambda: house.result(launch)[0] == "SUCCESS")
    heir.until(lambda: not house.smsc.store.owed(1, ()) and not waits(house))


def waits(house: Telling) -> bool:
    return any(n.not_before is not None or n.sender is not None for n in house.notices())


def heard(house: Telling, service: str) -> list[str]:
    if service == "email":
        return [letter.recipient for letter in house.mail.ledger()]
    return [message.number for message in house.smsc.ledger()]


@pytest.mark.parametrize("point", POINTS)
def test_by_smpp(house: Telling, point: Point) -> None:
    story(house, "sms", point)
    numbers = heard(house, "sms")
    assert len(numbers) == len(set(numbers))
    lost = {Point.SENDING: BATCH}.get(point, 0)
    doubtful = {Point.SENDING: BATCH, Point.SENT: BATCH}.get(point, 0)
    assert len(numbers) == PEOPLE - lost
    assert house.statuses().get("SENDING", 0) == doubtful
    assert {n.error_text for n in house.notices() if n.status == "SENDING"} <= {"Исход неизвестен: передача прервана"}
    check_counters(house)


@pytest.mark.parametrize("point", SENDING_POINTS)
def test_by_mail(house: Telling, point: Point) -> None:
    story(house, "email", point)
    recipients = heard(house, "email")
    assert len(recipients) == len(set(recipients)) == PEOPLE - {Point.SENDING: BATCH}.get(point, 0)
    check_counters(house)


@pytest.mark.parametrize("point", SENDING_POINTS)
def test_by_a_gateway_that_knows_our_ids_nobody_is_left_out(house: Telling, point: Point) -> None:
    house.services["sms"] |= {**FORM, "address": house.smsc.http_url}
    story(house, "sms", point)
    assert sorted(heard(house, "sms")) == [f"7900{n:07d}" for n in range(PEOPLE)]
    assert house.statuses() == {"SENT": PEOPLE}
    check_counters(house)


def check_counters(house: Telling) -> None:
    """Counters kept by deltas equal a recount."""
    statuses = [n.status for n in house.notices()]
    formed = sum(s != "CANCELLED" for s in statuses)
    sent = sum(s in {"SENT", "DELIVERED", "NOT_DELIVERED"} for s in statuses)
    (launch,) = {n.launch_id for n in house.notices()}
    assert house.counted(launch) == (formed, sent)


def test_killed_for_real_while_messages_are_under_way(house: Telling, tmp_path: Path) -> None:
    with house.worker(tmp_path / "heir.log") as heir:
        with house.worker(tmp_path / "doomed.log", DOOM_POINT=Point.SENT, DOOM_NTH="2") as doomed:
            heir.send(signal.SIGSTOP)
            house.remind("sms", range(PEOPLE))
            launch = house.launch("sms")
            doomed.wait_dead(60)
            heir.send(signal.SIGCONT)
        over: Callable[[], bool] = lambda: house.result(launch)[0] != "RUNNING"  # noqa: E731 # a condition by name
        eventually(over, 60, what="the launch ends")
    assert house.result(launch)[0] == "SUCCESS"
    numbers = heard(house, "sms")
    assert len(numbers) == len(set(numbers)) == PEOPLE
    assert house.statuses()["SENDING"] == BATCH
    logs = "".join(file.read_text(encoding="utf-8") for file in tmp_path.glob("*.log"))
    assert [word for word in ("Выдумкин", "7900000", "Омегович") if word in logs] == []
