"""What the operations answer and take: the records of the SOAP contract, as plain dataclasses.

Field names are the contract's in snake_case; the front doors derive their wire names from them. The text beside a type
is the field's published documentation. Moments are aware, in UTC. Absent is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from gateway.domain.errors import Finding
from gateway.domain.launches import LaunchResult, OrganizationChoice
from gateway.domain.statuses import Direction

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page of a list."""

    limit: Annotated[int | None, "Сколько записей вернуть: от 1 до 1000, по умолчанию 50"] = None
    cursor: Annotated[str | None, "Продолжение списка: значение nextCursor прошлого ответа"] = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, newest first."""

    items: tuple[T, ...]
    next_cursor: str | None
    total: int
    total_is_exact: bool


@dataclass(frozen=True, slots=True)
class Column:
    """Столбец списка."""

    code: Annotated[str, "Имя поля записи"]
    title: Annotated[str, "Заголовок столбца"]


@dataclass(frozen=True, slots=True)
class Launch:
    """Запуск сервиса."""

    id: Annotated[UUID, "Идентификатор запуска"]
    service_code: Annotated[str, "Код сервиса"]
    started_at: Annotated[datetime, "«Запуск»: дата и время начала работы сервиса"]
    finished_at: Annotated[datetime | None, "«Завершение»: дата и время завершения работы сервиса"]
    organization_oid: Annotated[str | None, "OID МО, если запуск относится к одной МО"]
    organization_name: Annotated[str | None, "«МО»: наименование МО, если запуск относится к одной МО"]
    result: Annotated[LaunchResult, "Результат: код"]
    result_title: Annotated[str, "«Результат»: Выполняется, Успешно, Завершено с ошибкой"]
    result_text: Annotated[str | None, "Пояснение к результату"]
    packet_group_id: Annotated[UUID | None, "«ИД группы пакетов»"]
    packets_total: Annotated[int, "«Всего пакетов» (по МО, видимым пользователю)"]
    packets_with_errors: Annotated[int, "«Пакетов с ошибками» (по МО, видимым пользователю)"]
    error_count: Annotated[int, "«Кол-во ошибок» сессии"]
    notifications_formed: Annotated[int, "«Сформировано уведомлений»"]
    notifications_sent: Annotated[int, "«Отправлено уведомлений»"]
    started_by: Annotated[str, "Кто запустил: учётная запись или «по расписанию»"]
    can_resume: Annotated[bool, "Доступна ли кнопка «Возобновить передачу»"]
    resume_refusal: Annotated[str | None, "Почему кнопка «Возобновить передачу» недоступна"]
    session_title: Annotated[str | None, "Наименование сессии, например «Экспорт в ФРМО по МО: …»"] = None
    can_stop: Annotated[bool | None, "Можно ли остановить запуск"] = None
    stop_refusal: Annotated[str | None, "Почему остановить запуск нельзя"] = None


@dataclass(frozen=True, slots=True)
class Service:
    """Сервис или группа сервисов из раздела «Список сервисов»."""

    code: Annotated[str, "Код сервиса"]
    title: Annotated[str, "Наименование сервиса"]
    group_code: Annotated[str | None, "Код группы, в которую входит сервис"]
    is_group: Annotated[bool, "Это группа: она открывается, а не запускается"]
    enabled: Annotated[bool, "Сервис включён"]
    manual_start: Annotated[bool, "Предусмотрен ручной запуск"]
    organization_choice: Annotated[OrganizationChoice, "Выбор МО при запуске: NONE, ONE, MANY"]
    start_allowed: Annotated[bool, "Доступна ли кнопка «Запуск»"]
    start_refusal: Annotated[str | None, "Почему кнопка «Запуск» недоступна"]
    schedule: Annotated[str | None, "Расписание"]
    next_start_at: Annotated[datetime | None, "Следующий запуск по расписанию"]
    last_launch: Annotated[Launch | None, "Последний запуск, видимый пользователю"]
    launch_columns: Annotated[tuple[Column, ...], "Столбцы раздела «Лог запусков выбранного сервиса»"]
    detail_columns: Annotated[tuple[Column, ...], "Столбцы раздела «Детальный лог работы сервисов»"]


@dataclass(frozen=True, slots=True)
class OrganizationCode:
    """Код МО во внешней системе."""

    system: Annotated[str, "Внешняя система, например tfoms"]
    value: Annotated[str, "Код МО в этой системе"]


@dataclass(frozen=True, slots=True)
class Organization:
    """МО, доступная для выбора при запуске."""

    oid: Annotated[str, "OID МО"]
    name: Annotated[str, "Наименование МО"]
    codes: Annotated[tuple[OrganizationCode, ...], "Коды МО во внешних системах"]
    last_success_at: Annotated[datetime | None, "«Дата последней успешной выгрузки»"]
    start_allowed: Annotated[bool, "Можно ли запустить сервис по этой МО"]
    start_refusal: Annotated[str | None, "Почему нельзя"]


@dataclass(frozen=True, slots=True)
class Packet:
    """Пакет детального лога."""

    id: Annotated[UUID, "«Идентификатор пакета»"]
    launch_id: Annotated[UUID, "Идентификатор запуска"]
    service_code: Annotated[str, "Код сервиса"]
    created_at: Annotated[datetime, "«Дата/время»"]
    organization_oid: Annotated[str | None, "OID МО"]
    direction: Annotated[Direction, "Направление: EXPORT или IMPORT"]
    packet_type: Annotated[str, "Тип пакета: код"]
    packet_type_title: Annotated[str, "«Тип пакета»"]
    operation: Annotated[str, "Операция: код"]
    operation_title: Annotated[str, "«Операция»"]
    status: Annotated[str, "Статус: код"]
    status_title: Annotated[str, "«Статус пакета»"]
    result_text: Annotated[str | None, "«Результат»"]
    held: Annotated[bool, "Признак «Не отправлять пакет»"]
    can_hold: Annotated[bool, "Доступна ли кнопка «Не отправлять повторно»"]
    can_release: Annotated[bool, "Доступна ли кнопка «Снять запрет отправки»"]
    refusal: Annotated[str | None, "Почему обе кнопки недоступны"]
    attempts: Annotated[int, "Число попыток отправки"]
    object_id: Annotated[str | None, "Идентификатор исходного документа в МИС"]
    items_total: Annotated[int | None, "Записей в пакете"]
    items_not_accepted: Annotated[int | None, "Из них не принято"]
    data_size: Annotated[int | None, "Размер «Данных пакета», байт"]
    answer_size: Annotated[int | None, "Размер «Ответа», байт"]


@dataclass(frozen=True, slots=True)
class Field:
    """Строка «<Тег>: <Данные>»."""

    path: Annotated[str, "Путь элемента в документе"]
    tag: Annotated[str, "Тег"]
    value: Annotated[str, "Данные"]


@dataclass(frozen=True, slots=True)
class PacketContent:
    """«Данные пакета» или «Ответ»."""

    packet_id: Annotated[UUID, "Идентификатор пакета"]
    media_type: Annotated[str, "Тип содержимого, например application/xml"]
    raw: Annotated[bytes, "Содержимое байт в байт"]
    xml: Annotated[str | None, "Содержимое текстом, если это XML"]
    fields: Annotated[tuple[Field, ...], "Содержимое в виде «<Тег>: <Данные>»"]
    fields_truncated: Annotated[bool, "Показаны не все поля"]


@dataclass(frozen=True, slots=True)
class LaunchFilter:
    """Which launches to list. A moment bounds the start: from (included), to (excluded)."""

    service_code: Annotated[str, "Код сервиса"]
    started_from: Annotated[datetime | None, "Запуск не раньше"] = None
    started_to: Annotated[datetime | None, "Запуск раньше"] = None
    organization_oid: Annotated[str | None, "OID МО"] = None
    result: Annotated[LaunchResult | None, "Результат"] = None


@dataclass(frozen=True, slots=True)
class PacketFilter:
    """Which packets to list: those of a launch, or of a period of at most 366 days."""

    launch_id: Annotated[UUID | None, "Идентификатор запуска"] = None
    created_from: Annotated[datetime | None, "Создан не раньше"] = None
    created_to: Annotated[datetime | None, "Создан раньше; период не длиннее 366 дней"] = None
    service_code: Annotated[str | None, "Код сервиса"] = None
    packet_type: Annotated[str | None, "Тип пакета: код"] = None
    operation: Annotated[str | None, "Операция: код"] = None
    statuses: Annotated[tuple[str, ...], "Статусы: коды"] = ()
    held: Annotated[bool | None, "Признак «Не отправлять пакет»"] = None
    organization_oid: Annotated[str | None, "OID МО"] = None
    object_id: Annotated[str | None, "Идентификатор исходного документа в МИС"] = None
    changed_since: Annotated[datetime | None, "Изменён не раньше"] = None
    text: Annotated[str | None, "Текст в результате или идентификаторе; в запуске или периоде до 31 дня"] = None


@dataclass(frozen=True, slots=True)
class Submission:
    """Исходный документ, который передаёт МИС."""

    object_id: Annotated[str, "Постоянный идентификатор документа в МИС, до 64 знаков"]
    object_type: Annotated[str, "Тип документа"]
    changed_at: Annotated[datetime, "Когда документ изменён в МИС, с часовым поясом"]
    deleted: Annotated[bool, "Документ удалён; содержимое не передаётся"] = False
    content: Annotated[str | None, "XML документа текстом"] = None
    content_base64: Annotated[bytes | None, "Те же байты в base64"] = None


class SubmitResult(StrEnum):
    """What became of one submitted object."""

    ACCEPTED = "ACCEPTED"
    UNCHANGED = "UNCHANGED"
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class SubmitOutcome:
    """Результат приёма одного документа."""

    object_id: Annotated[str, "Идентификатор документа в МИС"]
    object_type: Annotated[str, "Тип документа"]
    result: Annotated[SubmitResult, "ACCEPTED: принят; UNCHANGED: без изменений; INVALID: содержит ошибки"]
    findings: Annotated[tuple[Finding, ...], "Найденные ошибки"]


@dataclass(frozen=True, slots=True)
class PacketOutcome:
    """Результат действия с одним пакетом."""

    packet_id: Annotated[UUID, "Идентификатор пакета"]
    done: Annotated[bool, "Действие выполнено"]
    refusal: Annotated[str | None, "Почему действие не выполнено"]


@dataclass(frozen=True, slots=True)
class ActorClaim:
    """Пользователь МИС, от имени которого сделан запрос."""

    login: Annotated[str, "Имя пользователя в МИС"]
    role: Annotated[str, "Роль: dc_admin, mo_admin, statistician"]
    organization_oid: Annotated[str | None, "OID МО пользователя"] = None
