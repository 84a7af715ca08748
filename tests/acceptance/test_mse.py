"""A referral to МСЭ and its back ticket, as a МИС and an administrator see them over SOAP; files go over FTPS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from gateway.domain.roles import Role
from gateway.journal import registry
from tests.support.bureau import bureau, settings
from tests.support.mse import EXPORT, FIRST, IMPORT, SLUG
from tests.support.running import PASSWORD, add_account, running
from tests.support.waiting import eventually
from workers.demo.client import Services, sign_in
from workers.demo.parts.mse_data import Made, patients, referrals
from workers.sandbox.mse import MseSandbox


@dataclass
class Exchange:
    """The running gateway, its peer, and its two callers."""

    sandbox: MseSandbox
    mis: Services
    admin: Services

    def submit(self, service: str, made: Made) -> None:
        kind, object_id, content = made
        moment = datetime.now(UTC)
        given = {"objectId": object_id, "objectType": kind, "changedAt": moment, "deleted": False}
        objects = {"object": [{**given, "content": content.decode()}]}
        answer = self.mis.intake.SubmitObjects(serviceCode=service, organizationOid=FIRST.oid, objects=objects)
        assert [outcome.result for outcome in answer.outcome] == ["ACCEPTED"]

    def launch(self, service: str) -> Any:
        """«Запуск» by the administrator, to its end."""
        (launch_id,) = self.admin.control.StartService(serviceCode=service).launchId
        get = self.admin.journal.GetLaunch
        return eventually(lambda: _ended(get(launchId=launch_id)), 60, what="the launch ends", poll_s=0.2)

    def only_packet(self, launch: Any) -> Any:
        (packet,) = self.admin.journal.ListPackets(launchId=launch.id).packets.packet
        return packet


def _ended(launch: Any) -> Any:
    return None if launch.result == "RUNNING" else launch


@pytest.fixture
def exchange(engine: Engine, database_url: str) -> Iterator[Exchange]:
    with engine.begin() as connection:
        place = registry.put_organization(connection, FIRST.oid, FIRST.name, {"ogrn": FIRST.ogrn})
    add_account(engine, "mis", Role.MIS, [place])
    add_account(engine, "centre", Role.DC_ADMIN)
    with bureau("ftps") as sandbox, running(database_url, {SLUG: settings(sandbox, "ftps")}) as url:
        yield Exchange(sandbox, sign_in(url, "mis", PASSWORD), sign_in(url, "centre", PASSWORD))


def test_a_referral_leaves_and_its_ticket_reaches_the_mis(exchange: Exchange) -> None:
    exchange.submit(EXPORT, next(referrals(FIRST, 1, sound=True)))
    exchange.submit(IMPORT, next(patients(FIRST, 1)))
    exported = exchange.launch(EXPORT)
    assert (exported.result, exported.resultTitle) == ("SUCCESS", "Успешно")
    packet = exchange.only_packet(exported)
    assert (packet.packetTypeTitle, packet.statusTitle, packet.objectId) == ("Направление на МСЭ", "Выгружен", "mse-1")
    fields = exchange.admin.journal.GetPacketData(packetId=packet.id).fields.field
    (g_code,) = (f.value for f in fields if f.tag == "G_Code")
    eventually(lambda: exchange.sandbox.referrals().get(g_code), 20, what="the ticket is laid out")

    ticket = exchange.only_packet(exchange.launch(IMPORT))
    assert (ticket.direction, ticket.statusTitle, ticket.objectId) == ("IMPORT", "Импортирован", "mse-1")
    assert ticket.resultText == "Обратный талон успешно импортирован"
    (document,) = exchange.mis.intake.TakeInbound(serviceCode=IMPORT, limit=10).document
    assert (document.documentType, document.organizationOid) == ("LpuTicket", FIRST.oid)
    assert g_code in document.content
    trail = exchange.admin.journal.GetJournal(messageId=packet.id, findRelated=True)
    assert {each.id for each in trail.packets.packet} == {packet.id, ticket.id}


def test_the_logs_have_the_columns_that_operators_know(exchange: Exchange) -> None:
    services = {s.code: s for s in exchange.admin.journal.ListServices().services.service}
    assert services[EXPORT].title == "Экспорт направлений на МСЭ в ФБ МСЭ"
    assert services[IMPORT].title == "Импорт обратных талонов из ФБ МСЭ"
    for code in (EXPORT, IMPORT):
        columns = services[code].launchColumns.column
        assert [column.title for column in columns] == ["Запуск", "Завершение", "Результат"]
