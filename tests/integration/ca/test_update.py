"""Whole launches of the update against a register over HTTP: what is new is kept, what is gone is marked, nothing is
lost, and the journal tells it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import pytest
from sqlalchemy import Engine

from gateway.journal.bodies import unpack
from tests.support.authorities import Register, register
from workers.sandbox.ca_issue import document

SUCCESS = "Импорт данных из сервиса УЦ завершён успешно"
FAILURE = "Импорт данных из сервиса УЦ завершён с ошибкой: "
STEPS = [
    "Запуск импорта данных из сервиса УЦ",
    "Получение файла реестра УЦ",
    "Проверка подписи файла: подпись не проверена",
    "Сохранение файла реестра УЦ",
    "Обработка сведений об УЦ",
    SUCCESS,
]


@pytest.fixture
def home(engine: Engine) -> Iterator[Register]:
    with register(engine, count=6, keys=2) as made:
        yield made


def standings(home: Register) -> list[tuple[str, str, bool]]:
    return home.rows("SELECT number, status, listed FROM ca_authorities ORDER BY inn")


def test_the_first_issue_is_taken_whole(home: Register) -> None:
    launch = home.launch()
    assert (launch.result, launch.events, launch.errors) == ("SUCCESS", STEPS, [])
    assert launch.text == f"{SUCCESS}: версия 1, всего УЦ: 6, новых: 6, изменённых: 0"
    assert standings(home) == [(str(n), "Действует", True) for n in range(1, 7)]
    assert home.rows("SELECT count(*), count(DISTINCT key_id), count(subject_digest) FROM ca_certificates") == [
        (12, 12, 12)
    ]
    chunks = home.rows("SELECT content FROM ca_issue_chunks ORDER BY position")
    assert b"".join(unpack(content) for (content,) in chunks) == b"".join(document(home.sandbox.edition))
    ((size, digest),) = home.rows("SELECT size, sha256 = sha256(:file) FROM ca_issues", file=_file(home))
    assert (size, digest) == (len(_file(home)), True)


def _file(home: Register) -> bytes:
    return b"".join(document(home.sandbox.edition))


def test_an_unchanged_file_is_not_sent_again(home: Register) -> None:
    home.launch()
    launch = home.launch()
    assert home.sandbox.requests == [200, 304]
    assert (launch.result, launch.events) == ("SUCCESS", [*STEPS[:2], SUCCESS])
    assert launch.text == f"{SUCCESS}: версия 1 уже загружена, файл не менялся"


def test_the_next_issue_changes_what_it_changes(home: Register) -> None:
    home.launch()
    home.sandbox.publish(count=7, statuses={2: "Прекращена", 3: "На проверке"}, withdraw=[4])
    launch = home.launch()
    assert launch.text == f"{SUCCESS}: версия 2, всего УЦ: 6, новых: 1, изменённых: 2, исключённых: 1"
    assert standings(home)[:4] == [
        ("1", "Действует", True),
        ("2", "Прекращена", True),
        ("3", "На проверке", True),
        ("4", "Действует", False),
    ]
    history = "SELECT h.status FROM ca_status_history h JOIN ca_authorities a ON a.id = authority_id WHERE number = '2'"
    assert home.rows(f"{history} ORDER BY 1") == [("Действует",), ("Прекращена",)]
    home.sandbox.publish(restore=[4])
    assert home.launch().text == f"{SUCCESS}: версия 3, всего УЦ: 7, новых: 0, изменённых: 1"
    assert standings(home)[3] == ("4", "Действует", True)


def test_an_older_issue_changes_nothing_unless_forced(home: Register) -> None:
    home.launch()
    home.sandbox.publish(statuses={1: "Прекращена"})
    home.launch()
    home.sandbox.switches.update({"older": True})
    home.sandbox.publish(statuses={1: "Действует"}, withdraw=[2])
    home.sandbox.edition.version = 2
    assert home.launch().text == f"{SUCCESS}: версия 1 не новее загруженной версии 2"
    assert standings(home)[0] == ("1", "Прекращена", True)
    assert home.launch(force="true").text.startswith(f"{SUCCESS}: версия 1, всего УЦ: 5")
    assert standings(home)[:2] == [("1", "Действует", True), ("2", "Действует", False)]


def test_the_same_issue_taken_twice_changes_nothing(home: Register) -> None:
    home.launch()
    tables = ("TABLE ca_status_history", "TABLE ca_certificates", "TABLE ca_holdings")
    before = [sorted(home.rows(table)) for table in tables]
    assert home.launch(force="true").text == f"{SUCCESS}: версия 1, всего УЦ: 6, новых: 0, изменённых: 0"
    assert [sorted(home.rows(table)) for table in tables] == before


def test_one_bad_entry_is_an_error_and_not_a_failure(home: Register) -> None:
    home.launch()
    home.sandbox.switches.update({"malformed": 1})
    home.sandbox.publish(statuses={1: "Прекращена", 2: "Прекращена"})
    launch = home.launch()
    assert launch.result == "SUCCESS"
    assert launch.text.endswith("всего УЦ: 6, новых: 0, изменённых: 1, с ошибками: 1")
    ((stage, message, about),) = launch.errors
    assert (stage, about) == ("Проверка по схеме", "Общество «Учебный УЦ № 1», ОГРН 1990000000001")
    assert "ДействуетС" in message
    assert standings(home)[:2] == [("1", "Действует", True), ("2", "Прекращена", True)]


def test_an_issue_without_any_authority_takes_nobody_out(home: Register) -> None:
    home.launch()
    home.sandbox.publish(count=0)
    launch = home.launch()
    assert (launch.result, launch.text) == ("FAILED", f"{FAILURE}В выпуске нет ни одного УЦ")
    assert launch.events[-1] == launch.text
    assert {listed for *_, listed in standings(home)} == {True}


def test_a_file_that_breaks_in_its_middle_leaves_the_former_issue_in_force(home: Register) -> None:
    home.launch()
    before = standings(home)
    home.sandbox.switches.update({"broken": True})
    home.sandbox.publish(statuses={1: "Прекращена"}, withdraw=[2])
    launch = home.launch()
    assert launch.result == "FAILED"
    assert launch.text.startswith(f"{FAILURE}Файл не читается, строка ")
    assert standings(home) == before
    home.sandbox.switches.reset()
    assert home.launch().result == "SUCCESS"
    assert home.rows("SELECT version, current FROM ca_issues ORDER BY id") == [(1, False), (2, True)]


def right(file: BinaryIO) -> bool:
    return file.read(5) == b"<?xml"


def wrong(_file: BinaryIO) -> bool:
    return False


def test_a_provider_of_the_site_verifies_the_signature(home: Register) -> None:
    assert "Проверка подписи файла: подпись верна" in home.launch(signature_provider=f"{__name__}:right").events
    home.sandbox.publish()
    launch = home.launch(signature_provider=f"{__name__}:wrong")
    assert (launch.result, launch.text) == ("FAILED", f"{FAILURE}Подпись файла неверна.")
