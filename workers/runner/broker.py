"""The broker that carries ids of work: Redis in production, in-process memory in the embedded profile.

Neither is trusted to remember: the outbox is the truth, so there is no retrying here and a message lives for seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import dramatiq
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import current_millis
from dramatiq.errors import BrokerError
from dramatiq.middleware import CurrentMessage, Middleware, ShutdownNotifications

from gateway.domain.errors import ConfigurationError

QUEUE: Final = "gateway"
MAX_AGE_MS: Final = 10_000
"""A message nobody took for so long is dropped; the relay has published its work again by then.

That is what happens to all that waits while every thread is busy. So it is no failure of a message: dramatiq's own age
limit would warn of each and keep each as a dead letter.
"""

WRONG_ADDRESS: Final = "Адрес Redis записан неверно: нужен вид redis://узел:порт/номер (GATEWAY_REDIS_URL)"


def make_broker(redis_url: str | None) -> dramatiq.Broker:
    """Make the broker of this process; connects at first use.

    Raises:
        ConfigurationError: the address of Redis is none.
    """
    middleware: list[Middleware] = [CurrentMessage(), ShutdownNotifications()]
    if redis_url is None:
        return StubBroker(middleware=middleware)
    from dramatiq.brokers.redis import RedisBroker  # noqa: PLC0415 # 5 MiB that the embedded profile has no use for

    try:
        broker = RedisBroker(url=redis_url, middleware=middleware, namespace="gateway")
        pool = broker.client.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # a wrong option is told now, not by every thread for ever
    except (ValueError, TypeError):
        raise ConfigurationError(WRONG_ADDRESS) from None
    return broker


def failures_of(broker: dramatiq.Broker) -> tuple[type[Exception], ...]:
    """What enqueueing on this broker raises while it is away."""
    if isinstance(broker, StubBroker):
        return (BrokerError,)
    from redis.exceptions import RedisError  # noqa: PLC0415 # as above

    return (BrokerError, RedisError)


def waiting_in(broker: dramatiq.Broker) -> int:
    """How many messages wait for a process to take them."""
    if isinstance(broker, StubBroker):
        return broker.queues[QUEUE].qsize() if QUEUE in broker.queues else 0
    redis: Any = broker
    return int(redis.client.llen(f"{redis.namespace}:{QUEUE}"))


def work_actor(broker: dramatiq.Broker, work: Callable[[UUID], None]) -> Callable[[UUID], None]:
    """Register the one actor on the broker; return what enqueues an id for it."""

    def perform(work_id: str) -> None:
        if not _is_stale():
            work(UUID(work_id))

    actor = dramatiq.actor(broker=broker, actor_name="perform", queue_name=QUEUE)(perform)
    return lambda work_id: _enqueue(actor, work_id)


def _enqueue(actor: dramatiq.Actor[[str], None], work_id: UUID) -> None:
    actor.send(str(work_id))


def _is_stale() -> bool:
    message = CurrentMessage.get_current_message()
    return message is not None and current_millis() - message.message_timestamp >= MAX_AGE_MS
