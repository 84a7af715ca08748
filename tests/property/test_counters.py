"""Any history of submissions, launches, sendings, answers and bans: counters equal a recount, states stay legal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from gateway.domain.identifiers import milliseconds, uuid7_run
from gateway.domain.statuses import Operation, PacketStatus
from gateway.journal import holds, packets
from gateway.journal.engine import database_now
from gateway.journal.packets import Outcome
from tests.support.journaling import RULES, SERVICE, TYPE, add_organizations, arrival, due, form, launch, submit

VERDICTS = {"ACCEPTED", "PARTIAL", "REJECTED"}
SETTLED_FROM = {
    "SENDING": VERDICTS | {"SENT", "FORMED", "SEND_ERROR", "IN_DOUBT"},
    "IN_DOUBT": VERDICTS | {"SENT", "FORMED", "SEND_ERROR"},
    "SENT": VERDICTS,
    "SEND_ERROR": {"FORMED"},
}
OBJECTS = [f"object-{n}" for n in range(8)]
RECOUNT = """
    SELECT launch_id, organization_id, count(*) AS total,
      count(*) FILTER (WHERE status IN ('FORM_ERROR', 'SEND_ERROR', 'REJECTED')) AS with_errors
    FROM packets GROUP BY launch_id, organization_id ORDER BY 1, 2
"""
COUNTED = """
    SELECT launch_id, organization_id, packets_total AS total, packets_with_errors AS with_errors
    FROM launch_counters ORDER BY 1, 2
"""


@dataclass(slots=True)
class Known:
    """A packet as the history so far says it must be."""

    object_key: int
    content_hash: bytes | None
    status: str
    held: bool = False
    attempts: int = 0


class History:
    """One random history, told step by step to the journal and to a plain account of what must be."""

    def __init__(self, connection: Connection, random: Random) -> None:
        self.connection, self.random = connection, random
        self.packets: dict[UUID, Known] = {}
        self.last: dict[int, UUID] = {}
        self.accepted: dict[int, bytes | None] = {}
        self.minute = 0
        self.unix_ms = milliseconds(database_now(connection))
        self.organizations = add_organizations(connection, 3)
        self.launches = [launch(connection) for _ in range(3)]

    def go_on(self, steps: int) -> None:
        """Take so many random steps and look at everything after each."""
        deeds = [
            self.submit,
            self.submit,
            self.form,
            self.form,
            self.send,
            self.send,
            self.settle,
            self.settle,
            self.answer,
        ]
        deeds += [self.rearm, self.hold_or_release]
        for _ in range(steps):
            self.random.choice(deeds)()
            self.check()

    def rows(self, statement: str) -> list[Any]:
        return list(self.connection.execute(text(statement)))

    def ids(self) -> Iterator[UUID]:
        """Ids of a later moment at each call: what is formed later has the greater id."""
        self.unix_ms += 1
        return uuid7_run(self.unix_ms)

    def some(self, ids: list[UUID]) -> list[UUID]:
        return self.random.sample(ids, min(len(ids), self.random.randint(1, 8)))

    def scope(self) -> frozenset[int] | None:
        chosen = self.random.sample(self.organizations, self.random.randint(0, 3))
        return frozenset(chosen) or None

    def waiting(self, *statuses: str) -> list[UUID]:
        return [key for key, known in self.packets.items() if known.status in statuses]

    def submit(self) -> None:
        self.minute += 1
        keys = self.random.sample(OBJECTS, self.random.randint(1, len(OBJECTS)))
        contents = {key: self.random.choice(["A", "B", None]) for key in keys}
        arrivals = [arrival(key, content, self.minute) for key, content in contents.items()]
        submit(self.connection, self.random.choice(self.organizations), *arrivals)

    def form(self) -> None:
        rules = self.random.choice([RULES, RULES, "rules-2"])
        found = due(self.connection, self.scope(), rules, self.random.randint(1, 12))
        open_ones = {self.packets[key].object_key for key in self.waiting("FORMED", *SETTLED_FROM)}
        assert not {one.id for one in found} & open_ones
        refused = set(self.random.sample(OBJECTS, self.random.randint(0, 1)))
        made = form(self.connection, self.random.choice(self.launches), found, refused, rules, self.ids())
        for packet_id, one in zip(made, found, strict=True):
            status = "FORM_ERROR" if one.object_id in refused else "FORMED"
            self.packets[packet_id] = Known(one.id, one.content_hash, status)
            self.last[one.id] = packet_id

    def send(self) -> None:
        limit, scope = self.random.randint(1, 6), self.scope()
        for operation in Operation:
            ready = packets.enter_sending(self.connection, SERVICE, scope, operation, TYPE, limit)
            assert [one.id for one in ready] == sorted(one.id for one in ready)
            for one in ready:
                known = self.packets[one.id]
                assert (known.status, known.held) == ("FORMED", False)
                known.status, known.attempts = "SENDING", known.attempts + 1

    def settle(self) -> None:
        """Any outcome for any packet, mostly illegal: exactly the legal ones come true."""
        ours = self.random.choice([SERVICE] * 5 + ["another-service"])
        outcomes = [
            Outcome(key, self.random.choice(list(PacketStatus)), answer=b"<a/>", sources=self.sources())
            for key in self.some(self.random.choice([list(self.packets), self.waiting(*SETTLED_FROM)]))
        ]
        legal = [o for o in outcomes if ours == SERVICE and self.is_legal(o)]
        assert packets.settle(self.connection, ours, outcomes) == {o.packet_id for o in legal}
        for outcome in legal:
            self.enter(outcome.packet_id, outcome.status)

    def sources(self) -> frozenset[PacketStatus]:
        return frozenset(self.random.sample(list(PacketStatus), self.random.choice([0, 0, 4])))

    def is_legal(self, outcome: Outcome) -> bool:
        before = self.packets[outcome.packet_id].status
        named = not outcome.sources or before in outcome.sources
        return named and outcome.status in SETTLED_FROM.get(before, set())

    def answer(self) -> None:
        """The peer's verdicts, as a batch of answers brings them."""
        away = self.some(self.waiting("SENDING", "SENT", "IN_DOUBT"))
        outcomes = [Outcome(key, PacketStatus(self.random.choice(sorted(VERDICTS)))) for key in away]
        assert packets.settle(self.connection, SERVICE, outcomes) == set(away)
        for outcome in outcomes:
            self.enter(outcome.packet_id, outcome.status)

    def enter(self, packet_id: UUID, status: str) -> None:
        known = self.packets[packet_id]
        known.status = status
        if status == "ACCEPTED":
            self.accepted[known.object_key] = known.content_hash

    def rearm(self) -> None:
        failed = sorted(key for key in self.waiting("SEND_ERROR") if not self.packets[key].held)
        limit = self.random.randint(1, 10)
        assert packets.rearm(self.connection, SERVICE, None, limit) == min(limit, len(failed))
        formed = {row.id for row in self.rows("SELECT id FROM packets WHERE status = 'FORMED'")}
        assert formed <= {*failed, *self.waiting("FORMED")}
        for key in formed:
            self.packets[key].status = "FORMED"

    def hold_or_release(self) -> None:
        held = self.random.random() < 0.3
        chosen = self.some(list(self.packets))[: 2 if held else 8]
        changed = holds.set_held(self.connection, chosen, held=held)
        objects = {self.packets[key].object_key for key in chosen}
        same = {key for key, known in self.packets.items() if known.object_key in objects}
        meant = same if not held else {*chosen, *(self.last[each] for each in objects)}
        assert changed == {key for key in meant if self.packets[key].held != held}
        for key in changed:
            self.packets[key].held = held

    def check(self) -> None:
        assert self.rows(COUNTED) == self.rows(RECOUNT)
        found = self.rows("SELECT id, status, held, attempts FROM packets")
        assert {row.id: tuple(row[1:]) for row in found} == {
            key: (known.status, known.held, known.attempts) for key, known in self.packets.items()
        }
        for row in self.rows("SELECT id, last_packet_id, last_status, held, accepted_hash FROM source_objects"):
            newest = self.last.get(row.id)
            known = self.packets[newest] if newest else None
            expected = (newest, known.status, known.held) if known else (None, None, False)
            assert (row.last_packet_id, row.last_status, row.held) == expected
            assert row.accepted_hash == self.accepted.get(row.id)
        tries = self.rows("SELECT packet_id, count(*), count(*) - count(finished_at) FROM attempts GROUP BY packet_id")
        assert {row[0]: (row[1], row[2]) for row in tries} == {
            key: (known.attempts, int(known.status == "SENDING"))
            for key, known in self.packets.items()
            if known.attempts
        }


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32))
def test_no_history_breaks_the_counters_or_the_life_cycle(engine: Engine, seed: int) -> None:
    with engine.connect() as connection:
        History(connection, Random(seed)).go_on(60)
        connection.rollback()
