"""Texts that callers choose: keys, names and reasons are short, codes are of their list, or the request is refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.domain.errors import InvalidRequest
from gateway.domain.statuses import NotificationStatus
from gateway.xml.messages import listed_values

MAX_KEY: Final = 128
"""Characters of an idempotency key, a batch id, a login."""

MAX_REASON: Final = 1000
"""Characters of a reason that an operator or a МИС gives."""


def require_length(name: str, value: str | None, limit: int) -> None:
    """Refuse a text of more characters than ``limit``.

    Raises:
        InvalidRequest: it names the field and the limit.
    """
    if value is not None and len(value) > limit:
        raise InvalidRequest(f"{name}: не больше {limit} знаков")


def require_codes(name: str, unknown: str, given: Iterable[str], allowed: Sequence[str]) -> None:
    """Refuse a code that is none of its list; ``unknown`` says what it is then, «неизвестная роль».

    Raises:
        InvalidRequest: it names the field and the codes that are allowed, never the one given.
    """
    if not set(given) <= set(allowed):
        raise InvalidRequest(f"{name}: {unknown}, допустимы {listed_values(allowed)}")


def require_notification_statuses(given: Iterable[str]) -> None:
    """Refuse what is no status of a notification.

    Raises:
        InvalidRequest: as :func:`require_codes`.
    """
    require_codes("statuses", "неизвестный статус уведомления", given, tuple(NotificationStatus))
