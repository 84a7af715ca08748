"""Request elements of the operations: one dataclass each; its docstring is the operation's published description.

A list request is the filter of its operation, a page, and the person for whom a МИС asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from gateway.operations.records import ActorClaim, LaunchFilter, PacketFilter, PageRequest, Submission
from gateway.operations.report_orders import ReportOrder

Actor = Annotated[ActorClaim | None, "Пользователь МИС, от имени которого сделан запрос"]
PageChoice = Annotated[PageRequest | None, "Какую страницу вернуть; по умолчанию первую"]


@dataclass(frozen=True, slots=True)
class ListServices:
    """Список сервисов и групп, доступных пользователю."""

    group_code: Annotated[str | None, "Код группы; без него возвращается верхний уровень"] = None
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class ListOrganizations:
    """МО, доступные для выбора при запуске сервиса."""

    service_code: Annotated[str, "Код сервиса"]
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class ListLaunches(LaunchFilter):
    """Лог запусков выбранного сервиса, новые первыми."""

    page: PageChoice = None
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class GetLaunch:
    """Один запуск."""

    launch_id: Annotated[UUID, "Идентификатор запуска"]
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class ListPackets(PacketFilter):
    """Детальный лог: пакеты запуска или периода, новые первыми."""

    page: PageChoice = None
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class GetPacketData:
    """«Данные пакета»: что передано внешней системе или получено от неё."""

    packet_id: Annotated[UUID, "«Идентификатор пакета»"]
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class GetPacketAnswer:
    """«Ответ»: полученный при передаче, отправленный при получении."""

    packet_id: Annotated[UUID, "«Идентификатор пакета»"]
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class ListSessionEvents:
    """События сессии, новые первыми."""

    launch_id: Annotated[UUID, "Идентификатор запуска"]
    page: PageChoice = None
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class ListSessionErrors:
    """Ошибки последней попытки сессии, старые первыми."""

    launch_id: Annotated[UUID, "Идентификатор запуска"]
    page: PageChoice = None
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class ListNotifications:
    """Уведомления пациентам, старые первыми."""

    launch_id: Annotated[UUID, "Идентификатор запуска"]
    statuses: Annotated[tuple[str, ...], "Статусы: коды"] = ()
    page: PageChoice = None
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class GetJournal:
    """След одного сообщения и того, что с ним связано: пакеты и их запуски."""

    message_id: Annotated[UUID | None, "Идентификатор пакета"] = None
    track_id: Annotated[str | None, "Идентификатор запуска, группы пакетов или requestId"] = None
    find_related: Annotated[bool, "Вернуть и другие пакеты тех же исходных документов"] = False
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class ExportReport(ReportOrder):
    """«Печать»: отчёт XML или CSV по списку журнала или по выбранной записи."""

    actor: Actor = None


@dataclass(frozen=True, slots=True)
class StartService:
    """«Запуск»: запустить сервис по выбранным МО."""

    service_code: Annotated[str, "Код сервиса"]
    organization_oids: Annotated[tuple[str, ...], "OID выбранных МО; пусто, если МО не выбирается"] = ()
    request_id: Annotated[str | None, "Ключ повторяемости: повтор с тем же ключом не запускает второй раз"] = None
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class ResumeTransfer:
    """«Возобновить передачу»: продолжить сессию с новой проверки."""

    launch_id: Annotated[UUID, "Идентификатор запуска"]
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class StopLaunch:
    """Остановить запуск: он завершится с результатом «Остановлен оператором»."""

    launch_id: Annotated[UUID, "Идентификатор запуска"]
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class HoldPackets:
    """«Не отправлять повторно»: запретить отправку пакетов."""

    packet_ids: Annotated[tuple[UUID, ...], "Идентификаторы пакетов"]
    reason: Annotated[str | None, "Причина запрета"] = None
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class ReleasePackets:
    """«Снять запрет отправки»."""

    packet_ids: Annotated[tuple[UUID, ...], "Идентификаторы пакетов"]
    actor: Actor = None


@dataclass(frozen=True, slots=True)
class SubmitObjects:
    """Приём исходных документов от МИС."""

    service_code: Annotated[str, "Код сервиса"]
    organization_oid: Annotated[str, "OID МО, которой принадлежат документы"]
    objects: Annotated[tuple[Submission, ...], "Исходные документы"]
    batch_id: Annotated[str | None, "Идентификатор посылки в МИС, для разбора"] = None


@dataclass(frozen=True, slots=True)
class TakeInbound:
    """Получение входящих документов; неподтверждённые возвращаются снова."""

    service_code: Annotated[str | None, "Код сервиса; без него документы всех сервисов"] = None
    limit: Annotated[int, "Сколько документов вернуть: от 1 до 1000"] = 100


@dataclass(frozen=True, slots=True)
class ConfirmInbound:
    """Подтверждение полученных документов."""

    ids: Annotated[tuple[UUID, ...], "Идентификаторы документов"]
    accepted: Annotated[bool, "Документы приняты МИС"]
    reason: Annotated[str | None, "Почему документы не приняты"] = None
