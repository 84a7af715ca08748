"""Whatever part of the people ФГИС ФРИ never answers for, the others are asked for in a bounded number of launches."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from random import Random

import pytest

from tests.support.fri_disabled import FIRST, FriHouse
from workers.demo.parts.fri_disabled_data import asked_for, extract, person_snils
from workers.exchange import BadAnswer, Element, NotSent, PeerRefused, TransportError
from workers.exchanges.fri_disabled.peer import MAX_REFUSALS, _Register

PEOPLE = 18
RUN = MAX_REFUSALS + 1
"""So many people without an answer in a row end a part of the run."""
Subset = Callable[[int], bool]
SUBSETS: dict[str, Subset] = {
    "both ends": lambda n: not RUN <= n < PEOPLE - RUN,
    "all but one in the middle": lambda n: n != PEOPLE // 2,
    "all but the last": lambda n: n < PEOPLE - 1,
    "all but the first": lambda n: n > 0,
    "every second": lambda n: n % 2 == 0,
    "at random": lambda n: Random(n).random() < 0.8,  # no secret
}


def silence(monkeypatch: pytest.MonkeyPatch, never: set[str], trouble: TransportError) -> None:
    """Answer for everybody but these."""
    answer = _Register._extract

    def failing(self: _Register, content: Element | None) -> bytes:
        assert content is not None
        if content.findtext("Snils") in never:
            raise trouble
        return answer(self, content)

    monkeypatch.setattr(_Register, "_extract", failing)


def answered(house: FriHouse) -> int:
    """How many objects are answered for."""
    return len(house.rows("SELECT 1 FROM source_objects WHERE NOT due"))


@pytest.mark.parametrize("trouble", [BadAnswer("Выдумано"), PeerRefused("Выдумано"), NotSent("Выдумано")])
@pytest.mark.parametrize("subset", SUBSETS.values(), ids=SUBSETS)
def test_all_others_are_asked_for_in_bounded_time(
    house: FriHouse, monkeypatch: pytest.MonkeyPatch, subset: Subset, trouble: TransportError
) -> None:
    never = {person_snils(number) for number in range(PEOPLE) if subset(number)}
    for number in range(PEOPLE):
        house.sandbox.put(extract(number))
    house.submit(FIRST, [asked_for(number) for number in range(PEOPLE)])
    silence(monkeypatch, never, trouble)
    at_once = 1 if isinstance(trouble, NotSent) else RUN
    launches = 0
    while answered(house) < PEOPLE - len(never):
        house.launch()
        launches += 1
        assert launches <= ceil(len(never) / at_once)


def test_those_who_come_are_asked_for_by_the_next_launch(house: FriHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    silence(monkeypatch, {person_snils(number) for number in range(PEOPLE)}, BadAnswer("Выдумано"))
    house.submit(FIRST, [asked_for(number) for number in range(PEOPLE)])
    for _ in range(PEOPLE // RUN):
        house.launch()
    house.submit(FIRST, [asked_for(PEOPLE)])
    assert house.launch() == ("SUCCESS", f"остаются без ответа: {PEOPLE}")


def test_one_who_is_never_answered_is_asked_for_again_and_again(
    house: FriHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.submit(FIRST, [asked_for(number) for number in range(PEOPLE)])
    with monkeypatch.context() as away:
        silence(away, {person_snils(number) for number in range(PEOPLE)}, PeerRefused("Выдумано"))
        for _ in range(PEOPLE // RUN + 2):
            house.launch()
    assert house.launch() == ("SUCCESS", None)
    assert answered(house) == PEOPLE
