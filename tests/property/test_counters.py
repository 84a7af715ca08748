"""Any history of submissions, launches, sendings, answers and bans: counters equal a recount, states stay legal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, text

from gateway.domain.statuses import Operation, PacketStatus
from gateway.journal import holds, packets
from gateway.journal.packets import Outcome
from tests.journaling import RULES, SERVICE, TYPE, add_organizations, arrival, due, form, launch, submit

VERDICTS = {"ACCEPTED", "PARTIAL", "REJECTED"}
SETTLED_FROM = {
    "SENDING": VERDICTS | {"SENT", "FORMED", "SEND_ERROR", "IN_DOUBT"},
    "IN_DOUBT": VERDICTS | {"SENT", "FORMED", "SEND_ERROR"},
    "SENT": VERDICTS,
    "SEND_ERROR": {"FORMED"},
}
OBJECTS = [f"object-{n}" for n in range(4)]
SCOPES = st.none() | st.frozensets(st.integers(0, 2), min_size=1)
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


class History(RuleBasedStateMachine):
    engine: ClassVar[Engine]

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.engine.connect()
        self.packets: dict[UUID, Known] = {}
        self.last: dict[int, UUID] = {}
        self.accepted: dict[int, bytes | None] = {}
        self.minute = 0

    def teardown(self) -> None:
        self.connection.rollback()
        self.connection.close()

    def rows(self, statement: str) -> list[Any]:
        return list(self.connection.execute(text(statement)))

    @initialize()
    def begin(self) -> None:
        self.organizations = add_organizations(self.connection, 3)
        self.launches = [launch(self.connection), launch(self.connection)]

    def scope(self, chosen: frozenset[int] | None) -> frozenset[int] | None:
        return None if chosen is None else frozenset(self.organizations[i] for i in chosen)

    @rule(
        organization=st.integers(0, 2),
        contents=st.dictionaries(st.sampled_from(OBJECTS), st.sampled_from("AB") | st.none()),
    )
    def submit_objects(self, organization: int, contents: dict[str, str | None]) -> None:
        self.minute += 1
        arrivals = [arrival(key, content, self.minute) for key, content in contents.items()]
        submit(self.connection, self.organizations[organization], *arrivals)

    @rule(
        which=st.integers(0, 1),
        scope=SCOPES,
        refused=st.sets(st.sampled_from(OBJECTS)),
        rules=st.just(RULES) | st.just("2"),
    )
    def form_packets(self, which: int, scope: frozenset[int] | None, refused: set[str], rules: str) -> None:
        found = due(self.connection, self.scope(scope), rules)
        open_ones = {p.object_key for p in self.packets.values() if p.status in {*SETTLED_FROM, "FORMED"}}
        assert not {one.id for one in found} & open_ones
        made = form(self.connection, self.launches[which], found, refused, rules)
        for packet_id, one in zip(made, found, strict=True):
            status = "FORM_ERROR" if one.object_id in refused else "FORMED"
            self.packets[packet_id] = Known(one.id, one.content_hash, status)
            self.last[one.id] = packet_id

    @rule(scope=SCOPES, operation=st.sampled_from(Operation), limit=st.integers(1, 6))
    def send(self, scope: frozenset[int] | None, operation: Operation, limit: int) -> None:
        ready = packets.enter_sending(self.connection, SERVICE, self.scope(scope), operation, TYPE, limit)
        assert [one.id for one in ready] == sorted(one.id for one in ready)
        for one in ready:
            known = self.packets[one.id]
            assert (known.status, known.held) == ("FORMED", False)
            known.status, known.attempts = "SENDING", known.attempts + 1

    @rule(data=st.data(), ours=st.sampled_from([SERVICE] * 5 + ["another-service"]))
    def settle(self, data: st.DataObject, ours: str) -> None:
        chosen = data.draw(st.sets(st.sampled_from(sorted(self.packets)), max_size=8)) if self.packets else set()
        narrowed = st.just(frozenset[PacketStatus]()) | st.frozensets(st.sampled_from(PacketStatus))
        outcomes = [
            Outcome(packet_id, data.draw(st.sampled_from(PacketStatus)), answer=b"<a/>", sources=data.draw(narrowed))
            for packet_id in chosen
        ]
        legal = {o.packet_id for o in outcomes if ours == SERVICE and self.is_legal(o)}
        assert packets.settle(self.connection, ours, outcomes) == legal
        for outcome in outcomes:
            if outcome.packet_id in legal:
                self.enter(outcome.packet_id, outcome.status)

    def is_legal(self, outcome: Outcome) -> bool:
        before = self.packets[outcome.packet_id].status
        named = not outcome.sources or before in outcome.sources
        return named and outcome.status in SETTLED_FROM.get(before, set())

    @rule(data=st.data())
    def answer_what_is_on_its_way(self, data: st.DataObject) -> None:
        away = [key for key, known in self.packets.items() if known.status in {"SENDING", "SENT", "IN_DOUBT"}]
        verdicts = {key: data.draw(st.sampled_from(sorted(VERDICTS))) for key in away}
        outcomes = [Outcome(key, PacketStatus(status)) for key, status in verdicts.items()]
        assert packets.settle(self.connection, SERVICE, outcomes) == set(away)
        for key, status in verdicts.items():
            self.enter(key, status)

    def enter(self, packet_id: UUID, status: str) -> None:
        known = self.packets[packet_id]
        known.status = status
        if status == "ACCEPTED":
            self.accepted[known.object_key] = known.content_hash

    @rule(limit=st.integers(1, 10))
    def rearm(self, limit: int) -> None:
        failed = sum(p.status == "SEND_ERROR" and not p.held for p in self.packets.values())
        assert packets.rearm(self.connection, SERVICE, None, limit) == min(limit, failed)
        formed = self.rows("SELECT id FROM packets WHERE status = 'FORMED'")
        for row in formed:
            known = self.packets[row.id]
            assert known.status == "FORMED" or (known.status == "SEND_ERROR" and not known.held)
            known.status = "FORMED"

    @rule(data=st.data(), held=st.booleans())
    def hold_or_release(self, data: st.DataObject, held: bool) -> None:
        chosen = data.draw(st.sets(st.sampled_from(sorted(self.packets)), max_size=5)) if self.packets else set()
        changed = holds.set_held(self.connection, sorted(chosen), held=held)
        assert changed == {key for key in chosen if self.packets[key].held != held}
        for key in changed:
            self.packets[key].held = held

    @invariant()
    def counters_equal_a_recount(self) -> None:
        assert self.rows(COUNTED) == self.rows(RECOUNT)

    @invariant()
    def packets_are_as_the_history_says(self) -> None:
        rows = self.rows("SELECT id, status, held, attempts FROM packets")
        assert {r.id: (r.status, r.held, r.attempts) for r in rows} == {
            key: (known.status, known.held, known.attempts) for key, known in self.packets.items()
        }

    @invariant()
    def objects_tell_of_their_newest_packet(self) -> None:
        for row in self.rows("SELECT id, last_packet_id, last_status, accepted_hash, held FROM source_objects"):
            newest = self.last.get(row.id)
            known = self.packets[newest] if newest else None
            expected = (newest, known.status, known.held) if known else (None, None, False)
            assert (row.last_packet_id, row.last_status, row.held) == expected
            assert row.accepted_hash == self.accepted.get(row.id)

    @invariant()
    def an_attempt_is_open_exactly_while_its_packet_is_sending(self) -> None:
        rows = self.rows(
            "SELECT packet_id, count(*) AS n, count(*) - count(finished_at) AS open FROM attempts GROUP BY 1"
        )
        assert {r.packet_id: (r.n, r.open) for r in rows} == {
            key: (known.attempts, int(known.status == "SENDING"))
            for key, known in self.packets.items()
            if known.attempts
        }


def test_no_history_breaks_the_counters_or_the_life_cycle(engine: Engine) -> None:
    History.engine = engine
    run_state_machine_as_test(History, settings=settings(max_examples=60, stateful_step_count=40))
