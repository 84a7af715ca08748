"""A run that dies between any two of its points ends like one that never died."""

from __future__ import annotations

import pytest

from gateway.domain.errors import GatewayError
from tests.support.fri_ipra import SECOND, FriHouse, check_books, sound, told
from workers.runner import process
from workers.runs.surroundings import Point

DEATHS = [(point, 1) for point in Point] + [(point, 2) for point in (Point.FORMING, Point.SENT, Point.SETTLED)]


@pytest.mark.parametrize(("point", "nth"), DEATHS)
def test_a_death_changes_nothing(house: FriHouse, monkeypatch: pytest.MonkeyPatch, point: Point, nth: int) -> None:
    monkeypatch.setattr(process, "CRASH_PAUSE_S", 0.01)
    house.tell(told(3), *sound(number=11))
    house.tell(*sound(SECOND, number=6), oid=SECOND.oid)
    arrivals: list[Point] = []

    def dies(reached: Point) -> None:
        arrivals.append(reached)
        if reached is point and arrivals.count(point) == nth:
            raise GatewayError("придуманный сбой")

    assert house.finish(house.start(), house.worker(reached=dies)) == "SUCCESS"
    house.tell(told(3, right=True))
    house.launch()
    check_books(house)
