"""Packet statuses, their transitions and their default titles: one table for every exchange.

An exchange's manifest may give a status another title; codes, transitions and meaning are the same everywhere.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class PacketStatus(StrEnum):
    """Status of a packet."""

    FORMED = "FORMED"
    FORM_ERROR = "FORM_ERROR"
    SENDING = "SENDING"
    IN_DOUBT = "IN_DOUBT"
    SENT = "SENT"
    SEND_ERROR = "SEND_ERROR"
    ACCEPTED = "ACCEPTED"
    PARTIAL = "PARTIAL"
    REJECTED = "REJECTED"
    PROCESSED = "PROCESSED"
    REFUSED = "REFUSED"


class Direction(StrEnum):
    """Which way a packet goes."""

    EXPORT = "EXPORT"
    IMPORT = "IMPORT"


class Operation(StrEnum):
    """What a packet asks of the peer; the code is what stands in OPER of order-79 style headers.

    READ changes nothing at the peer; only sessions ask it.
    """

    INSERT = "Insert"
    UPDATE = "Update"
    DELETE = "Delete"
    READ = "Read"


STRAY_ANSWER: Final = "ANSWER"
"""Packet type of an answer that names no packet of the journal; every service of packets may have some."""
STRAY_ANSWER_TITLE: Final = "Ответ на неизвестный пакет"

CHANGES: Final = (Operation.INSERT, Operation.UPDATE, Operation.DELETE)
"""Operations that change something at the peer, in the order in which a run of packets sends them."""


S = PacketStatus

STATUS_TITLES: Final[dict[PacketStatus, str]] = {
    S.FORMED: "Сформирован",
    S.FORM_ERROR: "Ошибка формирования",
    S.SENDING: "Отправляется",
    S.IN_DOUBT: "Исход неизвестен",
    S.SENT: "Отправлен",
    S.SEND_ERROR: "Ошибка отправки",
    S.ACCEPTED: "Принят",
    S.PARTIAL: "Принят частично",
    S.REJECTED: "Отклонен",
    S.PROCESSED: "Обработан",
    S.REFUSED: "Отклонен нами",
}

ERROR_STATUSES: Final = frozenset({S.FORM_ERROR, S.SEND_ERROR, S.REJECTED})
"""«Пакет с ошибкой»: exactly the statuses that «Пакетов с ошибками» counts."""

VERDICTS: Final = frozenset({S.ACCEPTED, S.PARTIAL, S.REJECTED})
"""Statuses that only the peer's own word gives."""

OPEN_STATUSES: Final = frozenset({S.FORMED, S.SENDING, S.IN_DOUBT, S.SENT})
"""Statuses in which a packet still waits for something; its object is not formed again meanwhile."""

INITIAL: Final[dict[Direction, frozenset[PacketStatus]]] = {
    Direction.EXPORT: frozenset({S.FORMED, S.FORM_ERROR}),
    Direction.IMPORT: frozenset({S.PROCESSED, S.REFUSED}),
}

TRANSITIONS: Final[dict[PacketStatus, frozenset[PacketStatus]]] = {
    S.FORMED: frozenset({S.SENDING}),
    S.SENDING: VERDICTS | {S.SENT, S.FORMED, S.SEND_ERROR, S.IN_DOUBT},
    S.IN_DOUBT: VERDICTS | {S.SENT, S.FORMED, S.SEND_ERROR},
    S.SENT: VERDICTS,
    S.SEND_ERROR: frozenset({S.FORMED}),
    S.FORM_ERROR: frozenset(),
    S.ACCEPTED: frozenset(),
    S.PARTIAL: frozenset(),
    S.REJECTED: frozenset(),
    S.PROCESSED: frozenset(),
    S.REFUSED: frozenset(),
}


def sources_of(target: PacketStatus) -> frozenset[PacketStatus]:
    """Statuses from which ``target`` may be entered."""
    return frozenset(source for source, targets in TRANSITIONS.items() if target in targets)


def error_delta(before: PacketStatus | None, after: PacketStatus) -> int:
    """How «Пакетов с ошибками» changes when a packet goes from ``before`` (None: new) to ``after``: -1, 0 or 1."""
    return (after in ERROR_STATUSES) - (before in ERROR_STATUSES)


class NotificationStatus(StrEnum):
    """Status of a notification to a patient (SMS, e-mail)."""

    NEW = "NEW"
    SENDING = "SENDING"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    SEND_ERROR = "SEND_ERROR"
    NOT_DELIVERED = "NOT_DELIVERED"
    CANCELLED = "CANCELLED"


NOTIFICATION_TITLES: Final[dict[NotificationStatus, str]] = {
    NotificationStatus.NEW: "Сформировано",
    NotificationStatus.SENDING: "Отправляется",
    NotificationStatus.SENT: "Отправлено",
    NotificationStatus.DELIVERED: "Доставлено",
    NotificationStatus.SEND_ERROR: "Ошибка отправки",
    NotificationStatus.NOT_DELIVERED: "Не доставлено",
    NotificationStatus.CANCELLED: "Отменено",
}
