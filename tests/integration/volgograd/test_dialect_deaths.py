"""A run that dies between any two of its points ends like one that never died."""

from __future__ import annotations

import pytest

from gateway.domain.errors import GatewayError
from tests.support.volgograd import VolgogradHouse, check_books, sound_cases, submit_all
from workers.runner import process
from workers.runs.surroundings import Point

DEATHS = [(point, 1) for point in Point] + [(point, 3) for point in (Point.FORMING, Point.SENDING, Point.SENT)]


@pytest.mark.parametrize(("point", "nth"), DEATHS)
def test_a_death_loses_and_doubles_nothing(
    house: VolgogradHouse, monkeypatch: pytest.MonkeyPatch, point: Point, nth: int
) -> None:
    monkeypatch.setattr(process, "CRASH_PAUSE_S", 0.01)
    monkeypatch.setattr("workers.runs.pipeline.NUMBER_BATCH", 2)
    submit_all(house, sound_cases(6))
    arrivals: list[Point] = []

    def dies(reached: Point) -> None:
        arrivals.append(reached)
        if reached is point and arrivals.count(point) == nth:
            raise GatewayError("придуманный сбой")

    launch_id = house.start()
    assert house.finish(launch_id, house.worker(reached=dies)) == "SUCCESS"
    if point is not Point.ASKED:  # only a run that found packets in doubt asks
        assert arrivals.count(point) >= nth
    assert house.statuses() == {"ACCEPTED": 8}
    check_books(house)
