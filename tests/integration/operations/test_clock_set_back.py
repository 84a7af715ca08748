"""The database's clock is set back between a launch and its packets: by their ids they are older than it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from gateway.domain.identifiers import milliseconds, uuid7, uuid7_moment
from gateway.reports.kinds import ReportKind
from tests.support.region import OPERATIONS, World

_COPY = """INSERT INTO launches SELECT (jsonb_populate_record(l, jsonb_build_object('id', CAST(:new AS text)))).*
    FROM launches l WHERE id = :old"""
_MOVES = (
    _COPY,
    "UPDATE packets SET launch_id = :new WHERE launch_id = :old",
    "UPDATE launch_counters SET launch_id = :new WHERE launch_id = :old",
)


def set_back(world: World, by: timedelta) -> UUID:
    """Let the last launch have begun so much after its packets were formed; its new id."""
    old = world.launches()[-1]
    new = uuid7(milliseconds(uuid7_moment(old) + by))
    with world.engine.begin() as connection:
        for move in _MOVES:
            connection.execute(text(move), {"new": new, "old": old})
    return new


@pytest.mark.parametrize("by", [timedelta(seconds=3), timedelta(hours=3)])
def test_the_packets_that_a_launch_counts_are_listed(world: World, by: timedelta) -> None:
    launch_id = set_back(world, by)
    counted: Any = world.call("dc_admin", OPERATIONS["GetLaunch"], launch_id=launch_id)
    listed: Any = world.call("dc_admin", OPERATIONS["ListPackets"], launch_id=launch_id)
    report: Any = world.call("dc_admin", OPERATIONS["ExportReport"], kind=ReportKind.PACKETS, launch_id=launch_id)
    assert counted.packets_total == listed.total == len(listed.items) == 1
    assert str(listed.items[0].id) in report.xml
