"""Envelopes of ФГИС ФРИ that nobody can read: told as what they are, not as a peer that is away."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

import pytest

from tests.support.fri_disabled import FIRST, FriHouse
from workers.demo.parts.fri_disabled_data import asked_for, extract, person_snils
from workers.exchange import BadAnswer, PeerRefused, TransportError
from workers.exchanges.fri_disabled.peer import MAX_REFUSALS, UNREADABLE, _Register
from workers.exchanges.fri_disabled.receive import DONE, NOT_FOUND
from workers.sandbox.server import Response
from workers.sandbox.soap import Element, Version

ATTEMPTS = 3
"""Of the manifest."""


def spoil(monkeypatch: pytest.MonkeyPatch, operation: str, number: int) -> list[bytes]:
    """Cut the next envelopes that answer an operation; gives those that were cut."""
    respond, cut = Version.response, list[bytes]()

    def spoilt(self: Version, status: HTTPStatus, envelope: Element) -> Response:
        whole = respond(self, status, envelope)
        if f"{operation}Response".encode() not in whole.body or len(cut) == number:
            return whole
        cut.append(whole.body)
        return replace(whole, body=whole.body[: len(whole.body) // 2])

    monkeypatch.setattr(Version, "response", spoilt)
    return cut


def told(house: FriHouse) -> list[tuple[str, str]]:
    """Status and «Результат» of every packet of the МО."""
    return [(status, text) for _, _, status, text in house.packets(FIRST)]


def test_one_of_them_bars_nobody_and_its_person_is_asked_for_again(
    house: FriHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        house.sandbox.put(extract(number))
    house.submit(FIRST, [asked_for(number) for number in range(3)])
    spoil(monkeypatch, "GetInvalidExtract", 1)
    assert house.launch() == ("SUCCESS", "остаются без ответа: 1")
    refused, *came = told(house)
    assert (refused[0], UNREADABLE in refused[1]) == ("REFUSED", True)
    assert came == [("PROCESSED", DONE)] * 2
    assert house.launch() == ("SUCCESS", None)
    assert told(house)[3:] == [("PROCESSED", DONE)]


def test_that_nobody_is_known_is_heard_after_an_answer_that_did_not_read(
    house: FriHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.submit(FIRST, [asked_for(0)])
    spoil(monkeypatch, "GetInvalidExtract", 2)
    for _ in range(2):
        assert house.launch() == ("SUCCESS", "остаются без ответа: 1")
    assert house.launch() == ("SUCCESS", None)
    assert [status for status, _ in told(house)] == ["REFUSED", "PROCESSED"]
    assert told(house)[1][1] == NOT_FOUND


@pytest.mark.parametrize(
    ("operation", "calls", "refused"),
    [("ListChanges", ATTEMPTS, 0), ("GetInvalidExtract", ATTEMPTS * (MAX_REFUSALS + 1) + 1, MAX_REFUSALS + 1)],
)
def test_a_peer_that_answers_nothing_else_ends_the_launch_and_is_not_called_away(
    house: FriHouse, monkeypatch: pytest.MonkeyPatch, operation: str, calls: int, refused: int
) -> None:
    house.submit(FIRST, [asked_for(number) for number in range(MAX_REFUSALS + 2)])
    cut = spoil(monkeypatch, operation, 1000)
    result, text = house.launch()
    assert (result, len(cut)) == ("FAILED", calls)
    assert "ответил непонятно" in (text or "")
    assert "недоступ" not in (text or "")
    assert [status for status, _ in told(house)] == ["REFUSED"] * refused


@pytest.mark.parametrize("trouble", [BadAnswer("Выдумано"), PeerRefused("Выдумано")])
def test_those_who_are_never_answered_do_not_bar_those_who_come_after_them(
    house: FriHouse, monkeypatch: pytest.MonkeyPatch, trouble: TransportError
) -> None:
    never = {person_snils(number) for number in range(MAX_REFUSALS + 1)}
    answer = _Register._extract

    def failing(self: _Register, content: Element | None) -> bytes:
        assert content is not None
        if content.findtext("Snils") in never:
            raise trouble
        return answer(self, content)

    monkeypatch.setattr(_Register, "_extract", failing)
    house.submit(FIRST, [asked_for(number) for number in range(MAX_REFUSALS + 1)])
    assert house.launch()[0] == "FAILED"
    for number in (10, 11):
        house.sandbox.put(extract(number))
    house.submit(FIRST, [asked_for(number) for number in (10, 11)])
    assert house.launch() == ("SUCCESS", f"остаются без ответа: {MAX_REFUSALS + 1}")
    assert told(house)[-2:] == [("PROCESSED", DONE)] * 2
