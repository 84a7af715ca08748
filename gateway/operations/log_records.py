"""Records of the logs beside packets: session events and errors, notifications, the trail of a message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from gateway.operations.records import Launch, Packet


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """Событие сессии."""

    id: Annotated[UUID, "Идентификатор события"]
    code: Annotated[str, "Код события"]
    title: Annotated[str, "«Событие»"]
    object: Annotated[str | None, "Объект, к которому относится событие"]
    started_at: Annotated[datetime, "«Начато»"]
    sent_at: Annotated[datetime | None, "«Передача»: когда передан запрос"]
    answered_at: Annotated[datetime | None, "«Ответ»: когда получен ответ"]
    finished_at: Annotated[datetime | None, "«Завершено»"]


@dataclass(frozen=True, slots=True)
class SessionError:
    """Ошибка сессии."""

    id: Annotated[UUID, "Идентификатор ошибки"]
    event_id: Annotated[UUID, "Идентификатор события"]
    stage: Annotated[str, "«Стадия»"]
    message: Annotated[str, "«Ошибка»"]
    object: Annotated[str | None, "«Объект», к которому относится ошибка"]
    at: Annotated[datetime, "Когда зарегистрирована"]


@dataclass(frozen=True, slots=True)
class Notification:
    """Уведомление пациенту."""

    id: Annotated[UUID, "Идентификатор уведомления"]
    launch_id: Annotated[UUID, "Идентификатор запуска"]
    formed_at: Annotated[datetime, "«Дата формирования»"]
    patient_name: Annotated[str, "«Пациент»: Ф. И. О."]
    patient_birth_date: Annotated[date, "«Пациент»: дата рождения"]
    channel: Annotated[str, "Канал: SMS или EMAIL"]
    sent_at: Annotated[datetime | None, "«Дата отправки»: последняя попытка; пусто, если попыток не было"]
    status: Annotated[str, "Статус: код"]
    status_title: Annotated[str, "«Статус»"]
    error_text: Annotated[str | None, "«Ошибки»: текст ошибки отправки"]


@dataclass(frozen=True, slots=True)
class Trail:
    """След сообщения: пакеты и их запуски, старые первыми."""

    packets: Annotated[tuple[Packet, ...], "Пакеты"]
    launches: Annotated[tuple[Launch, ...], "Запуски этих пакетов"]
    truncated: Annotated[bool, "Показаны не все пакеты"]
