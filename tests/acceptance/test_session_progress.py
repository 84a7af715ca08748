"""A session that runs is seen to go on, over the wire: its counters, its open event, its packets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine

from gateway.domain.roles import Role
from tests.support.frm import OID, House, house, services
from tests.support.running import PASSWORD, add_account, running
from tests.support.waiting import eventually
from workers.demo.client import Services, sign_in
from workers.demo.parts import frm_data

WORKERS = 5
REQUESTS = 4 * WORKERS


@dataclass
class Desk:
    """An administrator before the running gateway, and the house behind it."""

    home: House
    admin: Services

    def seen(self, launch_id: str) -> tuple[Any, list[Any]]:
        """The launch and its events as the operator sees them now."""
        launch = self.admin.journal.GetLaunch(launchId=launch_id)
        events = self.admin.journal.ListSessionEvents(launchId=launch_id).events
        return launch, list(events.event) if events else []


@pytest.fixture
def desk(engine: Engine, database_url: str) -> Iterator[Desk]:
    add_account(engine, "admin", Role.DC_ADMIN)
    with house(engine) as home, running(database_url, services(home.sandbox)) as url:
        yield Desk(home, sign_in(url, "admin", PASSWORD))


def test_a_running_session_is_seen_to_go_on(desk: Desk) -> None:
    desk.home.submit(frm_data.persons(OID, WORKERS), "frmr")
    desk.home.sandbox.switches.update({"slow_s": 0.4})
    chosen = {"organizationOid": [OID]}
    (launch_id,) = desk.admin.control.StartService(serviceCode="frmr", organizationOids=chosen).launchId

    def going_on(more_than: int) -> tuple[Any, ...]:
        launch, events = desk.seen(launch_id)
        return (launch, events) if launch.packetsTotal > more_than else ()

    first, events = eventually(lambda: going_on(0), 60, what="the first requests are seen", poll_s=0.1)
    assert (first.result, first.packetsTotal < REQUESTS) == ("RUNNING", True)
    assert [e.object for e in events if e.finishedAt is None] == [f"Работники 1–{WORKERS}"]
    assert len(events) == 2  # the check before it is over
    later, _ = eventually(lambda: going_on(first.packetsTotal), 60, what="more requests are seen", poll_s=0.1)
    assert later.result == "RUNNING"
    packets = desk.admin.journal.ListPackets(launchId=launch_id).packets.packet
    assert "ACCEPTED" in {packet.status for packet in packets}

    desk.home.sandbox.switches.reset()
    ended = eventually(lambda: _ended(desk.seen(launch_id)[0]), 60, what="the session ends", poll_s=0.2)
    assert (ended.result, ended.packetsTotal) == ("SUCCESS", REQUESTS)


def _ended(launch: Any) -> Any:
    return None if launch.result == "RUNNING" else launch
