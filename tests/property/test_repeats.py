"""«Who repeats what» stands twice, in Python and in SQL: both must say the same of every state there can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, text

from gateway.domain.repeats import ObjectState, Step, next_step, operation_for
from gateway.domain.statuses import PacketStatus
from gateway.journal.tables import source_objects
from tests.support.journaling import EPOCH, RULES, SERVICE, TYPE, add_organizations, due

HASHES = [None, b"a" * 32, b"b" * 32, b"c" * 32]
STATUSES = [None, *PacketStatus]
STATES = st.builds(
    ObjectState,
    wanted_hash=st.sampled_from(HASHES),
    accepted_hash=st.sampled_from(HASHES),
    last_status=st.sampled_from(STATUSES),
    last_hash=st.sampled_from(HASHES),
    last_rules=st.sampled_from([None, RULES, "rules-0"]),
    held=st.booleans(),
    repeat_requested=st.booleans(),
    closed=st.booleans(),
)


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as opened:
        yield opened


def store(connection: Connection, states: list[ObjectState]) -> None:
    organization = add_organizations(connection, 1)[0]
    rows = [
        {
            "service_code": SERVICE,
            "organization_id": organization,
            "object_type": TYPE,
            "object_id": str(number),
            "changed_at": EPOCH,
            "deleted": state.wanted_hash is None,
            "content": b"",
            "content_hash": state.wanted_hash or b"z" * 32,
            "accepted_hash": state.accepted_hash,
            "last_status": state.last_status,
            "last_hash": state.last_hash,
            "last_rules": state.last_rules,
            "held": state.held,
            "repeat_requested": state.repeat_requested,
            "closed_by": UUID(int=1) if state.closed else None,
        }
        for number, state in enumerate(states)
    ]
    connection.execute(insert(source_objects), rows)


def agree(connection: Connection, states: list[ObjectState]) -> None:
    store(connection, states)
    found = {int(one.object_id): one for one in due(connection, limit=len(states))}
    column = connection.execute(text("SELECT due FROM source_objects ORDER BY object_id::int")).scalars().all()
    for number, state in enumerate(states):
        judged_alike = next_step(replace(state, last_rules=RULES), RULES)
        assert column[number] == (judged_alike is Step.FORM), state
        assert (number in found) == (next_step(state, RULES) is Step.FORM), state
        if number in found:
            assert found[number].operation == operation_for(state.wanted_hash, state.accepted_hash)
            assert found[number].content_hash == state.wanted_hash
    connection.rollback()


@settings(max_examples=40)
@given(st.lists(STATES, min_size=1, max_size=120))
def test_the_due_column_and_the_lock_agree_with_the_rule(connection: Connection, states: list[ObjectState]) -> None:
    agree(connection, states)


def test_they_agree_on_every_state(connection: Connection) -> None:
    flags = [False, True]
    every = product(HASHES[:3], HASHES[:3], STATUSES, HASHES[:3], [None, RULES, "rules-0"], flags, flags, flags)
    agree(connection, [ObjectState(*state) for state in every])


@settings(max_examples=10)
@given(st.lists(STATES, min_size=30, max_size=60), st.integers(1, 10))
def test_a_limited_lock_takes_the_oldest_first(connection: Connection, states: list[ObjectState], limit: int) -> None:
    store(connection, states)
    wanted = [number for number, state in enumerate(states) if next_step(state, RULES) is Step.FORM]
    assert [int(one.object_id) for one in due(connection, limit=limit)] == wanted[:limit]
    connection.rollback()
