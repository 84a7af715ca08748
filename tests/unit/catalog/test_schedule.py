"""When a schedule starts a service: over changes of the clock, spread by seconds, after a time nobody worked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.catalog.schedule import MAX_COUNTED, OFF, Schedule, schedule_of
from gateway.domain.errors import ConfigurationError
from gateway.journal.registry import ServiceSettings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def upcoming(cron: str, after: str, zone: str, number: int = 3) -> list[str]:
    """So many starts after a wall clock time, as that zone's clocks show them."""
    starts = Schedule(cron, zone).after(at(after, zone))
    return [f"{next(starts).astimezone(ZoneInfo(zone)):%m-%d %H:%M %z}" for _ in range(number)]


@pytest.mark.parametrize(
    ("cron", "after", "zone", "expected"),
    [
        ("30 3 * * *", "2026-11-20 00:00", "Asia/Kamchatka", ["11-20 03:30 +1200", "11-21 03:30 +1200"]),
        ("0 8 * * MON-FRI", "2026-11-20 08:00", "Europe/Kaliningrad", ["11-23 08:00 +0200", "11-24 08:00 +0200"]),
        ("0 0 1 * *", "2026-11-20 00:00", "Asia/Vladivostok", ["12-01 00:00 +1000", "01-01 00:00 +1000"]),
        # Kaliningrad, 2010: from 02:00 straight to 03:00; a start at 02:30 comes right after.
        ("30 2 * * *", "2010-03-27 12:00", "Europe/Kaliningrad", ["03-28 03:00 +0300", "03-29 02:30 +0300"]),
        # Kamchatka, 2010: the year its zone changed together with summer time.
        ("30 2 * * *", "2010-03-27 12:00", "Asia/Kamchatka", ["03-28 02:30 +1200", "03-29 02:30 +1200"]),
        # Kaliningrad, 2014: from 02:00 back to 01:00; a start at 01:30 comes once.
        ("30 1 * * *", "2014-10-25 12:00", "Europe/Kaliningrad", ["10-26 01:30 +0300", "10-27 01:30 +0200"]),
        # A start every half hour is one by the clock on the wall and by any other.
        (
            "*/30 * * * *",
            "2014-10-26 01:10",
            "Europe/Kaliningrad",
            ["10-26 01:30 +0300", "10-26 01:00 +0200", "10-26 01:30 +0200"],
        ),
        ("15 2 * * *", "2026-03-28 12:00", "Europe/Berlin", ["03-29 03:00 +0200", "03-30 02:15 +0200"]),
    ],
)
def test_starts_follow_the_clock_on_the_wall(cron: str, after: str, zone: str, expected: list[str]) -> None:
    assert upcoming(cron, after, zone, len(expected)) == expected


def test_within_a_repeated_hour_the_next_start_is_never_in_the_past() -> None:
    second_time = at("2014-10-26 01:10", "Europe/Kaliningrad").replace(fold=1)
    assert Schedule("30 1 * * *", "Europe/Kaliningrad").next_start(second_time) > second_time.astimezone(
        UTC
    ) + timedelta(hours=20)


@pytest.mark.parametrize(("lot", "delay_s"), [(0.0, 0), (0.5, 30), (0.999999, 59)])
def test_a_start_is_spread_within_its_jitter(lot: float, delay_s: int) -> None:
    plain, spread = (Schedule("0 * * * *", "UTC", jitter_s).next_start(NOW, lot) for jitter_s in (0, 60))
    assert (spread - plain).total_seconds() == delay_s


@pytest.mark.parametrize(
    ("cron", "zone", "jitter_s", "words"),
    [
        ("0 3 * *", "UTC", 0, "пять полей cron"),
        ("0 0 3 * * *", "UTC", 0, "пять полей cron"),
        ("61 * * * *", "UTC", 0, "пять полей cron"),
        ("@daily", "UTC", 0, "пять полей cron"),
        ("0 0 31 FEB,APR MON", "UTC", 0, None),
        ("0 0 30 2 *", "UTC", 0, "cron|не бывает"),
        ("0 3 * * *", "Moscow", 0, "Часового пояса «Moscow» нет"),
        ("0 3 * * *", "../etc/passwd", 0, "Часового пояса"),
        ("0 3 * * *", "Europe", 0, "Часового пояса"),
        ("0 3 * * *", "UTC", 3601, "от 0 до 3600 с"),
        ("0 3 * * *", "UTC", -1, "от 0 до 3600 с"),
        ("*/5 * * * *", "UTC", 300, "не меньше промежутка"),
        ("*/5 * * * *", "UTC", 299, None),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(cron: str, zone: str, jitter_s: int, words: str | None) -> None:
    schedule = Schedule(cron, zone, jitter_s)
    if words is None:
        schedule.check(NOW)
        return
    with pytest.raises(ConfigurationError, match=words):
        schedule.check(NOW)


@pytest.mark.parametrize(
    ("planned", "looked_at", "catch_up_s", "fresh", "missed"),
    [
        ("2026-03-02 06:00", "2026-03-02 06:01", 60, True, 0),
        ("2026-03-02 06:00", "2026-03-02 06:02", 60, False, 1),
        ("2026-03-02 06:00", "2026-03-02 09:00", 3600, True, 3),
        ("2026-03-02 06:00", "2026-03-02 09:30", 3600, True, 3),
        ("2026-03-02 06:00", "2026-03-02 09:30", 60, False, 4),
        ("2025-03-02 06:00", "2026-03-02 09:00", 60, True, MAX_COUNTED),
    ],
)
def test_what_was_missed_is_counted_and_made_up_for_once(
    planned: str, looked_at: str, catch_up_s: int, fresh: bool, missed: int
) -> None:
    hourly = Schedule("0 * * * *", "UTC")
    assert hourly.missed(at(planned, "UTC"), at(looked_at, "UTC"), catch_up_s) == (fresh, missed)


@pytest.mark.parametrize(
    ("default", "stored", "expected"),
    [
        (None, None, None),
        ("0 3 * * *", None, "0 3 * * * Asia/Omsk"),
        ("0 3 * * *", ServiceSettings(), "0 3 * * * Asia/Omsk"),
        ("0 3 * * *", ServiceSettings(schedule=OFF), None),
        ("0 3 * * *", ServiceSettings(schedule="5 4 * * *"), "5 4 * * * Asia/Omsk"),
        (None, ServiceSettings(schedule="5 4 * * *", time_zone="UTC"), "5 4 * * * UTC"),
        (None, ServiceSettings(time_zone="UTC"), None),
    ],
)
def test_a_site_says_otherwise_than_the_manifest(
    default: str | None, stored: ServiceSettings | None, expected: str | None
) -> None:
    found = schedule_of(default, stored, "Asia/Omsk")
    assert (found and found.title) == expected
