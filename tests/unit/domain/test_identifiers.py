from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise
from uuid import RFC_4122, UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.identifiers import milliseconds, uuid7, uuid7_floor, uuid7_moment, uuid7_run

MOMENTS = st.integers(0, 2**48 - 2)
YEARS = st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 (bounds are naive)


@given(MOMENTS)
def test_an_id_is_a_uuid_of_version_7(unix_ms: int) -> None:
    value = uuid7(unix_ms)
    assert value.version == 7
    assert value.variant == RFC_4122
    assert value.int >> 80 == unix_ms


@given(MOMENTS, st.integers(2, 300))
def test_a_run_rises_strictly(unix_ms: int, length: int) -> None:
    run = list(islice(uuid7_run(unix_ms), length))
    assert all(earlier < later for earlier, later in pairwise(run))
    assert {value.version for value in run} == {7}
    assert run[0].int >> 80 == unix_ms


def test_a_run_rises_when_its_random_part_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda size: b"\xff" * size)
    run = list(islice(uuid7_run(1_700_000_000_000), 3))
    assert run == sorted(set(run))
    assert [value.int >> 80 for value in run] == [1_700_000_000_000, 1_700_000_000_001, 1_700_000_000_001]
    assert {(value.version, value.variant) for value in run} == {(7, RFC_4122)}


@given(st.integers(0, 250_000_000_000_000))
def test_the_moment_of_an_id_comes_back_to_the_millisecond(unix_ms: int) -> None:
    moment = uuid7_moment(uuid7(unix_ms))
    assert milliseconds(moment) == unix_ms
    assert moment.utcoffset() == timedelta(0)


@given(YEARS, st.integers(-720, 840))
def test_milliseconds_are_whole_ones_whatever_the_zone(moment: datetime, offset_minutes: int) -> None:
    there = moment.astimezone(timezone(timedelta(minutes=offset_minutes)))
    whole = milliseconds(there)
    assert whole == milliseconds(moment)
    passed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    assert timedelta(milliseconds=whole) <= passed < timedelta(milliseconds=whole + 1)


@given(YEARS, st.integers(0, 5_000))
def test_no_id_made_at_or_after_a_moment_is_below_its_floor(moment: datetime, later_ms: int) -> None:
    floor = uuid7_floor(moment)
    assert floor <= uuid7(milliseconds(moment) + later_ms)
    assert uuid7(milliseconds(moment) - 1) < floor


def test_a_moment_before_1970_bounds_nothing() -> None:
    assert uuid7_floor(datetime(1900, 1, 1, tzinfo=UTC)) == UUID(int=0)
