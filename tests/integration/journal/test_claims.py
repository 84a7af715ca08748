"""Claims: one thing in one pair of hands, none of them in those of the dead."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from sqlalchemy import Engine, text

from gateway.journal import claims, outbox
from gateway.journal.outbox import Lease
from tests.support.journaling import launch, waited_for
from tests.support.waiting import eventually


def begun(engine: Engine) -> Lease:
    """Work of its own that a worker has leased."""
    with engine.begin() as connection:
        statement = text("SELECT id FROM outbox WHERE launch_id = :id")
        work_id = UUID(str(connection.execute(statement, {"id": launch(connection)}).scalar_one()))
    lease = outbox.take(engine, work_id, "worker")
    assert lease is not None
    return lease


def claimed(engine: Engine, lease: Lease, *things: str) -> bool:
    with engine.begin() as connection:
        return claims.claim(connection, lease, things)


def change(engine: Engine, lease: Lease, assignment: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE outbox SET {assignment} WHERE id = :id"), {"id": lease.id})  # noqa: S608


def test_a_thing_is_in_one_pair_of_hands_until_it_is_released(engine: Engine) -> None:
    first, second = begun(engine), begun(engine)
    assert claimed(engine, first, "a", "b")
    assert claimed(engine, first, "b", "c")
    assert not claimed(engine, second, "b", "d")
    assert claimed(engine, second, "d", "e")
    with engine.begin() as connection:
        claims.release(connection, first)
    assert claimed(engine, second, "a", "b", "c")


def test_who_may_not_have_one_thing_claims_none(engine: Engine) -> None:
    first, second, third = (begun(engine) for _ in range(3))
    assert claimed(engine, first, "a")
    assert not claimed(engine, second, "a", "b")
    assert claimed(engine, third, "b")


def test_a_claim_goes_with_the_lease(engine: Engine) -> None:
    for lost in ("lease_until = clock_timestamp()", "lease_until = NULL", "lease_token = lease_token + 1"):
        first, second = begun(engine), begun(engine)
        assert claimed(engine, first, lost)
        change(engine, first, lost)
        assert claimed(engine, second, lost)


def test_work_that_is_over_leaves_no_claim_and_a_claim_names_nobody(engine: Engine) -> None:
    lease = begun(engine)
    assert claimed(engine, lease, "00000000100")
    with engine.begin() as connection:
        kept = connection.execute(text("SELECT * FROM claims")).all()
        outbox.finish(connection, lease)
        assert connection.execute(text("SELECT count(*) FROM claims")).scalar_one() == 0
    assert "00000000100" not in str(kept)


def test_of_two_that_claim_at_once_one_waits_for_the_other_and_is_refused(engine: Engine) -> None:
    first, second = begun(engine), begun(engine)
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection:
            assert claims.claim(connection, first, ["a"])
            told = pool.submit(claimed, engine, second, "a")
            eventually(lambda: waited_for(connection), 10, what="the second waits for the first")
        assert not told.result(10)
