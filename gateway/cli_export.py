"""What `gateway export` does: the report of an account, written to a file or to standard output as it is read."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click
from sqlalchemy import Engine

from gateway.catalog.registry import installed
from gateway.cli_common import DATA, Moment, database, readable_errors
from gateway.disk import written_whole
from gateway.domain.errors import ConfigurationError
from gateway.domain.launches import LaunchResult
from gateway.domain.roles import Viewer
from gateway.domain.statuses import Operation, PacketStatus
from gateway.journal import registry
from gateway.journal.schema import load_secret
from gateway.operations.archive import read_launch
from gateway.operations.archive_files import write_archives
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.report_orders import ReportOrder
from gateway.operations.reports import stream_report
from gateway.reports.kinds import ReportFormat, ReportKind
from gateway.reports.printing import printable_page
from gateway.settings import load_settings

PAGE: Final = "HTML"


def _choice(codes: Any) -> click.Choice[str]:
    return click.Choice([str(code) for code in codes], case_sensitive=False)


_MOMENT: Final[dict[str, Any]] = {"type": Moment(), "metavar": "ГГГГ-ММ-ДД[Tчч:мм:сс]"}


@click.command()
@click.argument("kind", type=_choice(ReportKind))
@click.option("--account", required=True, metavar="ЛОГИН", help="От чьего имени: что видит эта учётная запись.")
@click.option("--format", "form", type=_choice([*ReportFormat, PAGE]), default="XML", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Файл; без него стандартный вывод.")
@click.option("--record", "record_id", help="Одна запись: её идентификатор, для SERVICES код сервиса.")
@click.option("--group", "group_code", help="Код группы сервисов.")
@click.option("--service", "service_code", help="Код сервиса.")
@click.option("--launch", "launch_id", type=click.UUID, help="Идентификатор запуска.")
@click.option("--started-from", help="Запуск не раньше.", **_MOMENT)
@click.option("--started-to", help="Запуск раньше.", **_MOMENT)
@click.option("--created-from", help="Пакет создан не раньше.", **_MOMENT)
@click.option("--created-to", help="Пакет создан раньше.", **_MOMENT)
@click.option("--changed-since", help="Пакет изменён не раньше.", **_MOMENT)
@click.option("--organization", "organization_oid", metavar="OID", help="МО.")
@click.option("--result", type=_choice(LaunchResult), help="Результат запуска.")
@click.option("--packet-type", help="Код типа пакета.")
@click.option("--operation", type=_choice(Operation), help="Операция пакета.")
@click.option("--status", "statuses", type=_choice(PacketStatus), multiple=True, help="Можно несколько раз.")
@click.option("--held/--not-held", default=None, help="Признак «Не отправлять пакет».")
@click.option("--object", "object_id", help="Идентификатор исходного документа в МИС.")
@click.option("--text", help="Текст в результате или идентификаторе.")
@DATA
@readable_errors
def export(data_dir: Path | None, **given: Any) -> None:
    """Отчёт по любому списку журнала: XML, CSV или страница для печати."""
    engine = database(data_dir)
    settings = load_settings()
    catalog = installed(settings)
    context = Context(engine, catalog, Cursors(load_secret(engine)), time_zone=settings.time_zone)
    printable = given["form"] == PAGE
    names = {field.name for field in fields(ReportOrder)}
    order = ReportOrder(
        **{name: value for name, value in given.items() if name in names - {"kind", "result"}},
        kind=ReportKind(given["kind"]),
        format=ReportFormat.XML if printable else ReportFormat(given["form"]),
        result=LaunchResult(given["result"]) if given["result"] else None,
    )
    pieces = stream_report(context, _viewer(engine, given["account"]), order)
    if printable:
        report = b"".join(pieces)
        pieces = iter((printable_page(len(report), (report,)),))
    _write(pieces, given["output"])


@click.command()
@click.argument("launch_id", type=click.UUID)
@click.option("--account", required=True, metavar="ЛОГИН", help="От чьего имени: что видит эта учётная запись.")
@click.option(
    "--output", required=True, type=click.Path(path_type=Path, file_okay=False, exists=True), help="Папка для файлов."
)
@DATA
@readable_errors
def archive(data_dir: Path | None, launch_id: UUID, account: str, output: Path) -> None:
    """Документы запуска файлами: good.zip — для передачи вручную, bad.zip — с ошибками, protocol.txt — что с каждым.

    В одном архиве не больше 10 000 документов, остальные в good-2.zip, bad-2.zip и далее.
    """
    engine = database(data_dir)
    context = Context(engine, installed(load_settings()), Cursors(load_secret(engine)))
    try:
        counts = write_archives(read_launch(context, _viewer(engine, account), launch_id), output)
    except OSError as error:
        raise ConfigurationError(f"Архив в папке {output} не записан: {error.strerror}") from error
    click.echo("Документов: {}, с ошибками: {}".format(*counts))


def _viewer(engine: Engine, login: str) -> Viewer:
    with engine.connect() as connection:
        stored = registry.find_account(connection, login)
    if stored is None or stored.disabled:
        raise ConfigurationError(f"Нет действующей учётной записи {login}")
    return Viewer(stored.account, address="командная строка")


def _print(pieces: Iterator[bytes]) -> None:
    try:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except OSError as error:
        if error.errno == errno.EPIPE:  # whoever read it had enough
            raise
        # What is still in the buffer would be written, and fail, once more when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ConfigurationError(f"Отчёт не записан: {error.strerror}") from error


def _write(pieces: Iterator[bytes], output: Path | None) -> None:
    """Write a whole report or none: a file appears under its name when it is complete.

    Standard output, a device and a pipe get it as it is read.
    """
    if output is None:
        _print(pieces)
        return
    try:
        with written_whole(output) as file:
            for piece in pieces:
                file.write(piece)
    except OSError as error:
        raise ConfigurationError(f"Файл {output} не записан: {error.strerror}") from error
