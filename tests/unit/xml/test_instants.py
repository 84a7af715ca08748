from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gateway.domain.errors import InvalidRequest
from gateway.xml.instants import format_instant, parse_instant

MOSCOW = timezone(timedelta(hours=3))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T10:20:30Z", datetime(2026, 3, 1, 10, 20, 30, tzinfo=UTC)),
        ("2026-03-01T10:20:30+03:00", datetime(2026, 3, 1, 10, 20, 30, tzinfo=MOSCOW)),
        (" 2026-03-01T10:20:30.5Z\n", datetime(2026, 3, 1, 10, 20, 30, 500_000, tzinfo=UTC)),
        ("2026-03-01T10:20:30.123456999Z", datetime(2026, 3, 1, 10, 20, 30, 123_456, tzinfo=UTC)),
        ("2026-02-28T24:00:00Z", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-02-28T24:00:00.000Z", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T00:00:00-03:30", datetime(2026, 3, 1, 3, 30, tzinfo=UTC)),
        ("2026-03-01T00:00:00-00:00", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T00:00:00+14:00", datetime(2026, 2, 28, 10, tzinfo=UTC)),
    ],
)
def test_instants_are_read(text: str, moment: datetime) -> None:
    assert parse_instant(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-01",
        "2026-03-01T10:20:30",
        "2026-03-01 10:20:30Z",
        "2026-3-1T10:20:30Z",
        "2026-02-30T10:20:30Z",
        "2026-03-01T24:00:01Z",
        "2026-03-01T24:00:00.0000001Z",
        "2026-03-01T10:60:00Z",
        "2026-03-01T10:20:60Z",
        "2026-03-01T10:20:30+14:01",
        "2026-03-01T10:20:30+03:60",
        "2026-03-01T10:20:30+0300",
        "0000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "12026-01-01T00:00:00Z",
        "9999-12-31T24:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "２026-03-01T10:20:30Z",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="часовым поясом"):
        parse_instant(text)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00Z"),
        (datetime(2026, 3, 1, 1, 2, 3, 450_000, tzinfo=MOSCOW), "2026-03-01T01:02:03.450000+03:00"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_instants_are_written(moment: datetime, text: str) -> None:
    assert format_instant(moment) == text


@pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=2, minutes=30, seconds=17))])
def test_a_moment_without_a_usable_zone_is_a_mistake(zone: timezone | None) -> None:
    with pytest.raises(ValueError, match="zone"):
        format_instant(datetime(2026, 3, 1, tzinfo=zone))
