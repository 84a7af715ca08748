"""«Сервис рассылки уведомлений в образовательные учреждения» over SOAP at both ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from gateway.domain.roles import Role
from tests.support.running import PASSWORD, add_account, add_organizations, running
from workers import exchanges
from workers.demo.client import Services, all_packets, sign_in, start, submit, watch
from workers.demo.region import Document
from workers.sandbox.edu import EduSandbox

SAMPLES = Path(exchanges.__path__[0]) / "edu" / "samples"
OID = "1.2.643.5.1.13.13.12.2.99.1"


@dataclass
class House:
    """A running gateway, its callers, and the stand-in school service."""

    sandbox: EduSandbox
    mis: Services
    admin: Services

    def submit(self, object_id: str, content: bytes) -> None:
        outcomes = submit(self.mis, "edu", OID, [Document("EduEvent", object_id, content)])
        assert [outcome.result for outcome in outcomes] == ["ACCEPTED"]

    def launch(self) -> tuple[Any, list[Any]]:
        (launch_id,) = start(self.admin, "edu")
        return watch(self.admin, launch_id, lambda _: None), all_packets(self.admin, launch_id)


@pytest.fixture
def house(engine: Engine, database_url: str) -> Iterator[House]:
    ids = add_organizations(engine, [(OID, "Северная учебная больница", "990001")])
    add_account(engine, "mis", Role.MIS, list(ids.values()))
    add_account(engine, "admin", Role.DC_ADMIN)
    sandbox = EduSandbox()
    settings = {"address": sandbox.start(username="gateway", password="invented"), "username": "gateway"}
    with running(database_url, {"edu": {**settings, "password": "invented"}}) as url:
        yield House(sandbox, sign_in(url, "mis", PASSWORD), sign_in(url, "admin", PASSWORD))
    sandbox.stop()


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def test_each_notification_has_its_receipt_and_nobody_hears_what_may_not_be_told(house: House) -> None:
    house.submit("well", sample("valid/illness.xml"))
    house.submit("stranger", sample("valid/exemption.xml").replace(b"1023400000017", b"1023400000099"))
    house.submit("secret", sample("invalid/diagnosis.xml"))
    record, packets = house.launch()
    found = {packet.objectId: packet for packet in packets}
    assert {name: packet.status for name, packet in found.items()} == {
        "well": "ACCEPTED",
        "stranger": "REJECTED",
        "secret": "FORM_ERROR",
    }
    assert found["stranger"].resultText == "EDU_ORG_UNKNOWN: Образовательная организация не найдена."
    assert "врачебную тайну" in found["secret"].resultText
    assert (record.result, record.packetsTotal, record.packetsWithErrors) == ("SUCCESS", 3, 2)
    assert {entry.id for entry in house.sandbox.ledger()} == {found["well"].id, found["stranger"].id}


def test_a_receipt_that_never_came_is_asked_for_with_the_same_notification(house: House) -> None:
    house.submit("lost", sample("valid/illness.xml"))
    house.sandbox.switches.update({"take_and_drop_next": 1})
    _, packets = house.launch()
    (entry,) = house.sandbox.ledger()
    assert [(packet.id, packet.status, packet.attempts) for packet in packets] == [(entry.id, "ACCEPTED", 2)]
    assert entry.receptions == 2


def test_a_changed_event_is_a_new_notification(house: House) -> None:
    house.submit("event", sample("valid/illness.xml"))
    _, (first,) = house.launch()
    replaces = f"<Replaces>{first.id}</Replaces></EduEvent>".encode()
    house.submit("event", sample("valid/illness.xml").replace(b"03-09", b"03-11").replace(b"</EduEvent>", replaces))
    _, (second,) = house.launch()
    assert (second.operation, second.status) == ("Update", "ACCEPTED")
    content = house.admin.journal.GetPacketData(packetId=second.id)
    assert {field.tag: field.value for field in content.fields.field}["Replaces"] == first.id
