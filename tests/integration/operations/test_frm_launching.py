"""«Запуск» of ФРМО as the operator meets it: the choice of МО, what is shown, what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from gateway.catalog.registry import load_catalog
from gateway.domain.errors import Conflict, InvalidRequest
from gateway.domain.roles import Role, Viewer
from gateway.journal import registry
from gateway.journal.schema import load_secret
from gateway.operations import control, launching, services, sessions
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.journal import get_launch
from gateway.operations.records import PageRequest
from tests.support.frm import OID, House, house
from tests.support.running import add_account
from workers.demo.parts import frm_data

ALL = PageRequest(limit=50)
COLUMNS = {
    "frmo": (
        ["Запуск", "Завершение", "МО", "Результат", "Кол-во ошибок"],
        ["Событие", "Начато", "Передача в ФРМО", "Ответ от ФРМО", "Завершено"],
    ),
    "frmr": (
        ["Запуск", "Завершение", "МО", "Результат", "Кол-во ошибок", "Всего пакетов", "Пакетов с ошибками"],
        ["Событие", "Начато", "Передача в ФРМР", "Ответ от ФРМР", "Завершено"],
    ),
}


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine, organizations=2) as furnished:
        yield furnished


@pytest.fixture
def ctx(home: House) -> Context:
    return Context(home.engine, load_catalog(), Cursors(load_secret(home.engine)))


@pytest.fixture
def centre(home: House) -> Viewer:
    add_account(home.engine, "centre", Role.DC_ADMIN)
    with home.engine.connect() as connection:
        stored = registry.find_account(connection, "centre")
    assert stored is not None
    return Viewer(stored.account)


def test_the_list_shows_the_services_with_the_columns_of_the_form(ctx: Context, centre: Viewer) -> None:
    shown = {service.code: service for service in services.list_services(ctx, centre, None)}
    assert shown["frmo"].title == "Передача данных в сервис ФРМО"
    assert shown["frmr"].title == "Передача данных в сервис ФРМР"
    for code, (launch_columns, detail_columns) in COLUMNS.items():
        assert [c.title for c in shown[code].launch_columns] == launch_columns
        assert [c.title for c in shown[code].detail_columns] == detail_columns


def test_a_launch_names_its_organizations_and_each_has_a_session(home: House, ctx: Context, centre: Viewer) -> None:
    with pytest.raises(InvalidRequest, match="Не указаны МО"):
        control.start_service(ctx, centre, "frmo", (), None)
    oids = tuple(home.organizations)
    started = control.start_service(ctx, centre, "frmo", oids, None)
    assert {get_launch(ctx, centre, launch).organization_oid for launch in started} == set(oids)
    with pytest.raises(Conflict, match="Сервис уже выполняется"):
        control.start_service(ctx, centre, "frmo", (OID,), None)
    assert control.start_service(ctx, centre, "frmr", (OID,), None)


def test_a_session_stopped_at_its_check_is_resumed_by_the_operator(home: House, ctx: Context, centre: Viewer) -> None:
    home.submit(frm_data.faulty_hospital(OID, 1))
    (launch,) = control.start_service(ctx, centre, "frmo", (OID,), None)
    home.perform()
    shown = get_launch(ctx, centre, launch)
    assert (shown.result_title, shown.error_count, shown.can_resume) == ("Завершено с ошибкой", 3, True)
    assert [e.stage for e in sessions.list_session_errors(ctx, centre, launch, ALL).items] == [
        "Проверка данных МО перед отправкой"
    ] * 3
    assert shown.session_title == "Экспорт в ФРМО по МО: Учебная больница 1"
    assert services.list_organizations(ctx, centre, "frmo")[0].last_success_at is None
    home.submit(frm_data.corrected_hospital(OID, 1))
    launching.resume_transfer(ctx, centre, launch)
    home.perform()
    shown = get_launch(ctx, centre, launch)
    assert (shown.result_title, shown.error_count, shown.can_resume) == ("Успешно", 0, False)
    first = sessions.list_session_events(ctx, centre, launch, PageRequest(limit=2))
    rest = sessions.list_session_events(ctx, centre, launch, PageRequest(limit=50, cursor=first.next_cursor))
    assert [e.code for e in (*first.items, *rest.items)] == home.events(launch)[::-1]
    dates = {o.oid: o.last_success_at for o in services.list_organizations(ctx, centre, "frmo")}
    assert [oid for oid, date in dates.items() if date] == [OID]


def test_each_row_of_frmr_names_its_organization_and_leads_to_its_errors(
    home: House, ctx: Context, centre: Viewer
) -> None:
    faulty = frm_data.person(OID, 1).replace(b"<gender>2</gender>", b"")
    home.submit([("Person", "p-000001", faulty)], "frmr")
    started = control.start_service(ctx, centre, "frmr", tuple(home.organizations), None)
    home.perform()
    (service,) = [s for s in services.list_services(ctx, centre, None) if s.code == "frmr"]
    given = {"МО": "organization_name", "Кол-во ошибок": "error_count", "Всего пакетов": "packets_total"}
    shown = [c.title for c in service.launch_columns if c.title in given]
    rows = [[getattr(get_launch(ctx, centre, launch), given[title]) for title in shown] for launch in started]
    assert sorted(rows) == [["Учебная больница 1", 1, 0], ["Учебная больница 2", 0, 0]]
    found = [e.object for launch in started for e in sessions.list_session_errors(ctx, centre, launch, ALL).items]
    assert found == ["МО: Учебная больница 1, Работник: p-000001"]
