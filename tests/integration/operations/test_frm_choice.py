"""МО without an OID: ФРМО and ФРМР know none of them, so they are not offered, not taken, not started by schedule."""

from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy import Engine

from gateway.catalog.registry import load_catalog
from gateway.domain.errors import InvalidRequest, NotFound
from gateway.domain.roles import Account, Role, Viewer
from gateway.journal import launches, registry, schedules
from gateway.journal.launches import Starter
from gateway.journal.schema import load_secret
from gateway.operations import control, services
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from tests.support.frm import OID
from tests.support.running import add_organizations
from workers.runner.scheduler import Scheduler

MARKS = ("000-0034", "1.2.03", "1.2")
"""What a МО without an OID may be registered under by a list of МО."""
REGISTERS = ("frmo", "frmr")


@pytest.fixture
def ids(engine: Engine) -> dict[str, int]:
    return add_organizations(engine, [(oid, f"Больница {oid}", f"34{n:04}") for n, oid in enumerate((*MARKS, OID))])


@pytest.fixture
def ctx(engine: Engine) -> Context:
    return Context(engine, load_catalog(), Cursors(load_secret(engine)))


@pytest.fixture
def centre(engine: Engine) -> Viewer:
    with engine.begin() as connection:
        added = registry.add_account(connection, "centre", "без пароля", Role.DC_ADMIN, (), may_act=False)
    return Viewer(Account(added, "centre", Role.DC_ADMIN, None))


@pytest.mark.usefixtures("ids")
def test_organizations_without_an_oid_are_not_offered(ctx: Context, centre: Viewer) -> None:
    for code in REGISTERS:
        assert [o.oid for o in services.list_organizations(ctx, centre, code)] == [OID]
    assert len(services.list_organizations(ctx, centre, "tfoms-hosp")) == len(MARKS) + 1


@pytest.mark.usefixtures("ids")
def test_no_launch_takes_an_organization_without_an_oid(ctx: Context, centre: Viewer) -> None:
    for code, mark in product(REGISTERS, MARKS):
        with pytest.raises(InvalidRequest) as refused:
            control.start_service(ctx, centre, code, (OID, mark), None)
        told = f"У МО «Больница {mark}» не указан OID или он записан неверно: сервис по ней не запускается"
        assert refused.value.message == told
    for code in REGISTERS:
        assert len(control.start_service(ctx, centre, code, (OID,), None)) == 1
    assert len(control.start_service(ctx, centre, "tfoms-hosp", MARKS, None)) == 1


@pytest.mark.usefixtures("ids")
def test_an_oid_that_no_organization_has_names_none(ctx: Context, centre: Viewer) -> None:
    for code, unknown in product(REGISTERS, ("", " ", f"{OID}9")):
        with pytest.raises(NotFound, match="МО не найдена: проверьте OID"):
            control.start_service(ctx, centre, code, (unknown,), None)


def test_a_service_is_busy_when_every_organization_that_it_takes_is(
    ctx: Context, ids: dict[str, int], centre: Viewer
) -> None:
    with ctx.engine.begin() as connection:
        for code in REGISTERS:
            launches.start(connection, code, [frozenset({ids[OID]})], Starter(None, "Испытание"))
    shown = {each.code: each.start_refusal for each in services.list_services(ctx, centre, None)}
    assert [shown[code] for code in REGISTERS] == ["Сервис уже выполняется"] * 2


def test_a_schedule_starts_sessions_of_those_who_have_an_oid(ctx: Context, ids: dict[str, int]) -> None:
    with ctx.engine.begin() as connection:
        for code in REGISTERS:
            schedules.set_schedule(connection, code, "0 0 1 1 *", "UTC", 0)
    scheduler = Scheduler(ctx.engine, ctx.catalog, "UTC", 366 * 24 * 3600, lot=lambda: 0.0)
    scheduler.step()
    with ctx.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE service_settings SET next_start_at = date_trunc('year', now())")
    scheduler.step()
    with ctx.engine.connect() as connection:
        started = connection.exec_driver_sql("SELECT service_code, scope FROM launches ORDER BY service_code")
        assert [tuple(row) for row in started] == [(code, [ids[OID]]) for code in REGISTERS]
