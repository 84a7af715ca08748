"""A house with a stand-in Алькона, and its books."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from gateway.journal import registry
from tests.support.packet_house import Made, PacketHouse
from workers.demo.parts.alkona_data import observations
from workers.demo.region import ORGANIZATIONS, DemoOrganization
from workers.sandbox.alkona import AlkonaSandbox

SLUG: Final = "alkona"
DN: Final = "alkona-dn"
FIRST, SECOND, _ = ORGANIZATIONS


@dataclass
class AlkonaHouse(PacketHouse):
    """One journal with its peer."""

    SLUG = SLUG
    SERVICE = DN

    sandbox: AlkonaSandbox = field(kw_only=True)


def sound(organization: DemoOrganization = FIRST, number: int = 7, first: int = 1) -> list[Made]:
    """Observations that neither our rules nor the peer's have anything against."""
    numbers = (n for n in count(first) if n % 13 and n % 9 != 4)
    return [next(observations(organization, 1, n)) for n in islice(numbers, number)]


def check_books(house: AlkonaHouse) -> None:
    """Nothing lost, nothing doubled: every object accepted once, the peer's ledger is the journal, groups are whole."""
    lost = house.rows("SELECT id FROM source_objects WHERE accepted_hash IS DISTINCT FROM content_hash")
    doubled = house.rows("SELECT source_object_id FROM packet_items GROUP BY 1 HAVING count(*) > 1")
    assert (lost, doubled) == ([], [])
    journal = house.rows("SELECT * FROM packets ORDER BY id")
    ledger = house.sandbox.ledger()
    assert sorted((e.id, e.name, e.position, e.size, e.records) for e in ledger) == sorted(
        (str(p.id), p.name, p.group_position, p.group_size, p.items_total) for p in journal
    )
    for group in {e.group_id for e in ledger}:
        places = sorted((e.position, e.size) for e in ledger if e.group_id == group)
        assert places == [(n, len(places)) for n in range(1, len(places) + 1)]
    assert len({e.name for e in ledger}) == len(ledger)
    assert house.rows("SELECT 1 FROM attempts WHERE finished_at IS NULL OR outcome IS NULL") == []
    assert house.rows("SELECT sum(packets_total) FROM launch_counters")[0][0] == len(journal)


@contextmanager
def alkona_house(engine: Engine, folder: Path) -> Iterator[AlkonaHouse]:
    """Furnish an empty database: three МО and a peer with memory only."""
    sandbox = AlkonaSandbox()
    sandbox.start(folder, username="alkona", password="выдуманный пароль")
    try:
        with engine.begin() as connection:
            ids = {
                o.oid: registry.put_organization(connection, o.oid, o.name, {"tfoms": o.code}) for o in ORGANIZATIONS
            }
        yield AlkonaHouse(engine, ids, sandbox.settings, sandbox=sandbox)
    finally:
        sandbox.stop()
