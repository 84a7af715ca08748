from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from gateway.domain.errors import InvalidRequest
from gateway.domain.launches import LaunchResult
from gateway.journal.launch_queries import LaunchQuery
from gateway.journal.packet_queries import PacketQuery
from gateway.journal.report_queries import SessionQuery
from gateway.operations.report_orders import FILTERS, ReportOrder, check
from gateway.reports.kinds import ReportKind
from gateway.reports.making import CHUNK_BYTES, Order, gathered
from tests.support.reporting import heading

AT = datetime(2026, 3, 2, 9, 30, 5, 123456, tzinfo=UTC)
ID = UUID("01890000-0000-7000-8000-00000000000a")


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        (ReportKind.PACKETS, PacketQuery(frozenset({1, 2}), ("a",), ID, statuses=("SENT",), held=True, before=ID)),
        (ReportKind.PACKETS, PacketQuery(None, None, changed_since=AT, fragment="текст")),
        (ReportKind.LAUNCHES, LaunchQuery("a", 7, frozenset({3}), 3, LaunchResult.FAILED)),
        (ReportKind.SESSION_EVENTS, SessionQuery(ID, before=ID)),
    ],
)
def test_an_order_comes_back_from_json_as_it_was(kind: ReportKind, query: object) -> None:
    order = Order(heading(kind), query)
    assert Order.from_json(json.loads(json.dumps(order.to_json()))) == order


def test_a_filter_of_another_list_is_refused_and_named() -> None:
    with pytest.raises(InvalidRequest, match="«Тип пакета» не относится к списку «Лог запусков"):
        check(ReportOrder(ReportKind.LAUNCHES, service_code="a", packet_type="b"))
    with pytest.raises(InvalidRequest, match="«Запуск»"):
        check(ReportOrder(ReportKind.SESSION_ERRORS))
    check(ReportOrder(ReportKind.PACKETS, launch_id=ID, held=False, statuses=("SENT",)))


def test_every_list_has_its_filter() -> None:
    assert set(FILTERS) == set(ReportKind)
    known = set(ReportOrder.__dataclass_fields__)
    assert set().union(*FILTERS.values()) | {"kind", "format", "record_id"} == known


def test_pieces_are_gathered_and_none_is_lost() -> None:
    pieces = [bytes([n % 256]) * 5000 for n in range(200)]
    gathered_pieces = list(gathered(iter(pieces)))
    assert b"".join(gathered_pieces) == b"".join(pieces)
    assert all(CHUNK_BYTES <= len(piece) < CHUNK_BYTES + 5000 for piece in gathered_pieces[:-1])
