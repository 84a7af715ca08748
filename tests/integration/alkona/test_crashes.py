"""A run that dies between any two of its points ends like one that never died."""

from __future__ import annotations

import pytest

from gateway.domain.errors import GatewayError
from tests.support.alkona import DN, FIRST, SECOND, AlkonaHouse, check_books, sound
from workers.runner import process
from workers.runs.surroundings import Point

DEATHS = [(point, 1) for point in Point] + [(point, 2) for point in (Point.FORMING, Point.NUMBERED, Point.SENT)]


@pytest.mark.parametrize(("point", "nth"), DEATHS)
def test_a_death_changes_nothing(house: AlkonaHouse, monkeypatch: pytest.MonkeyPatch, point: Point, nth: int) -> None:
    monkeypatch.setattr(process, "CRASH_PAUSE_S", 0.01)
    monkeypatch.setattr("workers.runs.pipeline.NUMBER_BATCH", 2)
    house.submit(DN, FIRST.oid, sound(number=12))
    house.submit(DN, SECOND.oid, sound(SECOND, number=6))
    arrivals: list[Point] = []

    def dies(reached: Point) -> None:
        arrivals.append(reached)
        if reached is point and arrivals.count(point) == nth:
            raise GatewayError("придуманный сбой")

    launch_id = house.start()
    assert house.finish(launch_id, house.worker(reached=dies)) == "SUCCESS"
    if point is not Point.ASKED:  # only a run that found packets in doubt asks
        assert arrivals.count(point) >= nth
    assert [(p.group_position, p.group_size) for p in house.packets_of(launch_id)] == [(n, 5) for n in range(1, 6)]
    check_books(house)
