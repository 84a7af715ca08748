"""Changes of ФГИС ФРИ are read page by page from where the last launch ended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.domain.errors import GatewayError
from tests.support.fri_disabled import FIRST, FriHouse
from workers.demo.parts.fri_disabled_data import asked_for, extract
from workers.exchanges.fri_disabled import receive
from workers.exchanges.fri_disabled.receive import DONE, REPLACED
from workers.runs.surroundings import Point
from workers.sandbox.switches import Outage

LATER = "2026-03-05T10:00:00+03:00"


def place(house: FriHouse) -> dict[str, Any]:
    """Where the service goes on."""
    ((kept,),) = house.rows("SELECT cursor FROM service_cursors WHERE service_code = 'fri-disabled'")
    found: dict[str, Any] = json.loads(kept)
    return found


def changed(house: FriHouse, count: int) -> None:
    """Two submitted people are known; then everybody changes, most of them people of nobody."""
    for number in (0, count - 1):
        house.sandbox.put(extract(number))
        house.submit(FIRST, [asked_for(number)])
    house.launch()
    for number in range(count):
        house.sandbox.put(extract(number, group=1, made=LATER))


def told(house: FriHouse) -> list[str]:
    """Numbers of the changes that the peer handed out, in order."""
    return [e.outcome for e in house.sandbox.ledger() if e.operation == "ListChanges"]


def test_every_change_is_read_once_and_the_place_moves_with_it(house: FriHouse) -> None:
    changed(house, 10)
    first = place(house)
    assert house.launch() == ("SUCCESS", None)
    assert len(told(house)) == len(set(told(house))) == 10
    after = place(house)
    assert after["token"] is None
    assert after["since"] > first["since"]
    house.launch()
    assert len(told(house)) == 10
    assert [text for *_, text in house.packets(FIRST)] == [DONE, DONE, REPLACED, REPLACED]


def test_a_peer_that_goes_away_between_pages_is_gone_on_with_where_it_was(house: FriHouse) -> None:
    changed(house, 10)

    def away(point: Point) -> None:
        if point is Point.ANSWERS_JOURNALED:
            house.sandbox.switches.update({"outage": Outage.FAULT})

    assert house.finish(house.start(), house.worker(away)) == ("FAILED", "ФГИС ФРИ недоступен")
    assert place(house)["token"] is not None
    house.sandbox.switches.reset()
    assert house.launch() == ("SUCCESS", None)
    assert len(told(house)) == len(set(told(house))) == 10


def test_a_forgotten_page_is_read_from_the_beginning_and_journaled_once(house: FriHouse) -> None:
    changed(house, 10)
    house.finish(house.start(), house.worker(lambda point: forget(house, point)))
    assert len(set(told(house))) == 10
    assert len(told(house)) > 10
    assert [text for *_, text in house.packets(FIRST)] == [DONE, DONE, REPLACED, REPLACED]


def forget(house: FriHouse, point: Point) -> None:
    """The peer forgets the first page token it gave."""
    if point is Point.ANSWERS_JOURNALED and len(told(house)) == 3:
        house.sandbox.forget_pages()


def test_a_wrong_change_is_refused_once_and_the_others_go_on(house: FriHouse) -> None:
    changed(house, 2)
    house.sandbox.tell(extract(0)[:200])
    house.sandbox.put(extract(1, group=2, made="2026-03-09T10:00:00+03:00"))
    for _ in range(2):
        assert house.launch() == ("SUCCESS", None)
    assert [p[2] for p in house.packets(None)] == ["REFUSED"]
    assert house.data(None) == [extract(0)[:200]]
    assert [text for *_, text in house.packets(FIRST)] == [DONE, DONE, REPLACED, REPLACED, REPLACED]


def test_the_place_does_not_move_past_what_our_own_code_fails_on(
    house: FriHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(house, 2)
    before = place(house)

    def fails(_: object) -> str:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(receive, "_digest", fails)
        result, text = house.launch()
    assert (result, "ZeroDivisionError" in (text or "")) == ("FAILED", True)
    assert place(house) == before
    assert house.launch() == ("SUCCESS", None)
    assert [text for *_, text in house.packets(FIRST)] == [DONE, DONE, REPLACED, REPLACED]


def test_an_object_submitted_anew_while_it_is_asked_for_is_asked_for_again(house: FriHouse) -> None:
    house.sandbox.put(extract(0))
    house.submit(FIRST, [asked_for(0)])

    def meanwhile(point: Point) -> None:
        if point is Point.ASKED and len(house.asked()) == 1:
            content = asked_for(0).content or b""
            anew = content.replace(b"</Snils>", b"</Snils><TypeOfExtraction>Flexible</TypeOfExtraction>")
            house.submit(FIRST, [type(asked_for(0))("DisabledPersonRequest", "person-0", anew)])

    house.finish(house.start(), house.worker(meanwhile))
    house.launch()
    assert len(house.asked()) == 2
    assert [text for *_, text in house.packets(FIRST)] == [DONE]


def test_the_stand_in_takes_right_extracts_only(house: FriHouse) -> None:
    for wrong in (extract(0)[:100], extract(0).replace("Пол>".encode(), "Род>".encode())):
        with pytest.raises(GatewayError):
            house.sandbox.put(wrong)
