"""Transitions of a notification and what each changes in its launch's two counters."""

from __future__ import annotations

import pytest

from gateway.domain.notices import NOTICE_TRANSITIONS, formed_delta, notice_sources, sent_delta
from gateway.domain.statuses import NotificationStatus

LIFE_CYCLE = """
NEW → SENDING | CANCELLED
SENDING → NEW | SENT | DELIVERED | NOT_DELIVERED | SEND_ERROR
SEND_ERROR → SENDING | CANCELLED
SENT → DELIVERED | NOT_DELIVERED
NOT_DELIVERED → DELIVERED
"""
COUNTED_AS_SENT = {"SENT", "DELIVERED", "NOT_DELIVERED"}


def written() -> set[tuple[str, str]]:
    lines = [line.split(" → ") for line in LIFE_CYCLE.strip().splitlines()]
    return {(source, target) for source, targets in lines for target in targets.split(" | ")}


def test_the_table_allows_exactly_what_the_life_cycle_names() -> None:
    found = {(str(s), str(t)) for s in NOTICE_TRANSITIONS for t in NOTICE_TRANSITIONS[s]}
    assert found == written()
    assert set(NOTICE_TRANSITIONS) == set(NotificationStatus)


@pytest.mark.parametrize("target", NotificationStatus)
def test_sources_are_the_table_read_backwards(target: NotificationStatus) -> None:
    assert notice_sources(target) == {source for source, entered in written() if entered == target}


@pytest.mark.parametrize("after", NotificationStatus)
@pytest.mark.parametrize("before", [None, *NotificationStatus])
def test_counters_move_by_the_difference(before: NotificationStatus | None, after: NotificationStatus) -> None:
    was_formed = before is not None and before != "CANCELLED"
    assert formed_delta(before, after) == (after != "CANCELLED") - was_formed
    assert sent_delta(before, after) == (after in COUNTED_AS_SENT) - (before in COUNTED_AS_SENT)
