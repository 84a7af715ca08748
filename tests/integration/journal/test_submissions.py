from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

from sqlalchemy import Connection, Engine, text

from gateway.domain.statuses import Operation, PacketStatus
from gateway.journal import packets
from gateway.journal.bodies import unpack
from gateway.journal.objects import Arrival
from gateway.journal.packets import Outcome
from gateway.journal.session_objects import page_of_objects
from tests.support.journaling import (
    SERVICE,
    TYPE,
    add_organizations,
    arrival,
    digest,
    due,
    form,
    launch,
    submit,
    waited_for,
)
from tests.support.waiting import eventually


def stored(connection: Connection) -> dict[str, Any]:
    return {row.object_id: row for row in connection.execute(text("SELECT * FROM source_objects"))}


def accept_all(connection: Connection) -> None:
    """Form, send and accept whatever is due."""
    form(connection, launch(connection), due(connection))
    for operation in Operation:
        sent = packets.enter_sending(connection, SERVICE, None, operation, TYPE, 1000)
        packets.settle(connection, SERVICE, [Outcome(p.id, PacketStatus.ACCEPTED) for p in sent])


def test_an_older_state_changes_nothing(connection: Connection) -> None:
    one = add_organizations(connection, 1)[0]
    assert submit(connection, one, arrival("a", "new", minute=5)) == [True]
    assert submit(connection, one, arrival("a", "old", minute=4)) == [False]
    assert submit(connection, one, arrival("a", None, minute=4)) == [False]
    row = stored(connection)["a"]
    assert (row.content_hash, row.deleted, row.changed_at.minute) == (digest("new"), False, 5)
    assert unpack(row.content) == b"<a>new</a>"


def test_equal_content_is_no_change_but_moves_the_time_on(connection: Connection) -> None:
    one = add_organizations(connection, 1)[0]
    submit(connection, one, arrival("a", "same", minute=1))
    assert submit(connection, one, arrival("a", "same", minute=9)) == [False]
    assert stored(connection)["a"].changed_at.minute == 9
    assert submit(connection, one, arrival("a", "older than the repeat", minute=5)) == [False]
    assert submit(connection, one, arrival("a", "of the same minute", minute=9)) == [True]
    assert stored(connection)["a"].content_hash == digest("of the same minute")


def test_an_accepted_object_that_is_repeated_is_not_due_and_one_that_changed_is(connection: Connection) -> None:
    one = add_organizations(connection, 1)[0]
    submit(connection, one, arrival("a", "1", 1), arrival("b", "1", 1))
    accept_all(connection)
    submit(connection, one, arrival("a", "1", 2), arrival("b", "2", 2))
    assert [(found.object_id, found.operation) for found in due(connection)] == [("b", Operation.UPDATE)]


def test_a_removal_keeps_the_content_that_its_packet_is_made_of(connection: Connection) -> None:
    one = add_organizations(connection, 1)[0]
    assert submit(connection, one, arrival("never there", None)) == [False]
    submit(connection, one, arrival("a", "1", 1), arrival("unsent", "1", 1))
    accept_all(connection)
    submit(connection, one, arrival("later", "1", 1), arrival("later", None, 2))
    assert submit(connection, one, arrival("a", None, 2), arrival("a", None, 3)) == [True, False]
    (found,) = due(connection)
    assert (found.object_id, found.operation, found.content_hash) == ("a", Operation.DELETE, None)
    assert unpack(found.packed) == b"<a>1</a>"
    accept_all(connection)
    assert due(connection) == []
    assert submit(connection, one, arrival("a", "1", 4)) == [True]
    assert [again.operation for again in due(connection)] == [Operation.INSERT]


def test_an_object_twice_in_a_batch_is_judged_in_order(connection: Connection) -> None:
    one = add_organizations(connection, 1)[0]
    batch = [arrival("a", "1", 1), arrival("a", "2", 2), arrival("a", "late", 1), arrival("a", "2", 3)]
    assert submit(connection, one, *batch) == [True, True, False, False]
    row = stored(connection)["a"]
    assert (row.content_hash, row.changed_at.minute) == (digest("2"), 3)
    assert submit(connection, one, arrival("a", None, 4), arrival("a", "back", 5)) == [True, True]
    assert (stored(connection)["a"].deleted, stored(connection)["a"].content_hash) == (False, digest("back"))


def test_an_id_is_of_one_organization_and_type(connection: Connection) -> None:
    one, other = add_organizations(connection, 2)
    submit(connection, one, arrival("a", "1"), arrival("a", "2", object_type="Stay"))
    assert submit(connection, other, arrival("a", "3")) == [True]
    assert connection.execute(text("SELECT count(*) FROM source_objects")).scalar_one() == 3


def test_objects_are_paged_by_the_ids_of_the_mis(connection: Connection) -> None:
    one, other = add_organizations(connection, 2)
    submit(connection, one, *(arrival(f"object-{n:02}", "1") for n in range(7)))
    submit(connection, other, arrival("object-03", "1"))
    met: list[str] = []
    while page := page_of_objects(connection, SERVICE, one, TYPE, after=met[-1] if met else "", limit=3):
        met += [row.object_id for row in page]
    assert met == [f"object-{n:02}" for n in range(7)]


def test_many_that_submit_the_same_at_once_leave_the_newest(engine: Engine) -> None:
    with engine.begin() as connection:
        one = add_organizations(connection, 1)[0]
    batches: list[list[Arrival]] = []
    for minute in range(24):
        batches.append([arrival(f"object-{n}", f"content-{minute}", minute) for n in range(20)])
        Random(minute).shuffle(batches[-1])
    Random(1).shuffle(batches)

    def take(batch: list[Arrival]) -> None:
        with engine.begin() as connection:
            submit(connection, one, *batch)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take, batches))
    with engine.connect() as connection:
        assert {row.content_hash for row in stored(connection).values()} == {digest("content-23")}
        assert len(stored(connection)) == 20


def test_an_object_removed_while_a_run_waits_for_it_is_not_formed(engine: Engine) -> None:
    """The run judges the row again once it has its lock: nothing is to be deleted at a peer that never had it."""
    with engine.begin() as connection:
        one = add_organizations(connection, 1)[0]
        submit(connection, one, arrival("a", "1", 1), arrival("b", "1", 1))

    def run() -> list[str]:
        with engine.begin() as connection:
            return [found.object_id for found in due(connection)]

    with ThreadPoolExecutor(1) as pool, engine.connect() as mis:
        submit(mis, one, arrival("a", None, 2))
        waiting = pool.submit(run)
        eventually(lambda: waited_for(mis), 10, what="the run waits for the row")
        mis.commit()
        assert waiting.result(10) == ["b"]


def test_an_object_resubmitted_unchanged_does_not_miss_the_running_launch(connection: Connection) -> None:
    one = add_organizations(connection, 1)[0]
    submit(connection, one, arrival("again", "same"))
    before = stored(connection)["again"].received_at
    assert submit(connection, one, arrival("again", "same", minute=7)) == [False]
    row = stored(connection)["again"]
    assert (row.received_at, row.changed_at.minute) == (before, 7)
