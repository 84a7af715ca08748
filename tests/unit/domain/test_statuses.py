"""The transition table is read from the life cycle's own words, written here a second time."""

from __future__ import annotations

import pytest

from gateway.domain.statuses import (
    INITIAL,
    OPEN_STATUSES,
    STATUS_TITLES,
    TRANSITIONS,
    Direction,
    PacketStatus,
    error_delta,
    sources_of,
)

LIFE_CYCLE = """
FORMED → SENDING
SENDING → SENT | ACCEPTED | PARTIAL | REJECTED | FORMED | SEND_ERROR | IN_DOUBT
IN_DOUBT → SENT | ACCEPTED | PARTIAL | REJECTED | FORMED | SEND_ERROR
SENT → ACCEPTED | PARTIAL | REJECTED
SEND_ERROR → FORMED
"""
COUNTED_AS_ERRORS = {"FORM_ERROR", "SEND_ERROR", "REJECTED"}


def written() -> set[tuple[str, str]]:
    lines = [line.split(" → ") for line in LIFE_CYCLE.strip().splitlines()]
    return {(source, target) for source, targets in lines for target in targets.split(" | ")}


def test_the_table_allows_exactly_what_the_life_cycle_names() -> None:
    assert {(str(source), str(target)) for source in TRANSITIONS for target in TRANSITIONS[source]} == written()
    assert set(TRANSITIONS) == set(PacketStatus)


@pytest.mark.parametrize("target", PacketStatus)
def test_sources_of_is_the_table_read_backwards(target: PacketStatus) -> None:
    assert sources_of(target) == {source for source, entered in written() if entered == target}


def test_a_packet_begins_by_its_direction() -> None:
    assert INITIAL[Direction.EXPORT] == {"FORMED", "FORM_ERROR"}
    assert INITIAL[Direction.IMPORT] == {"PROCESSED", "REFUSED"}


def test_waiting_statuses_are_those_with_a_way_out_that_the_run_itself_takes() -> None:
    ways_out = {source for source, _ in written()}
    assert ways_out - {"SEND_ERROR"} == OPEN_STATUSES


@pytest.mark.parametrize("after", PacketStatus)
@pytest.mark.parametrize("before", [None, *PacketStatus])
def test_the_error_counter_moves_by_the_difference(before: PacketStatus | None, after: PacketStatus) -> None:
    was, becomes = before in COUNTED_AS_ERRORS, after in COUNTED_AS_ERRORS
    expected = 1 if becomes and not was else -1 if was and not becomes else 0
    assert error_delta(before, after) == expected


def test_every_status_has_its_default_title() -> None:
    assert STATUS_TITLES == {
        "FORMED": "Сформирован",
        "FORM_ERROR": "Ошибка формирования",
        "SENDING": "Отправляется",
        "IN_DOUBT": "Исход неизвестен",
        "SENT": "Отправлен",
        "SEND_ERROR": "Ошибка отправки",
        "ACCEPTED": "Принят",
        "PARTIAL": "Принят частично",
        "REJECTED": "Отклонен",
        "PROCESSED": "Обработан",
        "REFUSED": "Отклонен нами",
    }
