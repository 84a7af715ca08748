"""What operators see of Алькона over SOAP: the columns of both logs, in their order and with their titles."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from gateway.domain.roles import Role
from tests.support.running import PASSWORD, add_account, running
from workers.demo.client import sign_in

LAUNCHES = ["Запуск", "Завершение", "ИД группы пакетов", "Результат", "Всего пакетов", "Пакетов с ошибками"]
DETAILS = [
    "Дата/время",
    "Идентификатор пакета",
    "Тип пакета",
    "Операция",
    "Статус пакета",
    "Результат",
    "Данные пакета",
]


def test_both_logs_have_the_columns_that_operators_know(engine: Engine, database_url: str, tmp_path: Path) -> None:
    add_account(engine, "admin", Role.DC_ADMIN)
    folders = {"out": str(tmp_path / "out"), "in": str(tmp_path / "in")}
    with running(database_url, {"alkona": folders}) as url:
        listed = sign_in(url, "admin", PASSWORD).journal.ListServices(groupCode="alkona").services.service
    shown = {
        s.code: ([c.title for c in s.launchColumns.column], [c.title for c in s.detailColumns.column]) for s in listed
    }
    assert shown == {f"alkona-{kind}": (LAUNCHES, DETAILS) for kind in ("dep", "dn", "prf")}
