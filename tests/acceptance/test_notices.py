"""«SMS уведомление о предстоящей диспансеризации» over the wire: the МИС submits, the centre launches and looks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from gateway.domain.roles import Role
from tests.support.running import PASSWORD, add_account, running
from tests.support.telling import Telling, telling
from tests.support.waiting import eventually
from workers.demo.client import Services, sign_in
from workers.demo.parts.notices_data import reminders
from workers.demo.region import ORGANIZATIONS

CLINIC = ORGANIZATIONS[0]


def submit(mis: Services, oid: str, planned_on: date) -> None:
    objects = [
        {
            "objectId": object_id,
            "objectType": kind,
            "changedAt": datetime.now(UTC),
            "deleted": False,
            "content": content.decode(),
        }
        for kind, object_id, content in reminders(CLINIC, planned_on, 7)
    ]
    answer = mis.intake.SubmitObjects(serviceCode="sms", organizationOid=oid, objects={"object": objects})
    assert {outcome.result for outcome in answer.outcome} == {"ACCEPTED"}


def launched(admin: Services) -> Any:
    (launch_id,) = admin.control.StartService(serviceCode="sms").launchId

    def over() -> Any:
        record = admin.journal.GetLaunch(launchId=launch_id)
        return record if record.result != "RUNNING" and record.notificationsSent else None

    return eventually(over, 60, what="the launch ends")


def test_everybody_who_may_be_told_is_told(engine: Engine, database_url: str) -> None:
    with telling(engine, database_url) as house:
        oid = _furnish(engine, house)
        with running(database_url, house.services) as url:
            mis, admin = sign_in(url, "mis", PASSWORD), sign_in(url, "admin", PASSWORD)
            submit(mis, oid, date.today() + timedelta(days=13))  # noqa: DTZ011 # a day, of whatever zone
            record = launched(admin)
            assert (record.result, record.notificationsFormed, record.notificationsSent) == ("SUCCESS", 5, 5)

            def listed() -> dict[str, int]:
                found = admin.journal.ListNotifications(launchId=record.id).notifications.notification
                titles = [each.statusTitle for each in found]
                return {title: titles.count(title) for title in titles}

            eventually(lambda: listed() == {"Доставлено": 5, "Отменено": 2}, 60, what="words of delivery come")
            (first, *_) = admin.journal.ListNotifications(launchId=record.id).notifications.notification
            assert (first.patientName, first.channel) == (f"Образец-{CLINIC.code}-1 Бета Омегович", "SMS")
            order = {"kind": "NOTIFICATIONS", "format": "XML", "launchId": record.id}
            assert "Доставлено" in admin.journal.ExportReport(**order).xml
        assert len(house.smsc.ledger()) == 5


def _furnish(engine: Engine, house: Telling) -> str:
    add_account(engine, "mis", Role.MIS, [house.organization])
    add_account(engine, "admin", Role.DC_ADMIN)
    return "1.2.643.5.1.13.13.12.2.99.7"
