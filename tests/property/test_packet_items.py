"""Packets of many objects: whatever part of them a peer takes, the next run sends exactly the rest, numbered whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from gateway.domain.statuses import CHANGES, PacketStatus
from gateway.journal import groups, launches, packets
from gateway.journal.engine import database_now, new_ids
from gateway.journal.items import ItemOutcome
from gateway.journal.launches import LaunchState
from gateway.journal.new_packets import FormedPacket, journal_formed
from gateway.journal.objects import Arrival, submit
from gateway.journal.packet_queries import read_body
from gateway.journal.packets import Outcome
from gateway.journal.registry import put_organization
from gateway.xml.parser import parse
from tests.support import journaling
from tests.support.alkona import DN, FIRST, SECOND, SLUG
from tests.support.journaling import RULES, SERVICE, TYPE
from tests.support.packet_house import MORNING, arrival_of, small_catalog
from workers.demo.parts.alkona_data import observations
from workers.runs.framing import form_packets, number_packets
from workers.runs.loading import Loaded, load_exchange

WORDS = st.sampled_from([True, False, None])
"""What a peer says of one record: taken, refused, nothing."""
VERDICTS = st.sampled_from([PacketStatus.ACCEPTED, PacketStatus.PARTIAL, PacketStatus.REJECTED])


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as opened:
        yield opened


def expected(status: PacketStatus, word: bool | None) -> str:
    return "ACCEPTED" if status is PacketStatus.PARTIAL and word else status.value


@settings(max_examples=60)
@given(VERDICTS, st.lists(WORDS, min_size=1, max_size=12))
def test_the_next_run_sends_exactly_what_was_not_accepted(
    connection: Connection, status: PacketStatus, words: list[bool | None]
) -> None:
    (organization,) = journaling.add_organizations(connection, 1)
    journaling.submit(connection, organization, *(journaling.arrival(f"o-{n}", "A") for n in range(len(words))))
    due = journaling.due(connection)
    packet = FormedPacket(next(new_ids(connection)), due[0], TYPE, b"<a/>", records=tuple(due))
    journal_formed(connection, SERVICE, journaling.launch(connection), RULES, [packet])
    assert journaling.due(connection) == []
    packets.enter_sending(connection, SERVICE, None, due[0].operation, TYPE, 10)
    assert journaling.due(connection) == []
    items = {n: ItemOutcome(word, "потому") for n, word in enumerate(words, 1) if word is not None}
    packets.settle(connection, SERVICE, [Outcome(packet.id, status, items={**items, 99: ItemOutcome(True)})])
    told = connection.execute(text("SELECT last_status FROM source_objects ORDER BY id")).scalars().all()
    assert told == [expected(status, word) for word in words]
    rest = [f"o-{n}" for n, each in enumerate(told) if each == PacketStatus.PARTIAL]
    assert [one.object_id for one in journaling.due(connection)] == rest
    counted = connection.execute(text("SELECT items_total, items_not_accepted FROM packets")).one()
    assert tuple(counted) == (len(words), len([each for each in told if each != PacketStatus.ACCEPTED]))
    connection.rollback()


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load_exchange(small_catalog(SLUG, records=4).exchanges[DN])


NUMBERS = st.lists(st.integers(1, 60), unique=True, max_size=15).map(sorted)
"""Which of the invented observations a МО submits; every thirteenth breaks a rule."""


@settings(max_examples=25)
@given(NUMBERS, NUMBERS, st.sets(st.integers(1, 60)), st.integers(0, 4))
def test_every_packet_knows_its_place_whatever_was_refused(
    connection: Connection, loaded: Loaded, first: list[int], second: list[int], known: set[int], died_after: int
) -> None:
    launch = prepared(connection, {FIRST.oid: first, SECOND.oid: second}, known)
    (packet_type,) = loaded.exchange.manifest.packet_types
    while form_packets(connection, loaded, launch, packet_type):
        pass
    places = groups.unnumbered(connection, DN, None, launch.id)
    number_packets(connection, loaded, DN, places[:died_after])  # dies here, and another begins again
    number_packets(connection, loaded, DN, groups.unnumbered(connection, DN, None, launch.id))
    assert groups.unnumbered(connection, DN, None, launch.id) == []
    check_places(connection)
    sound = {oid: [n for n in numbers if n % 13] for oid, numbers in ((FIRST.oid, first), (SECOND.oid, second))}
    check_contents(connection, sound, known)
    refused = connection.execute(text("SELECT count(*) FROM packets WHERE status = 'FORM_ERROR'")).scalar_one()
    assert refused == len(first) + len(second) - sum(map(len, sound.values()))
    connection.rollback()


def prepared(connection: Connection, given: dict[str, list[int]], known: set[int]) -> LaunchState:
    """Objects of two МО, some of which the peer holds in an earlier state; and a launch over both."""
    for organization in (FIRST, SECOND):
        key = put_organization(connection, organization.oid, organization.name, {"tfoms": organization.code})
        made = [next(observations(organization, 1, n)) for n in given[organization.oid]]
        arrivals: list[Arrival] = [arrival_of(each, MORNING) for each in made]
        submit(connection, DN, key, arrivals, None)
    connection.execute(
        text("UPDATE source_objects SET accepted_hash = 'before' WHERE object_id = ANY(:known)"),
        {"known": [f"observation-{n}" for n in known]},
    )
    launch = launches.load(connection, journaling.launch(connection, service=DN))
    return replace(launch, started_at=database_now(connection))


def check_places(connection: Connection) -> None:
    rows = connection.execute(
        text("SELECT id, name, group_position, group_size FROM packets WHERE status = 'FORMED' ORDER BY id")
    ).all()
    assert [(r.group_position, r.group_size) for r in rows] == [(n, len(rows)) for n in range(1, len(rows) + 1)]
    assert len({r.name for r in rows}) == len(rows)
    for row in rows:
        body = read_body(connection, row.id, "DATA")
        assert body is not None
        header = parse(body[1])[0]
        told = [header.findtext(name) for name in ("ID", "FILENAME", "N_PACK", "K_PACK")]
        assert told == [str(row.id), row.name, str(row.group_position), str(row.group_size)]


def check_contents(connection: Connection, sound: dict[str, list[int]], known: set[int]) -> None:
    """Each sound object once, in a packet of its МО and operation, and no more packets than these need."""
    rows = connection.execute(
        text(
            """SELECT g.oid, p.operation, p.id, i.object_id FROM packets p JOIN packet_items i ON i.packet_id = p.id
            JOIN organizations g ON g.id = p.organization_id ORDER BY p.id, i.position"""
        )
    ).all()
    wanted = Counter((oid, CHANGES[n in known], f"observation-{n}") for oid, numbers in sound.items() for n in numbers)
    assert Counter((r.oid, r.operation, r.object_id) for r in rows) == wanted
    needed = Counter((oid, CHANGES[n in known]) for oid, numbers in sound.items() for n in numbers)
    assert len({r.id for r in rows}) >= sum(ceil(n / 4) for n in needed.values())
