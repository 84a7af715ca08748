"""The relay while nobody takes what it publishes: the broker's queue is bounded, and what it loses comes again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import dramatiq
import pytest
from sqlalchemy import Engine, text

from gateway.journal import outbox
from tests.support.brokers import broker_url
from tests.support.journaling import launch
from workers.runner import relay
from workers.runner.broker import make_broker, waiting_in, work_actor
from workers.runner.relay import relay_once

WISHES, LOOKS = 3, 20


@pytest.fixture(params=["memory", "redis"])
def broker(request: pytest.FixtureRequest) -> dramatiq.Broker:
    if request.param == "memory":
        return make_broker(None)
    return make_broker(broker_url(request.getfixturevalue("redis_url")))


@pytest.fixture
def look(engine: Engine, broker: dramatiq.Broker) -> Callable[[], int]:
    """One look of the relay at an outbox of wishes that are always due; how many messages wait then."""
    with engine.begin() as connection:
        for number in range(WISHES):
            launch(connection, service=f"service-{number}")
    enqueue = work_actor(broker, lambda _: None)

    def once() -> int:
        with engine.begin() as connection:
            connection.execute(text("UPDATE outbox SET published_at = published_at - interval '1 h'"))
        relay_once(engine, enqueue, partial(waiting_in, broker))
        return waiting_in(broker)

    return once


def test_a_queue_that_nobody_empties_does_not_grow_for_ever(
    look: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "MAX_WAITING", 2 * WISHES + 1)
    assert [look() for _ in range(LOOKS)] == [3, 6] + [7] * (LOOKS - 2)


def test_what_the_broker_lost_is_published_again_at_the_next_look(
    look: Callable[[], int], broker: dramatiq.Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "MAX_WAITING", WISHES)
    assert [look(), look()] == [WISHES, WISHES]
    broker.flush_all()
    assert waiting_in(broker) == 0
    assert look() == WISHES


def test_what_found_no_room_is_still_due(
    look: Callable[[], int], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "MAX_WAITING", 2)
    assert look() == 2
    assert len(outbox.publish_due(engine)) == WISHES - 2
