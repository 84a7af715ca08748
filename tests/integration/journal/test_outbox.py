"""Leases: one worker at a time, whoever lost its lease writes nothing, no wish is lost or carried twice at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from gateway.journal import outbox
from gateway.journal.outbox import Lease, LeaseLost, Task, leased
from gateway.journal.waking import listening
from tests.support.journaling import SERVICE, launch, waited_for
from tests.support.waiting import eventually


@pytest.fixture
def work(engine: Engine) -> UUID:
    """The id of a wish to run a launch."""
    with engine.begin() as connection:
        launch_id = launch(connection)
        statement = text("SELECT id FROM outbox WHERE launch_id = :id")
        return UUID(str(connection.execute(statement, {"id": launch_id}).scalar_one()))


def take(engine: Engine, work: UUID, owner: str = "worker-1") -> Lease:
    lease = outbox.take(engine, work, owner)
    assert lease is not None
    return lease


def change(engine: Engine, assignments: str) -> None:
    """Move the times of every wish."""
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE outbox SET {assignments}"))  # noqa: S608 (words of the tests below)


def lapse(engine: Engine) -> None:
    change(engine, "lease_until = clock_timestamp() - interval '1 ms'")


def row(engine: Engine) -> Any:
    with engine.connect() as connection:
        return connection.execute(text("SELECT *, lease_until > clock_timestamp() AS held FROM outbox")).one()


@contextmanager
def in_thread(deed: Any) -> Iterator[Any]:
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(deed)


def test_a_leased_wish_is_in_one_pair_of_hands(engine: Engine, work: UUID) -> None:
    lease = take(engine, work)
    assert (lease.id, lease.task, lease.service_code, lease.token) == (work, Task.LAUNCH, SERVICE, 1)
    assert outbox.take(engine, work, "worker-2") is None
    assert outbox.take(engine, UUID(int=7), "worker-2") is None


def test_of_many_takers_one_gets_it(engine: Engine, work: UUID) -> None:
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda n: outbox.take(engine, work, f"worker-{n}"), range(8)))
    assert sum(lease is not None for lease in taken) == 1


def test_a_heartbeat_prolongs_only_its_own_leases(engine: Engine, work: UUID) -> None:
    stale = take(engine, work)
    lapse(engine)
    assert outbox.renew(engine, [stale]) == {work}
    assert row(engine).held
    lapse(engine)
    fresh = take(engine, work, "worker-2")
    assert fresh.token == stale.token + 1
    assert outbox.renew(engine, [stale]) == set()
    assert outbox.renew(engine, [fresh, stale]) == {work}


def test_who_lost_its_lease_writes_nothing(engine: Engine, work: UUID) -> None:
    stale = take(engine, work)
    lapse(engine)
    take(engine, work, "worker-2")
    with pytest.raises(LeaseLost), leased(engine, stale) as connection:
        outbox.finish(connection, stale)
    with engine.begin() as connection:
        outbox.postpone(connection, stale, 60, failures=1)
    assert (row(engine).lease_owner, row(engine).failures) == ("worker-2", 0)


def test_a_lapsed_lease_still_writes_while_nobody_took_it(engine: Engine, work: UUID) -> None:
    lease = take(engine, work)
    lapse(engine)
    with leased(engine, lease) as connection:
        outbox.finish(connection, lease)
    with pytest.raises(LeaseLost), leased(engine, lease):
        pass


def test_nobody_takes_over_while_a_leased_transaction_is_open(engine: Engine, work: UUID) -> None:
    stale = take(engine, work)
    with leased(engine, stale):
        lapse(engine)
        assert outbox.take(engine, work, "worker-2") is None
    assert take(engine, work, "worker-2").token == 2
    with pytest.raises(LeaseLost), leased(engine, stale):
        pass


def test_who_comes_during_a_takeover_waits_and_is_told(engine: Engine, work: UUID) -> None:
    stale = take(engine, work)

    def write() -> None:
        with leased(engine, stale):
            raise AssertionError("a lost lease was honoured")

    with engine.connect() as taker:
        taker.execute(text("SELECT 1 FROM outbox FOR UPDATE"))
        taker.execute(text("UPDATE outbox SET lease_token = lease_token + 1"))
        with in_thread(write) as writing:
            eventually(lambda: waited_for(taker), 10, what="the stale holder waits for the takeover")
            taker.commit()
            with pytest.raises(LeaseLost):
                writing.result(10)


def test_a_heartbeat_does_not_wait_for_a_long_transaction(engine: Engine, work: UUID) -> None:
    lease = take(engine, work)
    with leased(engine, lease), in_thread(lambda: outbox.renew(engine, [lease])) as beat:
        assert beat.result(10) == {work}


def test_a_transaction_that_fails_leaves_the_wish(engine: Engine, work: UUID) -> None:
    lease = take(engine, work)

    def fulfil_and_fail() -> None:
        with leased(engine, lease) as connection:
            outbox.finish(connection, lease)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fulfil_and_fail()
    assert row(engine).id == work


def test_a_postponed_wish_is_not_due_and_remembers_its_failures(engine: Engine, work: UUID) -> None:
    lease = take(engine, work)
    with leased(engine, lease) as connection:
        outbox.postpone(connection, lease, 60, failures=2, crashes=1)
    assert outbox.take(engine, work, "worker-2") is None
    assert outbox.publish_due(engine) == []
    change(engine, "not_before = clock_timestamp()")
    assert outbox.publish_due(engine) == [work]
    again = take(engine, work, "worker-2")
    assert (again.token, again.failures, again.crashes) == (2, 2, 1)


DUE = (
    ("published_at = NULL", True),
    ("published_at = clock_timestamp()", False),
    ("published_at = clock_timestamp() - interval '9 s'", False),
    ("published_at = clock_timestamp() - interval '11 s'", True),
    ("published_at = now() - interval '1 h', lease_until = clock_timestamp() + interval '5 s'", False),
    ("published_at = now() - interval '4 s', lease_until = clock_timestamp() - interval '1 s'", True),
    ("published_at = now() - interval '1 s', lease_until = clock_timestamp() - interval '4 s'", False),
    ("published_at = now() - interval '11 s', lease_until = clock_timestamp() - interval '14 s'", True),
    ("not_before = clock_timestamp() + interval '5 s'", False),
)


def test_what_a_broker_should_carry_now(engine: Engine, work: UUID) -> None:
    fresh = "not_before = now(), published_at = NULL, lease_until = NULL"
    for times, due in DUE:
        change(engine, fresh)
        change(engine, times)
        assert outbox.publish_due(engine) == ([work] if due else []), times
        assert outbox.publish_due(engine) == [], times


def test_two_relays_never_publish_one_wish_at_once(engine: Engine) -> None:
    with engine.begin() as connection:
        for number in range(60):
            launch(connection, service=f"service-{number}")

    def relay(_number: int) -> list[UUID]:
        return [work for _ in range(15) for work in outbox.publish_due(engine, limit=4)]

    with ThreadPoolExecutor(4) as pool:
        published = Counter(work for works in pool.map(relay, range(4)) for work in works)
    assert len(published) == 60
    assert set(published.values()) == {1}


def test_a_second_wish_for_answers_is_no_news(engine: Engine) -> None:
    for _ in range(2):
        with engine.begin() as connection:
            outbox.post(connection, Task.ANSWERS, SERVICE)
            outbox.post(connection, Task.ANSWERS, "another-service")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM outbox")).scalar_one() == 2


def test_a_wish_posted_while_the_last_one_is_being_fulfilled_is_written_anew(engine: Engine) -> None:
    def post() -> None:
        with engine.begin() as connection:
            outbox.post(connection, Task.ANSWERS, SERVICE)

    post()
    first = row(engine).id
    lease = take(engine, first)
    with ThreadPoolExecutor(1) as pool:
        with leased(engine, lease) as connection:
            posting = pool.submit(post)
            eventually(lambda: waited_for(connection), 10, what="the second wish waits for the first")
            outbox.finish(connection, lease)
        posting.result(10)
    assert row(engine).id != first


def test_a_relay_wakes_when_a_wish_is_committed(engine: Engine) -> None:
    ready, woken = Event(), Event()

    def relay() -> None:
        with listening(engine) as wait:
            ready.set()
            wait(60)
            woken.set()

    def post(connection: Connection) -> None:
        outbox.post(connection, Task.ANSWERS, SERVICE)

    with in_thread(relay) as relaying:
        assert ready.wait(10)
        with engine.begin() as connection:
            post(connection)
            assert not woken.wait(0.2)
        assert woken.wait(10)
        relaying.result(10)


def test_a_relay_that_hears_nothing_looks_for_itself(engine: Engine) -> None:
    with listening(engine) as wait:
        wait(0.05)


def test_the_work_of_a_dead_worker_goes_on_though_the_clock_was_set_back(engine: Engine, work: UUID) -> None:
    assert outbox.publish_due(engine) == [work]
    change(engine, "published_at = published_at + interval '1 hour'")
    assert outbox.publish_due(engine) == [work]
    dead = take(engine, work)
    assert outbox.publish_due(engine) == []
    change(engine, "published_at = published_at + interval '1 hour', lease_until = lease_until + interval '1 hour'")
    assert outbox.publish_due(engine) == [work]
    assert take(engine, work, "worker-2").token == dead.token + 1


def test_who_lives_keeps_its_work_though_the_clock_was_set_back(engine: Engine, work: UUID) -> None:
    lease = take(engine, work)
    change(engine, "lease_until = lease_until + interval '1 hour'")
    assert outbox.renew(engine, [lease]) == {work}
    assert outbox.take(engine, work, "worker-2") is None
