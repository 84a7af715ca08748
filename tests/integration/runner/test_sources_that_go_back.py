"""A source that goes back to what ТФОМС took before, while a packet of its change was under way or had its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import Connection, Engine, text

from gateway.catalog.registry import load_catalog
from gateway.domain.statuses import PacketStatus
from gateway.journal import launches, objects, packets
from gateway.journal.engine import database_now
from gateway.journal.packets import Outcome
from gateway.journal.registry import put_organization
from tests.support import journaling
from tests.support.packet_house import MORNING, arrival_of
from workers.demo.region import ORGANIZATIONS, Case, Document
from workers.runs.forming import form_batch
from workers.runs.loading import load_exchange

SERVICE = "tfoms-hosp"
BEFORE = Case(ORGANIZATIONS[0], 1).referral()
AFTER = BEFORE.changed(b"<USL_OK>1", b"<USL_OK>2")
GONE = replace(BEFORE, content=None)
TAKEN, REFUSED, DOUBT = PacketStatus.ACCEPTED, PacketStatus.REJECTED, PacketStatus.IN_DOUBT
SENT, FAILED = PacketStatus.SENT, PacketStatus.SEND_ERROR


@dataclass
class Referral:
    """One referral of one МО, and what becomes of it."""

    connection: Connection
    organization: int
    hours: Iterator[int] = field(default_factory=count)

    def submit(self, document: Document) -> None:
        moment = MORNING + timedelta(hours=next(self.hours))
        arrival = arrival_of((document.object_type, document.object_id, document.content or b""), moment)
        objects.submit(self.connection, SERVICE, self.organization, [arrival], None)

    def form(self) -> str | None:
        """What the next run forms: the operation, None for nothing."""
        exchange = load_exchange(load_catalog().exchanges[SERVICE])
        launch = launches.load(self.connection, journaling.launch(self.connection, service=SERVICE))
        launch = replace(launch, started_at=database_now(self.connection))
        form_batch(self.connection, exchange, launch, exchange.exchange.manifest.packet_types[0])
        query = text("SELECT operation FROM packets WHERE launch_id = :launch AND status = 'FORMED'")
        return self.connection.execute(query, {"launch": launch.id}).scalar_one_or_none()

    def go(self, *ways: PacketStatus) -> None:
        """Send the one open packet, by way of these statuses."""
        query = "SELECT id FROM packets WHERE status IN ('FORMED', 'SENDING', 'SENT', 'IN_DOUBT', 'SEND_ERROR')"
        packet = self.connection.execute(text(query)).scalar_one()
        self.connection.execute(text("UPDATE packets SET status = 'SENDING' WHERE status = 'FORMED'"))
        for status in ways:
            assert packets.settle(self.connection, SERVICE, [Outcome(packet, status)]) == {packet}


@pytest.fixture
def referral(engine: Engine) -> Iterator[Referral]:
    """A referral that ТФОМС took."""
    with engine.connect() as connection:
        first = ORGANIZATIONS[0]
        made = Referral(connection, put_organization(connection, first.oid, first.name, {"tfoms": first.code}))
        made.submit(BEFORE)
        assert made.form() == "Insert"
        made.go(SENT, TAKEN)
        yield made


@pytest.mark.parametrize(
    ("under_way", "verdict", "operation"),
    [
        ((), (SENT, TAKEN), "Update"),
        ((SENT,), (TAKEN,), "Update"),
        ((DOUBT,), (TAKEN,), "Update"),
        ((DOUBT,), (SENT, TAKEN), "Update"),
        # What is refused is not there: the peer holds what it took before, and nothing is left to tell.
        ((SENT,), (REFUSED,), None),
        ((DOUBT,), (REFUSED,), None),
    ],
)
def test_a_change_taken_back_is_formed_where_the_peer_took_the_change(
    referral: Referral, under_way: tuple[PacketStatus, ...], verdict: tuple[PacketStatus, ...], operation: str | None
) -> None:
    referral.submit(AFTER)
    assert referral.form() == "Update"
    referral.go(*under_way)
    referral.submit(BEFORE)
    assert referral.form() is None  # the one under way comes first
    referral.go(*verdict)
    assert referral.form() == operation


def test_a_change_taken_back_after_its_verdict_is_formed(referral: Referral) -> None:
    referral.submit(AFTER)
    referral.form()
    referral.go(SENT, TAKEN)
    referral.submit(BEFORE)
    assert referral.form() == "Update"


def test_what_may_have_arrived_is_sent_to_its_end_before_it_is_taken_back(referral: Referral) -> None:
    referral.submit(AFTER)
    referral.form()
    referral.go(DOUBT, FAILED)
    referral.submit(BEFORE)
    assert referral.form() is None
    assert packets.rearm(referral.connection, SERVICE, None, 10) == 1
    referral.go(SENT, TAKEN)
    assert referral.form() == "Update"


@pytest.mark.parametrize(("verdict", "operation"), [(TAKEN, "Insert"), (REFUSED, None)])
def test_what_was_removed_and_came_back_goes_again_where_the_peer_removed_it(
    referral: Referral, verdict: PacketStatus, operation: str | None
) -> None:
    referral.submit(GONE)
    assert referral.form() == "Delete"
    referral.go(DOUBT)
    referral.submit(BEFORE)
    assert referral.form() is None
    referral.go(verdict)
    assert referral.form() == operation
