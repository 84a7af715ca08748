"""A house with the stand-in fund of Волгоград, and the books that must be right at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from gateway.journal import registry
from tests.support.packet_house import Made, PacketHouse
from workers.demo.parts.volgograd_data import HOSPITAL, emergencies, free_beds
from workers.demo.region import ORGANIZATIONS, Case, Document
from workers.sandbox.volgograd import VolgogradSandbox

SLUG: Final = "volgograd"
SERVICE: Final = "tfoms-263"
CLINIC: Final = ORGANIZATIONS[0]
KINDS: Final = {
    "HOSPITALISATION_REFERRAL": "I01",
    "CANCEL_HOSPITALISATION_REFERRAL": "I03",
    "CANCEL_HOSPITALISATION": "I03",
    "HOSPITALISATION": "I04",
    "HOSPITALISATION_EXT": "I05",
    "MOTION_IN_HOSPITAL": "I06",
    "HOSPITAL_FREE_BEDS": "I07",
}


@dataclass
class VolgogradHouse(PacketHouse):
    """One journal with its peer."""

    SLUG = SLUG
    SERVICE = SERVICE

    sandbox: VolgogradSandbox = field(kw_only=True)


@contextmanager
def volgograd_house(engine: Engine, folder: Path) -> Iterator[VolgogradHouse]:
    """Furnish an empty database: three МО and a peer with memory only, its FTP door open too."""
    sandbox = VolgogradSandbox()
    sandbox.start(folder, username="gateway", password="выдуманный пароль", ftp_port=0)
    try:
        with engine.begin() as connection:
            ids = {
                o.oid: registry.put_organization(connection, o.oid, o.name, {"tfoms": o.code}) for o in ORGANIZATIONS
            }
        yield VolgogradHouse(engine, ids, sandbox.settings, sandbox=sandbox)
    finally:
        sandbox.stop()


def made(documents: Iterable[Document]) -> list[Made]:
    """Documents as the door stores them."""
    return [(each.object_type, each.object_id, each.content or b"") for each in documents]


def sound_cases(count: int, first: int = 1) -> list[Case]:
    """Stays that neither ФЛК nor the fund has anything against."""
    numbers = (n for n in range(first, first + 10 * count) if n % 9 != 4 and n % 11 != 5 and n % 7 != 3)
    return [Case(CLINIC, number) for _, number in zip(range(count), numbers, strict=False)]


def submit_all(house: VolgogradHouse, cases: Iterable[Case]) -> None:
    """One of everything: referrals of the clinic; stays, discharges, an emergency and beds of the hospital."""
    ours, theirs = [], []
    for case in cases:
        ours.append(case.referral())
        theirs += [case.hospitalisation(), case.motion()]
    house.submit(SERVICE, CLINIC.oid, made(ours))
    house.submit(SERVICE, HOSPITAL.oid, made([*theirs, *emergencies(1, 502), free_beds(0)]))


def check_books(house: VolgogradHouse) -> None:
    """Nothing lost, nothing doubled: every object accepted in one file, and every record the fund holds once."""
    assert house.rows("SELECT id FROM source_objects WHERE accepted_hash IS DISTINCT FROM content_hash") == []
    assert house.rows("SELECT source_object_id FROM packet_items GROUP BY 1 HAVING count(*) > 1") == []
    ledger = house.sandbox.ledger()
    assert {entry.times for entry in ledger} == {1}
    journal = house.rows("SELECT packet_type, name, items_total FROM packets ORDER BY name")
    held = sorted((entry.file, entry.kind) for entry in ledger)
    assert held == sorted((p.name, KINDS[p.packet_type]) for p in journal for _ in range(p.items_total))
    assert len({p.name for p in journal}) == len(journal)
    assert house.rows("SELECT 1 FROM attempts WHERE finished_at IS NULL OR outcome IS NULL") == []
    assert house.rows("SELECT sum(packets_total) FROM launch_counters")[0][0] == len(journal)
