"""A code that is none of its list is refused with those that are allowed, never with what was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from gateway.domain.errors import InvalidRequest
from gateway.domain.statuses import NotificationStatus, Operation, PacketStatus
from gateway.operations.bounds import require_codes
from gateway.operations.journal import packet_query
from gateway.operations.notices import list_notifications
from gateway.operations.records import PacketFilter, PageRequest
from gateway.reports.kinds import ReportKind
from gateway.soap.reader import read
from gateway.soap.requests import ExportReport
from gateway.soap.shapes import record
from gateway.xml.parser import parse_text

LAUNCH = UUID(int=1)
NOTHING: Any = None
"""Neither database nor viewer is asked before the codes are judged."""


def packets(**wanted: Any) -> None:
    packet_query(NOTHING, NOTHING, NOTHING, PacketFilter(launch_id=LAUNCH, **wanted))


def notifications(*statuses: str) -> None:
    list_notifications(NOTHING, NOTHING, LAUNCH, statuses, PageRequest())


@pytest.mark.parametrize(
    ("ask", "told", "allowed"),
    [
        (lambda: packets(statuses=("SENT", "SECRET")), "statuses: неизвестный статус пакета", PacketStatus),
        (lambda: packets(operation="SECRET"), "operation: неизвестная операция", Operation),
        (lambda: notifications("SECRET"), "statuses: неизвестный статус уведомления", NotificationStatus),
    ],
)
def test_the_allowed_codes_are_told(ask: Callable[[], None], told: str, allowed: type[PacketStatus]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask()
    assert refused.value.message == f"{told}, допустимы {', '.join(allowed)}"


def test_a_code_of_a_list_that_grows_is_told_alike() -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(record(ExportReport), parse_text("<r><kind>SECRET</kind></r>"))
    assert refused.value.findings[0].message == f"Допустимые значения: {', '.join(ReportKind)}."


def test_a_long_list_is_cut() -> None:
    allowed = [f"CODE{number}" for number in range(30)]
    require_codes("code", "неизвестный код", allowed, allowed)
    with pytest.raises(InvalidRequest, match=r"CODE19 и ещё 10$"):
        require_codes("code", "неизвестный код", ["SECRET"], allowed)
