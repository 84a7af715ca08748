"""A second exchange, of another transport and another shape, is one folder: or one wheel, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from gateway.domain.roles import Role
from gateway.journal import sessions
from gateway.journal.launch_queries import FIRST, LAST
from tests.support.running import PASSWORD, add_account, add_organizations, running
from tests.support.waiting import eventually
from tests.support.wheels import install_exchanges
from workers.demo.client import Services, sign_in

EXCHANGES = Path(__file__).parents[1] / "exchanges"
CODE = "free-beds"
NORTH, SOUTH = "1.2.643.5.1.13.13.12.2.99.1", "1.2.643.5.1.13.13.12.2.99.2"


@dataclass
class House:
    """The running gateway with the exchange in it, and its two callers."""

    engine: Engine
    out: Path
    mis: Services
    admin: Services


@pytest.fixture(params=["folder", "wheel"])
def placed(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The exchange put into an installation in one of two ways: what changes in the environment."""
    if request.param == "folder":
        return {"GATEWAY_EXCHANGE_FOLDERS": str(EXCHANGES)}
    target = tmp_path / "site"
    install_exchanges("region_exchanges", EXCHANGES, target, tmp_path)
    return {"PYTHONPATH": str(target)}


@pytest.fixture
def house(engine: Engine, database_url: str, placed: dict[str, str], tmp_path: Path) -> Iterator[House]:
    out, back = tmp_path / "out", tmp_path / "in"
    out.mkdir()
    back.mkdir()
    ids = add_organizations(
        engine, [(NORTH, "Северная учебная больница", "990001"), (SOUTH, "Южная учебная больница", "990002")]
    )
    add_account(engine, "mis", Role.MIS, list(ids.values()))
    add_account(engine, "admin", Role.DC_ADMIN)
    with running(database_url, {"free_beds": {"out": str(out), "in": str(back)}}, **placed) as url, peer(out, back):
        yield House(engine, out, sign_in(url, "mis", PASSWORD), sign_in(url, "admin", PASSWORD))


@pytest.fixture
def launched(house: House) -> Callable[[], list[Any]]:
    """«Запуск» by the administrator over every МО: the records of the launches when they are over."""

    def launch() -> list[Any]:
        ids = house.admin.control.StartService(serviceCode=CODE).launchId
        return eventually(lambda: _finished(house, ids), 30, what="the launches end")

    return launch


def _finished(house: House, ids: list[str]) -> list[Any]:
    records = [house.admin.journal.GetLaunch(launchId=launch_id) for launch_id in ids]
    return [] if any(record.result == "RUNNING" for record in records) else records


class peer:  # noqa: N801 # used as a context only
    """The dispatcher: takes every file and answers with a line of text."""

    def __init__(self, out: Path, back: Path) -> None:
        self._out, self._back = out, back
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._answer)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _answer(self) -> None:
        answered: set[str] = set()
        while not self._stop.wait(0.05):
            for file in self._out.glob("*.xml"):
                if file.stem not in answered:
                    answered.add(file.stem)
                    part = self._back / f".{file.stem}"
                    part.write_text("принято", encoding="utf-8")
                    part.rename(self._back / f"{file.stem}.txt")


def submit(house: House, oid: str, *documents: tuple[str, str]) -> list[str]:
    objects = [
        {"objectId": name, "objectType": "BedCount", "changedAt": datetime.now(UTC), "deleted": False, "content": xml}
        for name, xml in documents
    ]
    answer = house.mis.intake.SubmitObjects(serviceCode=CODE, organizationOid=oid, objects={"object": objects})
    return [outcome.result for outcome in answer.outcome]


def test_it_is_in_the_list_of_services_with_its_columns(house: House) -> None:
    (service,) = [s for s in house.admin.journal.ListServices().services.service if s.code == CODE]
    assert service.title == "Передача сводки о свободных койках (учебный)"
    assert service.groupCode is None
    assert [c.title for c in service.launchColumns.column] == ["Запуск", "МО", "Результат", "Кол-во ошибок"]
    assert [c.title for c in service.detailColumns.column] == ["Событие", "Начато"]
    assert service.startAllowed
    assert service.lastLaunch is None


def test_a_whole_session_is_journaled_and_answered(house: House, launched: Callable[[], list[Any]]) -> None:
    whole = "<BedCount><DEPARTMENT>Терапия</DEPARTMENT><FREE>3</FREE></BedCount>"
    assert submit(house, NORTH, ("t-1", whole), ("t-2", whole)) == ["ACCEPTED", "ACCEPTED"]
    assert submit(house, SOUTH, ("x-1", "<BedCount><FREE>много</FREE></BedCount>")) == ["INVALID"]
    assert submit(house, SOUTH, ("x-1", "<BedCount><DEPARTMENT>Хирургия</DEPARTMENT></BedCount>")) == ["ACCEPTED"]

    records = {record.organizationOid: record for record in launched()}
    assert records.keys() == {NORTH, SOUTH}
    good, bad = records[NORTH], records[SOUTH]
    assert (good.result, good.errorCount, good.packetsTotal, good.packetsWithErrors) == ("SUCCESS", 0, 2, 0)
    assert (bad.result, bad.resultTitle, bad.errorCount) == ("FAILED", "Завершено с ошибкой", 1)
    assert bad.resultText == "Ошибок во время сессии: 1"

    packets = house.admin.journal.ListPackets(launchId=good.id).packets.packet
    assert {(p.packetTypeTitle, p.operationTitle, p.statusTitle) for p in packets} == {
        ("Сводка по отделению", "Передача", "Принят")
    }
    data = house.admin.journal.GetPacketData(packetId=packets[0].id)
    assert data.raw == (house.out / f"{packets[0].id}.xml").read_bytes()
    assert ("FREE", "3") in {(f.tag, f.value) for f in data.fields.field}
    answer = house.admin.journal.GetPacketAnswer(packetId=packets[0].id)
    assert (answer.raw.decode(), answer.xml, answer.mediaType) == ("принято", None, "application/octet-stream")


def test_its_events_and_errors_are_rows_of_the_journal(house: House, launched: Callable[[], list[Any]]) -> None:
    lacking = "<BedCount><DEPARTMENT>Хирургия</DEPARTMENT></BedCount>"
    submit(house, NORTH, ("t-1", "<BedCount><DEPARTMENT>Терапия</DEPARTMENT><FREE>0</FREE></BedCount>"))
    submit(house, NORTH, ("t-2", lacking))
    (north,) = [record for record in launched() if record.organizationOid == NORTH]
    with house.engine.connect() as connection:
        events = sessions.events_of(connection, UUID(north.id), before=LAST, limit=10)[::-1]
        errors = sessions.errors_of(connection, UUID(north.id), after=FIRST, limit=10)
    assert [(e.code, e.about) for e in events] == [("60", None), ("70", "t-1")]
    assert all(e.finished_at is not None for e in events)
    assert events[1].sent_at <= events[1].answered_at <= events[1].finished_at
    assert [(e.event_id, e.stage, e.message, e.about) for e in errors] == [
        (events[0].id, "Проверка", "Не указано число свободных коек", "t-2")
    ]
