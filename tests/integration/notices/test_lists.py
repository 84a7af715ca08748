"""«Детальный лог» and the report of notifications: the form's own columns, a МО's own rows, errors only of errors."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import Engine

from gateway.domain.errors import InvalidRequest
from gateway.domain.roles import Role, Viewer
from gateway.journal import registry
from gateway.journal.schema import load_secret
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.journal import list_launches
from gateway.operations.notices import list_notifications
from gateway.operations.records import LaunchFilter, PageRequest
from gateway.operations.report_orders import ReportOrder
from gateway.operations.reports import export_report
from gateway.reports.kinds import ReportFormat, ReportKind
from gateway.xml.parser import parse_text
from gateway.xml.schemas import validate
from tests.support.reporting import SCHEMA, records_of, total
from tests.support.running import add_account, add_organizations
from tests.support.telling import quick_telling, reminder, telling

ALL = PageRequest(limit=100)


@dataclass
class Told:
    """A launch with a message taken, one refused, one cancelled; and who looks at it."""

    ctx: Context
    launch: UUID
    admin: Viewer
    other: Viewer


@pytest.fixture(scope="module")
def told(shared_engine: Engine, shared_url: str) -> Told:
    with telling(shared_engine, shared_url) as house:
        house.smsc.switches.update({"refuse_next": 1, "answer_delay_s": 3600})
        house.submit("sms", {"r-1": reminder(1), "r-2": reminder(2), "r-3": reminder(3, PHONE=None)})
        launch = house.driven(send_batch=1).launch("sms")
    ctx = Context(shared_engine, quick_telling(), Cursors(load_secret(shared_engine)))
    elsewhere = add_organizations(shared_engine, [("1.2.643.9", "Другая поликлиника", "990009")])
    add_account(shared_engine, "centre", Role.DC_ADMIN)
    add_account(shared_engine, "other", Role.MO_ADMIN, list(elsewhere.values()))
    found = []
    with shared_engine.connect() as connection:
        for login in ("centre", "other"):
            stored = registry.find_account(connection, login)
            assert stored is not None
            found.append(Viewer(stored.account))
    return Told(ctx, launch, *found)


def test_the_log_of_launches_counts_formed_and_sent(told: Told) -> None:
    (record,) = list_launches(told.ctx, told.admin, LaunchFilter("sms"), ALL).items
    assert (record.notifications_formed, record.notifications_sent, record.result_title) == (2, 1, "Успешно")


def test_the_list_shows_an_error_only_of_an_error(told: Told) -> None:
    refused, sent, cancelled = list_notifications(told.ctx, told.admin, told.launch, (), ALL).items
    assert (refused.status_title, refused.error_text) == (
        "Ошибка отправки",
        "Центр SMS не принял сообщение (код 0xb)",
    )
    assert (sent.status_title, sent.error_text, sent.channel) == ("Отправлено", None, "SMS")
    assert (cancelled.status_title, cancelled.error_text, cancelled.sent_at) == ("Отменено", None, None)
    assert (sent.patient_name, f"{sent.patient_birth_date}") == ("Выдумкин-2 Альфа Омегович", "1961-02-03")
    assert sent.formed_at <= (sent.sent_at or sent.formed_at)
    page = list_notifications(told.ctx, told.admin, told.launch, ("SENT", "SEND_ERROR"), ALL)
    assert [n.status for n in page.items] == ["SEND_ERROR", "SENT"]


def test_the_report_holds_what_the_list_shows(told: Told) -> None:
    order = ReportOrder(ReportKind.NOTIFICATIONS, launch_id=told.launch)
    xml = export_report(told.ctx, told.admin, order).xml
    assert xml is not None
    assert validate(parse_text(xml), SCHEMA) == ()
    listed = list_notifications(told.ctx, told.admin, told.launch, (), ALL).items
    records = records_of(xml)
    assert [(r["id"], r["statusTitle"], r.get("errorText")) for r in records] == [
        (str(n.id), n.status_title, n.error_text) for n in listed
    ]
    counted = (total(xml), total(xml, "notificationsFormed"), total(xml, "notificationsSent"))
    assert counted == (3, 2, 1)


def test_the_report_is_cut_by_status_and_by_record_and_comes_as_csv(told: Told) -> None:
    sent = ReportOrder(ReportKind.NOTIFICATIONS, launch_id=told.launch, statuses=("SENT",))
    xml = export_report(told.ctx, told.admin, sent).xml
    assert xml is not None
    assert "Отправлено" in xml
    (record,) = records_of(xml)
    one = ReportOrder(ReportKind.NOTIFICATIONS, launch_id=told.launch, record_id=record["id"])
    assert records_of(export_report(told.ctx, told.admin, one).xml or "") == [record]
    table = ReportOrder(ReportKind.NOTIFICATIONS, ReportFormat.CSV, launch_id=told.launch)
    assert export_report(told.ctx, told.admin, table).download_url is not None
    with pytest.raises(InvalidRequest):
        export_report(
            told.ctx, told.admin, ReportOrder(ReportKind.NOTIFICATIONS, launch_id=told.launch, statuses=("X",))
        )


def test_another_organization_sees_none_of_it(told: Told) -> None:
    assert list_launches(told.ctx, told.other, LaunchFilter("sms"), ALL).items == ()
