"""Commands that load what the journal judges by: dictionaries, and what peers held before it began."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import click
from rich.table import Table

from gateway.catalog.registry import load_catalog
from gateway.cli_common import DATA, database, local, print_table, readable_errors
from gateway.operations import baseline as baseline_operations
from gateway.operations import reference as reference_operations
from gateway.settings import load_settings

COMMAND_LINE: Final = "командная строка"
_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def reference() -> None:
    """Справочники (НСИ), по которым проверяются документы."""


@reference.command("load")
@click.argument("name")
@click.argument("file", type=_FILE)
@click.option(
    "--valid-from",
    type=click.DateTime(["%Y-%m-%d", "%d.%m.%Y"]),
    metavar="ДАТА",
    help="С какой даты действует эта версия; без неё — на любую дату.",
)
@DATA
@readable_errors
def reference_load(name: str, file: Path, valid_from: datetime | None, data_dir: Path | None) -> None:
    """Загрузить справочник целиком: CSV, XML или JSON порталов НСИ, можно в zip; всё или ничего."""
    day = valid_from.date() if valid_from else None
    engine = database(data_dir)
    made = reference_operations.load_reference(engine, name, file, day, who=COMMAND_LINE)
    if made is None:
        click.echo(f"Справочник {name}: эта версия уже загружена")
    else:
        click.echo(f"Справочник {name}: загружено записей: {made.entries}")


@reference.command("list")
@click.argument("name", required=False)
@DATA
@readable_errors
def reference_list(name: str | None, data_dir: Path | None) -> None:
    """Показать загруженные справочники; с именем — все версии одного, и заменённые."""
    table = Table("Справочник", "Наименование", "Действует с", "Загружен", "Записей", "Версия", "Учитывается")
    for version in reference_operations.list_reference(database(data_dir), name):
        table.add_row(
            version.name,
            version.title,
            f"{version.valid_from:%d.%m.%Y}" if version.valid_from else "на любую дату",
            f"{local(version.loaded_at):%d.%m.%Y %H:%M}",
            str(version.entries),
            version.digest[:12],
            "да" if version.counts else "заменена",
        )
    print_table(table)


@click.group()
def baseline() -> None:
    """Что внешние системы уже хранят."""


@baseline.command("import")
@click.argument("service")
@click.argument("file", type=_FILE)
@DATA
@readable_errors
def baseline_import(service: str, file: Path, data_dir: Path | None) -> None:
    """Загрузить из CSV, что внешняя система уже приняла: первый запуск передаст изменения, а не добавления."""
    found = load_settings()
    catalog = load_catalog(found.exchange_folders, found.services_off)
    done = baseline_operations.import_baseline(database(data_dir), catalog, service, file, who=COMMAND_LINE)
    click.echo(
        f"Строк: {done.lines}, документов отмечено принятыми: {done.objects}, ждут передачи документа: {done.kept}"
    )
