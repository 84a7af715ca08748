"""Taking back tickets goes wrong: folders without rights, servers that are away, workers that are killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.houses import Worker
from tests.support.mse import IMPORT, SLUG, MseHouse, exported, mse_house, results
from workers.exchanges.mse.receive import DONE
from workers.runs.surroundings import Point
from workers.sandbox.switches import Outage


def left(house: MseHouse) -> int:
    """How many files lie in the folder of back tickets."""
    return len(list(house.sandbox.tree.imported.glob("*")))


@pytest.mark.parametrize(("way", "code"), [("ftp", "550"), ("sftp", "3")])
def test_tickets_that_are_not_for_us_to_remove_are_journaled_once_and_told(engine: Engine, way: str, code: str) -> None:
    with mse_house(engine, way) as house:
        exported(house, 3)
        house.sandbox.switches.update({"deny_removal": True})
        refusal = f"ФБ МСЭ не принимает подтверждение: Файл из папки обмена не удаляется: код {code}"
        for _ in range(2):
            assert house.launch(IMPORT) == ("FAILED", f"Документы приняты, но {refusal}, документов: 3")
            assert (results(house), left(house)) == ([("PROCESSED", DONE)] * 3, 3)
            assert house.rows("SELECT count(*) FROM inbound_documents")[0][0] == 3
        house.sandbox.switches.update({"deny_removal": False})
        assert house.launch(IMPORT) == ("SUCCESS", None)
        assert (results(house), left(house)) == ([("PROCESSED", DONE)] * 3, 0)


def test_a_launch_that_cannot_begin_says_why_and_takes_nothing(house: MseHouse) -> None:
    exported(house, 1)
    for changed, told in (
        ({"host": "", "password": ""}, "Не заданы настройки обмена: host, password (таблица services)"),
        ({"password": "не тот"}, "Ошибка при авторизации"),
        ({"import_folder": ""}, "Не задана папка для импорта"),
        ({"import_folder": "/нет"}, "Папки для импорта не существует или к ней нет доступа"),
    ):
        assert house.launch(IMPORT, **changed) == ("FAILED", told)
    house.sandbox.switches.update({"outage": Outage.REFUSE})
    assert house.launch(IMPORT) == ("FAILED", "Ошибка при подключению к серверу")
    assert (results(house), left(house)) == ([], 1)


DEATHS = [
    (Point.TAKEN, 0, 3),
    (Point.ANSWERS_TAKEN, 0, 3),
    (Point.ANSWERS_JOURNALED, 3, 3),
    (Point.ANSWERS_CONFIRMED, 3, 0),
    (Point.ENDING, 3, 0),
]
"""Where a worker is killed; how many tickets the journal holds then, and the folder."""


@pytest.mark.parametrize(("point", "journaled", "lying"), DEATHS)
def test_a_worker_killed_at_any_step_is_followed_by_one_that_imports_each_ticket_once(
    house: MseHouse, database_url: str, tmp_path: Path, point: Point, journaled: int, lying: int
) -> None:
    exported(house, 3)
    launch_id = house.start(IMPORT)
    given = {"GATEWAY_DATABASE_URL": database_url, "GATEWAY_SERVICES": json.dumps({SLUG: house.settings})}
    with Worker({**given, "DOOM_POINT": point}, tmp_path / "worker.log") as doomed:
        doomed.wait_dead(60)
    assert (len(results(house)), left(house)) == (journaled, lying)
    house.release()
    assert house.finish(launch_id) == ("SUCCESS", None)
    assert (results(house), left(house)) == ([("PROCESSED", DONE)] * 3, 0)
    assert house.rows("SELECT count(*) FROM inbound_documents")[0][0] == 3
    assert house.rows("SELECT count(*) FROM source_objects WHERE closed_by IS NOT NULL")[0][0] == 3
