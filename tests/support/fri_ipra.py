"""A house with a stand-in ФГИС ФРИ, and its books."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Final

from sqlalchemy import Engine

from gateway.journal import registry
from tests.support.packet_house import Made, PacketHouse
from workers.demo.parts.fri_ipra_data import programme, register, run_out, unknown, without_result
from workers.demo.region import ORGANIZATIONS, REGION_CODES, DemoOrganization
from workers.sandbox.fri_ipra import FriIpraSandbox

SERVICE: Final = "fri-ipra"
FIRST, SECOND, _ = ORGANIZATIONS
REGISTERED: Final = 60


@dataclass
class FriHouse(PacketHouse):
    """One journal with its peer."""

    SLUG = "fri_ipra"
    SERVICE = SERVICE

    sandbox: FriIpraSandbox = field(kw_only=True)

    def tell(self, *given: Made, oid: str = FIRST.oid) -> None:
        """The МИС submits."""
        self.submit(SERVICE, oid, given)


def told(n: int, organization: DemoOrganization = FIRST, *, right: bool = False) -> Made:
    """One programme as the МИС tells it."""
    document = programme(organization, n, right=right)
    return document.object_type, document.object_id, document.content or b""


def sound(organization: DemoOrganization = FIRST, number: int = 7) -> list[Made]:
    """Programmes that neither our rules nor the peer have anything against."""
    numbers = (n for n in count(1) if not (without_result(n) or run_out(n) or unknown(n)))
    return [told(n, organization) for n in islice(numbers, number)]


def check_books(house: FriHouse) -> None:
    """Nothing lost, nothing doubled: the peer holds what was submitted, each measure taken once, in our packets."""
    assert house.rows("SELECT id FROM source_objects WHERE accepted_hash IS DISTINCT FROM content_hash") == []
    parts = house.rows("SELECT jsonb_object_keys(accepted_parts) AS id FROM source_objects")
    measures = house.sandbox.measures()
    assert sorted(m.id for m in measures) == sorted(row.id for row in parts)
    assert {(m.acceptances, m.revisions) for m in measures} == {(1, 1)}
    journal = house.rows("SELECT id, items_total FROM packets WHERE status <> 'FORM_ERROR'")
    packages = house.sandbox.packages()
    assert sorted((p.id, p.programmes) for p in packages) == sorted((str(p.id), p.items_total) for p in journal)
    assert house.rows("SELECT 1 FROM attempts WHERE finished_at IS NULL OR outcome IS NULL") == []


@contextmanager
def fri_house(engine: Engine) -> Iterator[FriHouse]:
    """Furnish an empty database: three МО and a peer that knows their programmes, with memory only."""
    sandbox = FriIpraSandbox()
    password = "выдуманный пароль"
    address = sandbox.start(username="fri", password=password)
    try:
        for organization in ORGANIZATIONS:
            sandbox.know(register(organization, REGISTERED))
        with engine.begin() as connection:
            ids = {
                o.oid: registry.put_organization(
                    connection, o.oid, o.name, {"tfoms": o.code, "ogrn": o.ogrn, **REGION_CODES}
                )
                for o in ORGANIZATIONS
            }
        settings = {"address": address, "username": "fri", "password": password}
        yield FriHouse(engine, ids, settings, sandbox=sandbox)
    finally:
        sandbox.stop()
