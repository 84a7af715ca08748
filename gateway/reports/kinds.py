"""The lists a report may hold: one row each, with the elements of a record and how people know them.

Element names are those of the SOAP contract and of ``xsd/report``, in the schema's order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ReportKind(StrEnum):
    """Список, по которому составляется отчёт."""

    SERVICES = "SERVICES"
    LAUNCHES = "LAUNCHES"
    PACKETS = "PACKETS"
    SESSION_EVENTS = "SESSION_EVENTS"
    SESSION_ERRORS = "SESSION_ERRORS"
    NOTIFICATIONS = "NOTIFICATIONS"


class ReportFormat(StrEnum):
    """Вид отчёта."""

    XML = "XML"
    CSV = "CSV"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list: the element of a record it shows, and its heading."""

    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: its title, its element, the element of one record, the record's elements, the columns people see."""

    title: str
    wrapper: str
    item: str
    elements: tuple[str, ...]
    columns: tuple[Column, ...]

    def chosen(self, wanted: tuple[Column, ...]) -> tuple[Column, ...]:
        """Columns that a service's manifest names, as far as a report can show them; else the list's own.

        Links of the form are shown as what they lead to: the size of the packet's data and answer.
        """
        named = (Column(_LINKS.get(column.code, column.code), column.title) for column in wanted)
        return tuple(column for column in named if column.code in self.elements) or self.columns


_LINKS: Final = {"data": "dataSize", "answer": "answerSize", "errors": "errorCount"}


def _columns(**titles: str) -> tuple[Column, ...]:
    return tuple(Column(code, title) for code, title in titles.items())


def _names(spaced: str) -> tuple[str, ...]:
    return tuple(spaced.split())


LISTINGS: Final[dict[ReportKind, Listing]] = {
    ReportKind.SERVICES: Listing(
        "Список сервисов",
        "services",
        "service",
        _names(
            "code title groupCode isGroup enabled manualStart schedule nextStartAt lastStartedAt "
            "lastFinishedAt lastResultTitle"
        ),
        _columns(
            title="Сервис",
            schedule="Расписание",
            nextStartAt="Следующий запуск",
            lastStartedAt="Запуск",
            lastFinishedAt="Завершение",
            lastResultTitle="Результат",
        ),
    ),
    ReportKind.LAUNCHES: Listing(
        "Лог запусков выбранного сервиса",
        "launches",
        "launch",
        _names(
            "id serviceCode startedAt finishedAt organizationOid organizationName result resultTitle "
            "resultText packetGroupId packetsTotal packetsWithErrors errorCount notificationsFormed "
            "notificationsSent startedBy"
        ),
        _columns(startedAt="Запуск", finishedAt="Завершение", resultTitle="Результат"),
    ),
    ReportKind.PACKETS: Listing(
        "Детальный лог работы сервисов",
        "packets",
        "packet",
        _names(
            "id launchId serviceCode createdAt organizationOid direction packetType packetTypeTitle "
            "operation operationTitle status statusTitle resultText held attempts objectId itemsTotal "
            "itemsNotAccepted dataSize answerSize"
        ),
        _columns(
            held="Не отправлять пакет",
            createdAt="Дата/время",
            id="Идентификатор пакета",
            organizationOid="МО",
            packetTypeTitle="Тип пакета",
            operationTitle="Операция",
            statusTitle="Статус пакета",
            resultText="Результат",
            dataSize="Данные пакета",
            answerSize="Ответ",
        ),
    ),
    ReportKind.SESSION_EVENTS: Listing(
        "События сессии",
        "sessionEvents",
        "sessionEvent",
        _names("id code title object startedAt sentAt answeredAt finishedAt"),
        _columns(title="Событие", startedAt="Начато", sentAt="Передача", answeredAt="Ответ", finishedAt="Завершено"),
    ),
    ReportKind.SESSION_ERRORS: Listing(
        "Ошибки сессии",
        "sessionErrors",
        "sessionError",
        _names("id eventId stage message object at"),
        _columns(stage="Стадия", message="Ошибка", object="Объект"),
    ),
    ReportKind.NOTIFICATIONS: Listing(
        "Уведомления",
        "notifications",
        "notification",
        _names("id launchId formedAt patientName patientBirthDate channel sentAt status statusTitle errorText"),
        _columns(
            formedAt="Дата формирования",
            patientName="Пациент",
            patientBirthDate="Дата рождения",
            sentAt="Дата отправки",
            statusTitle="Статус",
            errorText="Ошибки",
        ),
    ),
}
