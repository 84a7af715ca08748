"""Words of the wire that the records do not carry: type names, item names, Russian descriptions."""

from __future__ import annotations

from typing import Final

from gateway.domain.errors import Finding
from gateway.domain.launches import LaunchResult, OrganizationChoice
from gateway.domain.statuses import Direction
from gateway.operations.records import ActorClaim, Page, PageRequest, Submission, SubmitResult
from gateway.reports.kinds import ReportFormat, ReportKind

TYPE_NAMES: Final[dict[type, str]] = {
    ActorClaim: "Actor",
    PageRequest: "Page",
    Submission: "SourceObject",
}
"""Types whose name on the wire is not the name of the class."""

ITEMS: Final[dict[str, str]] = {
    "codes": "code",
    "detail_columns": "column",
    "documents": "document",
    "errors": "error",
    "events": "event",
    "fields": "field",
    "findings": "finding",
    "ids": "id",
    "launch_columns": "column",
    "launch_ids": "launchId",
    "launches": "launch",
    "notifications": "notification",
    "objects": "object",
    "organization_oids": "organizationOid",
    "organizations": "organization",
    "outcomes": "outcome",
    "packet_ids": "packetId",
    "packets": "packet",
    "services": "service",
    "statuses": "status",
}
"""Name of one item in a list, by the field that holds the list."""

GROWING: Final[frozenset[type]] = frozenset({ReportFormat, ReportKind, SubmitResult})
"""Lists of codes that may grow: new logs, new kinds of report, new outcomes."""

TYPES: Final[dict[type, str]] = {
    Direction: "Направление: EXPORT (передача), IMPORT (получение)",
    Finding: "Найденная ошибка",
    LaunchResult: "Результат запуска: RUNNING (выполняется), SUCCESS (успешно), FAILED (завершено с ошибкой)",
    OrganizationChoice: "Выбор МО при запуске: NONE (не выбирается), ONE (одна), MANY (несколько)",
    Page: "Страница списка",
    PageRequest: "Какую страницу списка вернуть",
    SubmitResult: "Результат приёма: ACCEPTED (принят), UNCHANGED (без изменений), INVALID (с ошибками)",
}
"""Descriptions of types whose docstring is for developers."""

FIELDS: Final[dict[tuple[type, str], str]] = {
    (Finding, "path"): "Путь элемента, в котором найдена ошибка",
    (Finding, "line"): "Номер строки, начиная с 1",
    (Finding, "code"): "Код проверки",
    (Finding, "message"): "Описание ошибки",
    (Page, "items"): "Записи страницы",
    (Page, "next_cursor"): "Курсор следующей страницы; на последней странице отсутствует",
    (Page, "total"): "Всего записей",
    (Page, "total_is_exact"): "Число записей точное; иначе записей не меньше указанного",
}
"""Descriptions of fields that carry none."""
