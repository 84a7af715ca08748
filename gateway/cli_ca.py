"""Commands about certification authorities (УЦ): whose certificate it is, and which УЦ the register has."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click
from rich.table import Table

from gateway.catalog.registry import installed
from gateway.cli_common import DATA, Moment, database, local, print_table, readable_errors
from gateway.journal import certification_authorities as register
from gateway.journal.schema import load_secret
from gateway.operations.certificates import Judgement, judge_certificate
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.settings import load_settings
from gateway.x509 import read_file

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def ca() -> None:
    """Реестр аккредитованных удостоверяющих центров."""


@ca.command("check")
@click.option(
    "--certificate",
    "file",
    type=FILE,
    required=True,
    help="Сертификат: DER или PEM; в PEM за ним может стоять издатель.",
)
@click.option("--at", type=Moment(), metavar="ГГГГ-ММ-ДД[Tчч:мм:сс]", help="Момент подписания; без него — сейчас.")
@DATA
@readable_errors
def ca_check(file: Path, at: datetime | None, data_dir: Path | None) -> None:
    """Можно ли подписывать этим сертификатом: кто его выдал и аккредитован ли он."""
    certificate, *issuers = read_file(file.read_bytes())
    engine = database(data_dir)
    context = Context(engine, installed(load_settings()), Cursors(load_secret(engine)))
    judgement = judge_certificate(context, certificate.der, at, [each.der for each in issuers])
    _tell(judgement, at)
    if judgement.refusal is not None:
        click.echo(judgement.refusal)
        sys.exit(1)
    click.echo("Сертификат выдан аккредитованным УЦ.")


def _tell(judgement: Judgement, at: datetime | None) -> None:
    issuer = judgement.issuer
    if issuer is None:
        return
    click.echo(f"УЦ: {issuer.name}, ИНН {issuer.inn}, ОГРН {issuer.ogrn}")
    click.echo(f"Статус аккредитации сейчас: {judgement.status_now}")
    if at is not None:
        click.echo(f"Статус аккредитации на {at:%d.%m.%Y %H:%M:%S}: {judgement.status_then or 'нет'}")
    if not issuer.listed:
        click.echo("В последнем выпуске реестра этого УЦ или его сертификата нет.")
    if judgement.verified is None:
        click.echo("Подпись издателя под сертификатом не проверена: алгоритм здесь не поддерживается.")


@ca.command("list")
@click.option("--status", help="Только УЦ с этим статусом, например «Действует».")
@DATA
@readable_errors
def ca_list(status: str | None, data_dir: Path | None) -> None:
    """Показать выпуск реестра и его УЦ."""
    with database(data_dir).connect() as connection:
        issue = register.current_issue(connection)
        rows = register.list_authorities(connection, status)
    if issue is None:
        click.echo("Реестр УЦ не загружен: запустите «Сервис обновления реестра УЦ».")
        return
    table = Table("Наименование", "ИНН", "ОГРН", "№ в реестре", "Статус", "Действует с", "В последнем выпуске")
    for row in rows:
        told = (row.status, f"{local(row.status_since):%d.%m.%Y}", "да" if row.listed else "нет")
        table.add_row(row.name, row.inn, row.ogrn, row.number, *told)
    click.echo(f"Версия {issue.version} от {local(issue.issued_at):%d.%m.%Y %H:%M}, УЦ: {len(rows)}")
    print_table(table)
