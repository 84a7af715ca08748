"""One region for all stories: the gateway's processes, a stand-in ТФОМС, and a МО of its own for every story."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.domain.roles import Role
from gateway.journal.engine import connect
from tests.over_the_wire import ORGANIZATIONS, Region
from tests.postgres import ThrowawayPostgres
from tests.running import add_account, add_organizations, running
from workers.sandbox.tfoms import TfomsSandbox


@pytest.fixture(scope="package")
def region(server: ThrowawayPostgres, template: str) -> Iterator[Region]:
    url = server.create_database(template)
    engine = connect(url, pool_size=2)
    ids = add_organizations(engine, [(o.oid, o.name, o.code) for o in ORGANIZATIONS])
    add_account(engine, "mis", Role.MIS, list(ids.values()), may_act=True)
    add_account(engine, "other-mis", Role.MIS, list(ids.values()))
    add_account(engine, "admin", Role.DC_ADMIN)
    sandbox = TfomsSandbox()
    address = sandbox.start(username="gateway", password="invented")
    services = {"tfoms_hosp": {"address": address, "username": "gateway", "password": "invented"}}
    try:
        with running(url, services) as public_url:
            yield Region(public_url, sandbox, engine)
    finally:
        sandbox.stop()
        engine.dispose()
        server.drop_database(url)
