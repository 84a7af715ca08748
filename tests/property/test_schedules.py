"""Any schedule in any zone at any moment: the next start is later, fits the fields, and none between was left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.schedule import Schedule

ZONES = ("UTC", "Europe/Kaliningrad", "Europe/Moscow", "Asia/Kamchatka", "Europe/Berlin", "Australia/Lord_Howe")
moments = st.integers(1_104_537_600, 1_893_456_000).map(lambda at: datetime.fromtimestamp(at, UTC))  # 2005 to 2029


def some(first: int, last: int) -> st.SearchStrategy[set[int] | None]:
    """A few values of one field, or every value."""
    return st.none() | st.sets(st.integers(first, last), min_size=1, max_size=4)


def field(values: set[int] | None) -> str:
    return "*" if values is None else ",".join(map(str, sorted(values)))


@given(some(0, 59), some(0, 23), some(0, 6), st.sampled_from(ZONES), moments)
def test_the_next_start_is_later_and_fits_its_fields(
    minutes: set[int] | None, hours: set[int] | None, weekdays: set[int] | None, zone: str, now: datetime
) -> None:
    schedule = Schedule(f"{field(minutes)} {field(hours)} * * {field(weekdays)}", zone)
    starts = list(islice(schedule.after(now), 4))
    assert [now, *starts] == sorted({now, *starts}), "later than now, rising, none twice"
    for start in starts:
        wall = start.astimezone(ZoneInfo(zone))
        jumped = wall.utcoffset() != (start - timedelta(hours=3)).astimezone(ZoneInfo(zone)).utcoffset()
        assert start.second == start.microsecond == 0
        assert weekdays is None or wall.isoweekday() % 7 in weekdays
        assert jumped or ((minutes is None or wall.minute in minutes) and (hours is None or wall.hour in hours))


@given(some(0, 59), some(0, 23), moments)
def test_no_start_is_left_out(minutes: set[int] | None, hours: set[int] | None, now: datetime) -> None:
    start = Schedule(f"{field(minutes)} {field(hours)} * * *", "Asia/Kamchatka").next_start(now)
    moment = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    zone = ZoneInfo("Asia/Kamchatka")
    while moment < start:
        wall = moment.astimezone(zone)
        fits = (minutes is None or wall.minute in minutes) and (hours is None or wall.hour in hours)
        repeated = wall.utcoffset() != (moment - timedelta(hours=3)).astimezone(zone).utcoffset()
        assert not fits or repeated
        moment += timedelta(minutes=1)


@given(
    st.sampled_from(["0 * * * *", "30 3 * * *", "0 8 * * MON-FRI", "0 0 1 * *"]),
    st.sampled_from(ZONES),
    moments,
    st.timedeltas(timedelta(0), timedelta(days=20)),
    st.integers(60, 86_400),
)
def test_every_start_of_a_dark_time_is_either_made_or_counted(
    cron: str, zone: str, planned_after: datetime, dark: timedelta, catch_up_s: int
) -> None:
    schedule = Schedule(cron, zone)
    planned = schedule.next_start(planned_after)
    now = planned + dark
    should = [planned, *(start for start in islice(schedule.after(planned), 600) if start <= now)]
    fresh, missed = schedule.missed(planned, now, catch_up_s)
    assert fresh == (should[-1] >= now - timedelta(seconds=catch_up_s))
    assert fresh + missed == len(should)
