"""A database that is away is UNAVAILABLE to every operation, not only to signing in, which comes before them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from gateway.catalog.registry import load_catalog
from gateway.domain.roles import Account, Role, Viewer
from gateway.journal.engine import connect
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.outages import AWAY
from gateway.operations.records import ActorClaim
from gateway.soap.app import Application, build_wsgi
from gateway.soap.contract import SERVICES, Operation, ServiceContract
from gateway.soap.versions import SOAP12
from tests.integration.soap.stubbed import ACCOUNT, URL, Stub, envelope, post
from tests.support.running import free_port

ID: Final = "01900000-0000-7000-8000-000000000001"
LAUNCH: Final = f"<launchId>{ID}</launchId>"
PACKETS: Final = f"<packetIds><packetId>{ID}</packetId></packetIds>"
SERVICE: Final = "<serviceCode>tfoms-hosp</serviceCode>"
OBJECT: Final = "<object><objectId>1</objectId><objectType>Referral</objectType>"
ASKED: Final = {
    "ListServices": "",
    "ListOrganizations": SERVICE,
    "ListLaunches": SERVICE,
    "GetPacketData": f"<packetId>{ID}</packetId>",
    "GetPacketAnswer": f"<packetId>{ID}</packetId>",
    "GetJournal": f"<messageId>{ID}</messageId>",
    "ExportReport": f"<kind>PACKETS</kind>{LAUNCH}",
    "StartService": SERVICE,
    "HoldPackets": PACKETS,
    "ReleasePackets": PACKETS,
    "SubmitObjects": f"{SERVICE}<organizationOid>1.2</organizationOid><objects>{OBJECT}"
    "<changedAt>2026-05-01T00:00:00Z</changedAt><deleted>true</deleted></object></objects>",
    "TakeInbound": "",
    "ConfirmInbound": f"<ids><id>{ID}</id></ids><accepted>true</accepted>",
}
"""Requests that reach the database; those not named here ask for a launch."""
CASES: Final = [(service, operation) for service in SERVICES for operation in service.operations]


class Known(Stub):
    """Accounts that need no database: ``role`` calls."""

    role = Role.DC_ADMIN

    def as_viewer(self, ctx: Context, account: Account, claim: ActorClaim | None, address: str | None) -> Viewer:
        del ctx, claim
        return Viewer(replace(account, role=self.role), address=address)


@pytest.fixture(scope="module")
def accounts() -> Known:
    return Known()


@pytest.fixture(scope="module")
def app(accounts: Known) -> Application:
    nowhere = connect(f"postgresql://gateway@127.0.0.1:{free_port()}/nowhere")
    return build_wsgi(Context(nowhere, load_catalog(), Cursors(b"invented")), public_url=URL, accounts=accounts)


@pytest.mark.parametrize(("service", "operation"), CASES, ids=[operation.name for _, operation in CASES])
def test_every_operation_tells_that_the_database_is_away(
    app: Application, accounts: Known, service: ServiceContract, operation: Operation
) -> None:
    accounts.role = ACCOUNT.role if service.code == "intake" else Role.DC_ADMIN
    asked = ASKED.get(operation.name, LAUNCH)
    body = envelope(SOAP12, f'<{operation.name} xmlns="{service.namespace}">{asked}</{operation.name}>')
    answer = post(app, SOAP12, service.code, body)
    assert (answer.code, answer.text("gatewayFault/message")) == ("UNAVAILABLE", AWAY)
