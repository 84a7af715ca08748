"""What the demonstration prints: Russian, plain enough for a log, with a progress bar where there is a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.domain.statuses import STATUS_TITLES, PacketStatus
from gateway.domain.zones import time_zone
from gateway.settings import load_settings

console: Final = Console(width=118, highlight=False)
FIELDS_SHOWN: Final = 60


def line(text: str) -> None:
    """Print one line."""
    console.print(text, markup=False)


@contextmanager
def progress(title: str) -> Iterator[Callable[[Any], None]]:
    """Show a launch as it goes; give what is told the launch's record."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    last: list[Any] = []
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(title, total=None, said="")

        def watch(record: Any) -> None:
            last[:] = [record]
            bar.update(task, said=_counts(record))

        yield watch
    for record in last:
        why = f": {record.resultText}" if record.resultText else ""
        line(f"{title}. {_counts(record)}. {record.resultTitle}{why}")


def _counts(record: Any) -> str:
    if record.notificationsFormed:
        return f"Сформировано уведомлений {record.notificationsFormed}, отправлено {record.notificationsSent}"
    errors = f", ошибок {record.errorCount}" if record.errorCount else ""
    return f"Пакетов {record.packetsTotal}, с ошибками {record.packetsWithErrors}{errors}"


def launches(records: Sequence[Any], services: Sequence[Any]) -> None:
    """«Лог запусков» of every service under another, with the columns that each service has."""
    for service in services:
        own = [record for record in records if record.serviceCode == service.code]
        if own:
            table = Table(*(column.title for column in service.launchColumns.column), title=service.title)
            for record in own:
                table.add_row(*(_cell(record[column.code]) for column in service.launchColumns.column))
            console.print(table)


def _cell(value: Any) -> str:
    return _moment(value) if isinstance(value, datetime) else str(value if value is not None else "")


def _moment(value: Any) -> str:
    return f"{value.astimezone(time_zone(load_settings().time_zone)):%d.%m.%Y %H:%M:%S}" if value else ""


def statuses(counts: Mapping[str, int]) -> None:
    """Packets of all services by status."""
    table = Table("Статус пакета", "Код", "Пакетов", title="Пакеты по статусам")
    for code, count in sorted(counts.items()):
        table.add_row(STATUS_TITLES[PacketStatus(code)], code, str(count))
    console.print(table)


def services(found: Sequence[Any]) -> None:
    """«Список сервисов» with the result of each one's last launch."""
    table = Table("Код", "Сервис", "Последний запуск", title="Список сервисов")
    for service in found:
        last = "группа" if service.isGroup else "не запускался"
        table.add_row(service.code, service.title, service.lastLaunch.resultTitle if service.lastLaunch else last)
    console.print(table)


def content(packet: Any, data: Any, answer: Any) -> None:
    """One packet's «Данные пакета» and «Ответ», a line «тег: данные» for every field."""
    line(f"Пакет {packet.id}: {packet.packetTypeTitle}, {packet.operationTitle}, {packet.statusTitle}")
    for title, shown in (("Данные пакета", data), ("Ответ", answer)):
        line(f"{title}:")
        for field in shown.fields.field[:FIELDS_SHOWN]:
            line(f"  {field.tag}: {field.value}")


def addresses(url: str) -> None:
    """Where the WSDLs are published."""
    line("Адреса WSDL:")
    for version in ("soap", "soap12"):
        for name in ("journal", "control", "intake"):
            line(f"  {url}/{version}/{name}?wsdl")
