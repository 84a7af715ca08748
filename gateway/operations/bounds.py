"""Lengths of the texts that callers choose: keys, names and reasons are short, or the request is refused."""

from __future__ import annotations

from typing import Final

from gateway.domain.errors import InvalidRequest

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
