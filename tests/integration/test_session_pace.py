"""Two real processes, one rate: together they send a register no more than one of them may."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from gateway.journal import outbox
from tests.support import apart
from tests.support.frm import House, house, services
from workers.demo.parts import frm_data

PER_S = 10
UNITS = 8
REQUESTS = 4 + 1 + 2 + UNITS + 1
"""Of one session: lists that are read, the МО, its buildings, its units, its staffing table."""
LATE_S = 0.5
"""A busy machine may bring a request so late after its turn; none comes before it."""


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine, organizations=2) as furnished:
        yield furnished


def test_two_processes_never_send_more_in_a_second_than_the_register_allows(home: House, database_url: str) -> None:
    for oid in home.organizations:
        home.submit(frm_data.hospital(oid, units=UNITS), oid=oid)
        home.launch(oid=oid)
    site = services(home.sandbox, requests_per_s=str(PER_S))
    processes = [apart.start(database_url, site, work_id) for work_id in outbox.publish_due(home.engine)]
    assert [apart.died(process) for process in processes] == [False, False]
    assert home.rows("SELECT 1 FROM launches WHERE result <> 'SUCCESS'") == []

    arrivals = home.sandbox.arrivals()
    assert len(arrivals) == 2 * REQUESTS
    assert arrivals[-1] - arrivals[0] >= (len(arrivals) - 1) / PER_S - LATE_S
    seconds = [bisect_left(arrivals, moment + 1) - place for place, moment in enumerate(arrivals)]
    assert max(seconds) <= PER_S * (1 + LATE_S) + 1
    (one, two) = home.rows("SELECT min(sent_at) AS first, max(sent_at) AS last FROM session_events GROUP BY launch_id")
    assert max(one.first, two.first) < min(one.last, two.last)  # they were at it at once
