"""Transitions of a notification to a patient and what each changes in the counters of its launch."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from gateway.domain.statuses import NotificationStatus

N = NotificationStatus

NOTICE_TRANSITIONS: Final[dict[NotificationStatus, frozenset[NotificationStatus]]] = {
    N.NEW: frozenset({N.SENDING, N.CANCELLED}),
    N.SENDING: frozenset({N.NEW, N.SENT, N.DELIVERED, N.NOT_DELIVERED, N.SEND_ERROR}),
    N.SEND_ERROR: frozenset({N.SENDING, N.CANCELLED}),
    N.SENT: frozenset({N.DELIVERED, N.NOT_DELIVERED}),
    N.NOT_DELIVERED: frozenset({N.DELIVERED}),
    N.DELIVERED: frozenset(),
    N.CANCELLED: frozenset(),
}
"""SENDING goes back to NEW only when the message certainly did not leave, or when the peer knows it by its id."""

LEFT: Final = frozenset({N.SENT, N.DELIVERED, N.NOT_DELIVERED})
"""Exactly the statuses that «Отправлено уведомлений» counts."""


class Channel(StrEnum):
    """By which way a notification reaches its person."""

    SMS = "SMS"
    EMAIL = "EMAIL"


class Word(StrEnum):
    """What a peer says later of one part of a message it took (SMPP 3.4, 5.2.28)."""

    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    UNDER_WAY = "UNDER_WAY"


def notice_sources(target: NotificationStatus) -> frozenset[NotificationStatus]:
    """Statuses from which ``target`` may be entered."""
    return frozenset(source for source, targets in NOTICE_TRANSITIONS.items() if target in targets)


def formed_delta(before: NotificationStatus | None, after: NotificationStatus) -> int:
    """How «Сформировано уведомлений» changes from ``before`` (None: new) to ``after``: all but CANCELLED count."""
    return (after is not N.CANCELLED) - (before is not None and before is not N.CANCELLED)


def sent_delta(before: NotificationStatus | None, after: NotificationStatus) -> int:
    """How «Отправлено уведомлений» changes from ``before`` (None: new) to ``after``."""
    return (after in LEFT) - (before in LEFT)
