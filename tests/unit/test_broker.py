"""The broker of one process: what waited too long is dropped without a word, for its work is published again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker

from workers.runner import broker as of_workers
from workers.runner.broker import QUEUE, make_broker, work_actor

ONE, TWO = UUID(int=1), UUID(int=2)


@contextmanager
def working(broker: dramatiq.Broker) -> Iterator[None]:
    """One thread takes messages until the queue is empty."""
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=10)
    worker.start()
    try:
        yield
        broker.join(QUEUE)
        worker.join()
    finally:
        worker.stop()


def carried(*ids: UUID) -> tuple[StubBroker, list[UUID]]:
    """What a thread did of messages with these ids."""
    broker, done = make_broker(None), list[UUID]()
    assert isinstance(broker, StubBroker)
    enqueue = work_actor(broker, done.append)
    for work_id in ids:
        enqueue(work_id)
    with working(broker):
        pass
    return broker, done


def test_messages_are_work_in_their_order() -> None:
    _, done = carried(ONE, TWO)
    assert done == [ONE, TWO]


def test_a_message_that_waited_too_long_is_dropped_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(of_workers, "MAX_AGE_MS", 0)
    with caplog.at_level(logging.WARNING):
        broker, done = carried(ONE, TWO)
    assert done == []
    assert broker.dead_letters == []
    assert caplog.records == []
