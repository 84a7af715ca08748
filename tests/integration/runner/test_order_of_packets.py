"""One run sends what its peer needs first: Insert, Update, Delete; kinds in their order, in a Delete the other way."""

from __future__ import annotations

from dataclasses import replace

from tests.integration.runner.conftest import Driver
from tests.support.houses import House
from workers.demo.region import ORGANIZATIONS, Case

KINDS = ["HOSPITALISATION_REFERRAL", "HOSPITALISATION", "MOTION_IN_HOSPITAL"]


def test_what_is_removed_together_goes_the_other_way_round(home: House, drive: Driver) -> None:
    case, driven = Case(ORGANIZATIONS[0], 2), drive()
    stay = list(case.documents())
    home.take((case.organization.oid, each) for each in stay)
    driven.launch()
    home.take((case.organization.oid, replace(each.an_hour_later(), content=None)) for each in stay)
    driven.launch()
    sent = [(entry.operation, entry.type) for entry in home.sandbox.ledger()]
    assert sent == [("Insert", kind) for kind in KINDS] + [("Delete", kind) for kind in reversed(KINDS)]
    assert home.statuses() == {"ACCEPTED": 6}
