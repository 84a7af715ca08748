"""Referrals go to ФБ МСЭ as files: each once, those with mistakes told, whatever is wrong on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from sqlalchemy import Engine

from gateway.journal.bodies import unpack
from gateway.xml.canonical import serialize
from tests.support.bureau import WAYS
from tests.support.mse import EXPORT, FIRST, SECOND, MseHouse, mse_house
from tests.support.waiting import eventually
from workers.demo.parts.mse_data import referral, referrals
from workers.exchanges.mse.form import g_code_of
from workers.runner import process
from workers.runs.surroundings import Point
from workers.sandbox.switches import Outage

AWAY = "Ошибка при подключению к серверу"


@pytest.fixture(params=WAYS)
def every_way(request: pytest.FixtureRequest, engine: Engine) -> Iterator[MseHouse]:
    with mse_house(engine, request.param) as made:
        yield made


def taken(house: MseHouse, number: int) -> list[str]:
    """Names of the files that the clerks took, once there are so many."""
    eventually(lambda: len(house.sandbox.ledger()) >= number, 20, what="the clerks take the files")
    return [entry.name for entry in house.sandbox.ledger()]


def test_a_launch_sends_the_sound_and_names_the_mistakes_of_the_others(every_way: MseHouse) -> None:
    house = every_way
    house.submit(EXPORT, FIRST.oid, referrals(FIRST, 10))
    house.submit(EXPORT, SECOND.oid, referrals(SECOND, 4))
    assert house.launch() == ("SUCCESS", None)
    assert house.statuses() == {"ACCEPTED": 13, "FORM_ERROR": 1}
    names = {r.name for r in house.rows("SELECT name FROM packets WHERE status = 'ACCEPTED'")}
    assert set(taken(house, 13)) == names
    refused = [entry.codes for entry in house.sandbox.ledger() if entry.codes]
    assert refused == [("005",)]  # of a bureau that the region does not have: only ФБ МСЭ knows
    (bad,) = house.rows("SELECT name, result_text FROM packets WHERE status = 'FORM_ERROR'")
    head, *findings = bad.result_text.splitlines()
    assert head == f"Файл с идентификатором направления {bad.name.removesuffix('.xml')} имеет ошибки"
    assert len(findings) == 2
    assert house.launch() == ("SUCCESS", None)
    assert house.statuses() == {"ACCEPTED": 13, "FORM_ERROR": 1}


def test_what_only_the_schema_refuses_is_headed_alike(house: MseHouse) -> None:
    ((kind, object_id, content),) = referrals(FIRST, 1, sound=True)
    broken = re.sub(rb"<Gender>\d</Gender>", b"<Gender>3</Gender>", content)
    house.store(EXPORT, FIRST.oid, [(kind, object_id, broken)])
    assert house.launch() == ("SUCCESS", None)
    ((name, told),) = house.rows("SELECT name, result_text FROM packets")
    head, finding = told.splitlines()
    assert head == f"Файл с идентификатором направления {name.removesuffix('.xml')} имеет ошибки"
    assert finding.startswith("XSD: ")


def test_the_journal_holds_what_was_sent_byte_for_byte(house: MseHouse) -> None:
    house.submit(EXPORT, FIRST.oid, referrals(FIRST, 1, sound=True))
    house.sandbox.switches.update({"idle": True})
    house.launch()
    (file,) = house.sandbox.tree.exported.iterdir()
    ((content,),) = house.rows("SELECT content FROM packet_bodies WHERE kind = 'DATA'")
    assert unpack(content) == file.read_bytes()
    assert file.read_bytes().startswith(b"<?xml version='1.0' encoding='utf-8' standalone='yes'?>")
    assert ElementTree.fromstring(file.read_bytes())[0].text == file.stem  # noqa: S314 # written by ourselves


def test_the_identifier_is_kept_over_changes_and_renewed_by_a_return(house: MseHouse) -> None:
    first = ("MseReferral", "mse-1", serialize(referral(FIRST, 1, sound=True)))
    for content in (
        first[2],
        first[2].replace("Рос и развивался".encode(), "Развивался".encode()),
        serialize(referral(FIRST, 1, sound=True, returned=1)),
    ):
        house.submit(EXPORT, FIRST.oid, [(first[0], first[1], content)])
        assert house.launch() == ("SUCCESS", None)
    names = [g_code_of(FIRST.oid, "mse-1", returned) + ".xml" for returned in (0, 0, 1)]
    rows = house.rows("SELECT name, operation, status FROM packets ORDER BY id")
    assert [tuple(r) for r in rows] == list(zip(names, ("Insert", "Update", "Update"), ("ACCEPTED",) * 3, strict=True))


def test_a_referral_removed_after_its_export_is_told_to_the_operator_once(house: MseHouse) -> None:
    house.submit(EXPORT, FIRST.oid, referrals(FIRST, 1, sound=True))
    house.launch()
    house.submit(EXPORT, FIRST.oid, [("MseReferral", "mse-1", b"")])
    for _ in range(2):
        assert house.launch() == ("SUCCESS", None)
    assert house.statuses() == {"ACCEPTED": 1, "FORM_ERROR": 1}
    head, *findings = house.results()[1].splitlines()
    assert head.endswith("имеет ошибки")
    assert [line[:31] for line in findings] == ["402: Направление удалено в МИС "]


def test_an_upload_that_is_cut_is_repeated_in_the_same_launch(every_way: MseHouse) -> None:
    house = every_way
    house.submit(EXPORT, FIRST.oid, referrals(FIRST, 3, sound=True))
    for trouble in ({"cut_at_byte": 1000, "cut_next": 1, "shorten_next": 1}, {"drop_rename_next": 2}):
        house.sandbox.switches.update(trouble)
        assert house.launch() == ("SUCCESS", None)
        house.submit(EXPORT, FIRST.oid, referrals(FIRST, 1, first=4, sound=True))
    assert house.statuses() == {"ACCEPTED": 4}
    assert len(set(taken(house, 4))) == 4
    assert all(not entry.codes for entry in house.sandbox.ledger())


def test_a_file_that_never_passes_bars_no_other_and_goes_with_the_next_launch(house: MseHouse) -> None:
    house.submit(EXPORT, FIRST.oid, referrals(FIRST, 3, sound=True))
    house.sandbox.switches.update({"shorten_next": 3, "cut_at_byte": 5})
    assert house.launch() == ("SUCCESS", None)
    assert house.statuses() == {"ACCEPTED": 2, "SEND_ERROR": 1}
    code = house.rows("SELECT name FROM packets WHERE status = 'SEND_ERROR'")[0].name.removesuffix(".xml")
    told = f"Не удалось загрузить файл с идентификатором направления {code} в папку обмена"
    assert house.results()[0].startswith(told)
    assert house.launch() == ("SUCCESS", "Повторно передаются пакеты прошлых запусков: 1")
    assert house.statuses() == {"ACCEPTED": 3}
    assert len(taken(house, 3)) == 3


def test_a_full_disk_fails_the_packets_and_not_the_launch(house: MseHouse) -> None:
    house.submit(EXPORT, FIRST.oid, referrals(FIRST, 2, sound=True))
    house.sandbox.switches.update({"disk_full": True})
    assert house.launch() == ("SUCCESS", None)
    assert house.statuses() == {"SEND_ERROR": 2}
    house.sandbox.switches.update({"disk_full": False})
    house.launch()
    assert house.statuses() == {"ACCEPTED": 2}


def test_a_launch_that_cannot_begin_says_why_and_sends_nothing(house: MseHouse) -> None:
    house.submit(EXPORT, FIRST.oid, referrals(FIRST, 2, sound=True))
    for changed, told in (
        ({"host": "", "password": ""}, "Не найден конфиг MSEExp: host, password (таблица services)"),
        ({"password": "не тот"}, "Ошибка при авторизации"),
        ({"export_folder": ""}, "Не задана папка для экспорта"),
        ({"export_folder": "/нет"}, "Папки для экспорта не существует или к ней нет доступа"),
    ):
        result, text = house.launch(**changed)
        assert result == "FAILED"
        assert (text or "").startswith(told)
        assert house.statuses() == {"FORMED": 2}
    assert house.launch()[0] == "SUCCESS"
    assert house.statuses() == {"ACCEPTED": 2}


def test_a_server_that_is_away_is_tried_three_times(house: MseHouse) -> None:
    house.submit(EXPORT, FIRST.oid, referrals(FIRST, 2, sound=True))
    house.sandbox.switches.update({"outage": Outage.REFUSE})
    assert house.launch() == ("FAILED", f"{AWAY}, ждут отправки: 2")
    assert house.statuses() == {"FORMED": 2}
    house.sandbox.switches.update({"outage": Outage.NONE})
    assert house.launch()[0] == "SUCCESS"
    assert len(taken(house, 2)) == 2


@pytest.mark.parametrize("point", [p for p in Point if p in {Point.FORMED, Point.SENDING, Point.SENT, Point.ENDING}])
def test_a_death_at_any_point_loses_nothing_and_doubles_nothing(
    house: MseHouse, monkeypatch: pytest.MonkeyPatch, point: Point
) -> None:
    monkeypatch.setattr(process, "CRASH_PAUSE_S", 0.01)
    house.submit(EXPORT, FIRST.oid, referrals(FIRST, 4, sound=True))
    died: list[Point] = []

    def dies(reached: Point) -> None:
        if reached is point and not died:
            died.append(reached)
            raise ConnectionAbortedError("придуманный сбой")

    assert house.finish(house.start(), house.worker(reached=dies))[0] == "SUCCESS"
    assert died == [point]
    assert house.statuses() == {"ACCEPTED": 4}
    assert len(set(taken(house, 4))) == 4
    assert all(not entry.codes for entry in house.sandbox.ledger())
