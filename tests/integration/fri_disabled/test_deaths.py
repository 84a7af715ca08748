"""A worker dies between any two steps of an inquiry: every extract is journaled once, and no change is missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.fri_disabled import FIRST, SECOND, FriHouse
from workers.demo.parts.fri_disabled_data import asked_for, extract
from workers.runner import process
from workers.runs.surroundings import Point

PEOPLE, CHANGED = 7, 5
LATER = "2026-03-05T10:00:00+03:00"
STEPS = [Point.TAKEN, Point.ANSWERS_TAKEN, Point.ANSWERS_JOURNALED, Point.ASKED, Point.SETTLED, Point.ENDING]


def dying(point: Point, times: int, died: list[Point]) -> Callable[[Point], None]:
    """Die at the first arrivals at a point, each time in another process."""

    def reached(at: Point) -> None:
        if at is point and len(died) < times:
            died.append(at)
            raise ConnectionAbortedError("придуманный сбой")

    return reached


@pytest.mark.parametrize("point", STEPS)
def test_a_death_at_any_step_loses_no_extract_and_doubles_none(
    house: FriHouse, monkeypatch: pytest.MonkeyPatch, point: Point
) -> None:
    monkeypatch.setattr(process, "CRASH_PAUSE_S", 0.01)
    for number in range(PEOPLE):
        house.sandbox.put(extract(number))
    for oid in (FIRST, SECOND):
        house.submit(oid, [asked_for(number) for number in range(PEOPLE)])
    died: list[Point] = []
    assert house.finish(house.start(), house.worker(reached=dying(point, 1, died))) == ("SUCCESS", None)
    for number in range(CHANGED):
        house.sandbox.put(extract(number, group=1, made=LATER, copy=2))
    assert house.finish(house.start(), house.worker(reached=dying(point, 3, died))) == ("SUCCESS", None)
    told = {Point.ASKED: 1, Point.SETTLED: 1}.get(point, 3)  # nobody is left to be asked for the second time
    assert len(died) == told
    for oid in (FIRST, SECOND):
        kinds = Counter(operation for _, operation, status, _ in house.packets(oid) if status == "PROCESSED")
        assert kinds == {"Insert": PEOPLE, "Update": CHANGED}
        offered = [document.content for document in house.take(oid)]
        assert len(offered) == PEOPLE
        assert sum("<ГруппаИнвалидности>1<" in content for content in offered) == CHANGED
    assert house.packets(None) == []
