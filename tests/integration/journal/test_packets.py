"""Packets under the hands of several at once: nothing is doubled, nothing forbidden leaves, nothing deadlocks."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from gateway.domain.statuses import Operation, PacketStatus
from gateway.journal import holds, packets
from gateway.journal.packet_queries import read_body
from gateway.journal.packets import Outcome
from tests.support.journaling import (
    REFUSED,
    SERVICE,
    TYPE,
    add_organizations,
    arrival,
    due,
    form,
    launch,
    submit,
    waited_for,
)
from tests.support.waiting import eventually

RECOUNT = """
    SELECT p.launch_id, p.organization_id, count(*),
      count(*) FILTER (WHERE p.status IN ('FORM_ERROR', 'SEND_ERROR', 'REJECTED'))
    FROM packets p GROUP BY 1, 2 ORDER BY 1, 2
"""
COUNTED = "SELECT launch_id, organization_id, packets_total, packets_with_errors FROM launch_counters ORDER BY 1, 2"


def form_some(engine: Engine, number: int) -> list[UUID]:
    with engine.begin() as connection:
        one, other = add_organizations(connection, 2)
        for organization in (one, other):
            submit(connection, organization, *(arrival(f"object-{n}", "1") for n in range(number // 2)))
        return form(connection, launch(connection), due(connection))


def assert_counted(engine: Engine) -> None:
    with engine.connect() as connection:
        assert list(connection.execute(text(COUNTED))) == list(connection.execute(text(RECOUNT)))


def send(connection: Connection, limit: int = 1000) -> list[UUID]:
    return [p.id for p in packets.enter_sending(connection, SERVICE, None, Operation.INSERT, TYPE, limit)]


def test_a_packet_keeps_its_body_findings_and_answer(engine: Engine) -> None:
    with engine.begin() as connection:
        one = add_organizations(connection, 1)[0]
        submit(connection, one, arrival("good", "1"), arrival("bad", "1"))
        good, bad = form(connection, launch(connection), due(connection), refused=["bad"])
        assert read_body(connection, good, "DATA") == ("application/xml", b"<packet/>")
        found = connection.execute(text("SELECT packet_id, path, line, code, message FROM packet_findings")).one()
        assert tuple(found) == (bad, REFUSED[0].path, 1, "301", REFUSED[0].message)
        send(connection)
        packets.settle(connection, SERVICE, [Outcome(good, PacketStatus.SENT, answer=b"<receipt/>")])
        packets.settle(connection, SERVICE, [Outcome(good, PacketStatus.ACCEPTED, answer=b"<verdict/>")])
        assert read_body(connection, good, "ANSWER") == ("application/xml", b"<verdict/>")
        assert read_body(connection, bad, "ANSWER") is None


def test_packets_go_out_once_whoever_takes_them(engine: Engine) -> None:
    formed = form_some(engine, 60)

    def take(_worker: int) -> list[UUID]:
        taken: list[UUID] = []
        for _ in range(20):
            with engine.begin() as connection:
                taken += send(connection, 5)
        return taken

    with ThreadPoolExecutor(4) as pool:
        sent = Counter(packet_id for taken in pool.map(take, range(4)) for packet_id in taken)
    assert sent == Counter(formed)


def test_answers_that_come_to_several_at_once_count_once(engine: Engine) -> None:
    formed = form_some(engine, 60)
    with engine.begin() as connection:
        send(connection)

    def answer(worker: int) -> Counter[UUID]:
        settled: Counter[UUID] = Counter()
        for turn in range(12):
            chosen = Random(worker * 100 + turn).sample(formed, 25)
            status = [PacketStatus.REJECTED, PacketStatus.ACCEPTED][worker % 2]
            with engine.begin() as connection:
                settled.update(packets.settle(connection, SERVICE, [Outcome(key, status) for key in chosen]))
        return settled

    with ThreadPoolExecutor(4) as pool:
        settled = sum(pool.map(answer, range(4)), Counter[UUID]())
    assert set(settled.values()) == {1}
    assert_counted(engine)


def test_a_ban_set_while_a_batch_is_taken_keeps_its_packet(engine: Engine) -> None:
    formed = form_some(engine, 6)

    def run() -> list[UUID]:
        with engine.begin() as connection:
            return send(connection)

    with ThreadPoolExecutor(1) as pool, engine.connect() as operator:
        assert holds.set_held(operator, formed[:2], held=True) == set(formed[:2])
        waiting = pool.submit(run)
        eventually(lambda: waited_for(operator), 10, what="the run waits for the banned packet")
        operator.commit()
        assert waiting.result(10) == formed[2:]
    with engine.connect() as connection:
        assert send(connection) == []


def test_a_peer_cannot_settle_packets_of_another_service(engine: Engine) -> None:
    formed = form_some(engine, 4)
    with engine.begin() as connection:
        send(connection)
        outcomes = [Outcome(key, PacketStatus.ACCEPTED, answer=b"<a/>") for key in formed]
        assert packets.settle(connection, "another-service", outcomes) == set()
        assert packets.known(connection, SERVICE, formed) == set()
        assert read_body(connection, formed[0], "ANSWER") is None
    assert_counted(engine)


def test_a_failed_packet_gets_the_attempts_of_a_new_run_under_its_own_id(engine: Engine) -> None:
    formed = form_some(engine, 4)
    with engine.begin() as connection:
        send(connection)
        packets.settle(
            connection, SERVICE, [Outcome(key, PacketStatus.SEND_ERROR, error="нет связи") for key in formed]
        )
        holds.set_held(connection, formed[:1], held=True)
        assert due(connection) == []
        assert packets.rearm(connection, SERVICE, None, 10) == 3
        again = packets.enter_sending(connection, SERVICE, None, Operation.INSERT, TYPE, 10)
        assert [(p.id, p.tries) for p in again] == [(key, 1) for key in formed[1:]]
        numbers = connection.execute(text("SELECT packet_id, number, outcome FROM attempts ORDER BY 2, 1")).all()
        expected = [(key, 1, "SEND_ERROR") for key in formed] + [(key, 2, None) for key in formed[1:]]
        assert [tuple(row) for row in numbers] == expected
    assert_counted(engine)


def test_a_ban_of_an_older_packet_bars_its_object_until_it_is_lifted(connection: Connection) -> None:
    (one,) = add_organizations(connection, 1)
    made = []
    for minute, content in enumerate("AB"):
        submit(connection, one, arrival("1", content, minute))
        made += form(connection, launch(connection), due(connection))
        send(connection)
        packets.settle(connection, SERVICE, [Outcome(made[-1], PacketStatus.REJECTED)])
    assert holds.set_held(connection, made[:1], held=True) == set(made)
    submit(connection, one, arrival("1", "C", 2))
    assert not due(connection)
    assert holds.set_held(connection, made[1:], held=False) == set(made)
    assert [each.object_id for each in due(connection)] == ["1"]
