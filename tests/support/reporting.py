"""Reports as tests read them: one invented report of every kind, and the records of a document."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final

from lxml import etree

from gateway.reports.heading import Condition, Heading, Made, Total
from gateway.reports.kinds import LISTINGS, ReportFormat, ReportKind
from gateway.reports.writers import Values, write
from gateway.resources import resource_dir
from gateway.xml.namespaces import REPORT

SCHEMA: Final = resource_dir("xsd") / "report" / "1.0" / "report.xsd"
AT: Final = datetime(2026, 3, 2, 9, 30, 5, tzinfo=UTC)
ID: Final = "01890000-0000-7000-8000-00000000000a"
HOSTILE: Final = '=1+1 <script>alert("x")</script> & \x01\r\n]]> ещё текст'
"""Markup, a formula, a character that XML cannot carry."""

RECORDS: Final[dict[ReportKind, Values]] = {
    ReportKind.SERVICES: ("sms", "Рассылка", None, False, True, True, "каждый час", AT, AT, None, "Выполняется"),
    ReportKind.LAUNCHES: (
        *(ID, "sms", AT, None, "1.2.643.5.1", "Учебная больница", "RUNNING", "Выполняется"),
        *(HOSTILE, ID, 3, 1, 0, 5, 4, "оператор"),
    ),
    ReportKind.PACKETS: (
        *(ID, ID, "sms", AT, "1.2.643.5.1", "EXPORT", "Referral", "Направление", "Insert", "Добавление"),
        *("REJECTED", "Отклонен ТФОМС", HOSTILE, True, 1, "+79", None, None, 2048, None),
    ),
    ReportKind.SESSION_EVENTS: (ID, "60", "60. Проверка данных МО перед отправкой", None, AT, AT, None, None),
    ReportKind.SESSION_ERRORS: (ID, ID, "Проверка", HOSTILE, "Отделение 1", AT),
    ReportKind.NOTIFICATIONS: (
        (ID, ID, AT, "Пример Альфа Омегович", date(1970, 1, 2), "SMS", None, "SEND_ERROR", "Ошибка отправки", HOSTILE)
    ),
}


def heading(kind: ReportKind, form: ReportFormat = ReportFormat.XML, zone: str = "Europe/Moscow") -> Heading:
    """Heading of a report of one service under a filter."""
    conditions = (
        Condition("createdFrom", "Создан не раньше", "2026-03-01T00:00:00+03:00"),
        Condition("text", "Текст", HOSTILE),
    )
    listing = LISTINGS[kind]
    session = f"Экспорт по МО: {HOSTILE}" if kind.startswith("SESSION") else None
    service = ("sms", f"Рассылка {HOSTILE}")
    return Heading(kind, form, "centre", "АРМ", *service, conditions, listing.columns, session, zone)


def document(
    kind: ReportKind,
    records: Iterable[Values],
    form: ReportFormat = ReportFormat.XML,
    zone: str = "Europe/Moscow",
) -> bytes:
    """A whole report."""
    made = Made.now(AT, (Total("records", "Всего записей", 1),), zone)
    return b"".join(write(heading(kind, form, zone), made, records))


def records_of(xml: str | bytes) -> list[dict[str, Any]]:
    """Records of an XML report, by the names of their elements."""
    root = etree.fromstring(xml.encode() if isinstance(xml, str) else xml)
    return [{etree.QName(value).localname: value.text for value in record} for record in root[1]]


def total(xml: str | bytes, code: str = "records") -> int:
    """A total of an XML report."""
    root = etree.fromstring(xml.encode() if isinstance(xml, str) else xml)
    found = root.find(f"{{{REPORT}}}header/{{{REPORT}}}totals/{{{REPORT}}}total[@code='{code}']")
    assert found is not None
    return int(found.text or "")
