"""Reports of a session's events and errors are headed by what the session is called."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from uuid import UUID

import pytest
from lxml import etree
from sqlalchemy import Engine

from gateway.catalog.registry import load_catalog
from gateway.domain.roles import Account, Role, Viewer
from gateway.journal import registry
from gateway.journal.schema import load_secret
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.report_orders import ReportOrder
from gateway.operations.reports import export_report
from gateway.reports.kinds import ReportKind
from gateway.reports.printing import printable_page
from gateway.xml.namespaces import REPORT
from gateway.xml.parser import parse_text
from gateway.xml.schemas import validate
from tests.support.frm import OID, House, house
from tests.support.reporting import SCHEMA
from workers.demo.parts import frm_data

TITLES = {"frmo": "Экспорт в ФРМО по МО: Учебная больница 1", "frmr": "Экспорт в ФРМР по МО: Учебная больница 1"}


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine) as furnished:
        yield furnished


@pytest.fixture
def launches(home: House) -> dict[str, UUID]:
    home.submit(frm_data.faulty_hospital(OID, 1))
    home.submit(frm_data.persons(OID, 1), "frmr")
    return {"frmo": home.run(), "frmr": home.run("frmr")}


@pytest.fixture
def hospital(home: House) -> Viewer:
    """The administrator of the МО."""
    own = list(home.organizations.values())
    with home.engine.begin() as connection:
        added = registry.add_account(connection, "hospital", "без пароля", Role.MO_ADMIN, own, may_act=False)
    return Viewer(Account(added, "hospital", Role.MO_ADMIN, frozenset(own)))


def report(home: House, viewer: Viewer, order: ReportOrder) -> str:
    ctx = Context(home.engine, load_catalog(), Cursors(load_secret(home.engine)))
    xml = export_report(ctx, viewer, order).xml
    assert xml is not None
    return xml


def test_the_title_of_the_session_stands_below_that_of_its_service(
    home: House, hospital: Viewer, launches: dict[str, UUID]
) -> None:
    for service, kind in product(TITLES, (ReportKind.SESSION_EVENTS, ReportKind.SESSION_ERRORS)):
        xml = report(home, hospital, ReportOrder(kind, launch_id=launches[service]))
        root = parse_text(xml)
        assert validate(root, SCHEMA) == ()
        heads = [(etree.QName(head).localname, head.text) for head in root[0]]
        assert [name for name, _ in heads[:3]] == ["title", "service", "sessionTitle"]
        assert heads[2][1] == TITLES[service]
        page = etree.fromstring(printable_page(len(xml), [xml.encode()]))
        assert [each.text for each in page.iter("{*}h2")] == [heads[1][1], TITLES[service]]


def test_reports_that_are_of_no_session_have_no_such_title(
    home: House, hospital: Viewer, launches: dict[str, UUID]
) -> None:
    orders = (
        ReportOrder(ReportKind.LAUNCHES, service_code="frmo"),
        ReportOrder(ReportKind.PACKETS, launch_id=launches["frmo"]),
    )
    for order in orders:
        assert parse_text(report(home, hospital, order)).find(f"{{{REPORT}}}header/{{{REPORT}}}sessionTitle") is None
