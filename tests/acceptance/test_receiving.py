"""Changes of insurance, from ТФОМС to the МИС, as an administrator and a МИС see them over SOAP."""

from __future__ import annotations

from typing import Any

import pytest
from zeep.exceptions import Fault

from tests.support.over_the_wire import Region, Story, code_of

INSURANCE = "tfoms-insurance"


def launch(story: Story) -> Any:
    """«Запуск» of the service, which has no choice of МО, to its end."""
    answer = story.admin.control.StartService(serviceCode=INSURANCE)
    return story.wait(str(answer.launchId[0]))


def inbound(story: Story) -> list[Any]:
    """What waits for the МИС from this service, of the МО of this story."""
    answer = story.mis.intake.TakeInbound(serviceCode=INSURANCE, limit=100)
    documents = answer.document if answer else []
    return [d for d in documents if d.organizationOid == story.oid]


def test_a_change_of_insurance_is_received_answered_and_taken_by_the_mis(region: Region) -> None:
    story = region.story(19)
    (message_id,) = region.sandbox.queue_inbound(story.organization.code)
    done = launch(story)
    assert (done.result, done.packetsTotal, done.packetsWithErrors) == ("SUCCESS", 1, 0)
    packet = story.only_packet(done)
    assert (packet.direction, packet.status, packet.statusTitle) == ("IMPORT", "PROCESSED", "Обработан")
    assert (packet.packetTypeTitle, packet.operationTitle) == ("Изменение страховых данных", "Добавление")
    assert (packet.canHold, packet.canRelease, packet.organizationOid) == (False, False, story.oid)
    data = story.admin.journal.GetPacketData(packetId=packet.id)
    assert [f.value for f in data.fields.field if f.tag == "ID"] == [message_id]
    answer = story.admin.journal.GetPacketAnswer(packetId=packet.id)
    assert {f.tag: f.value for f in answer.fields.field}["RESULT"] == "OK"
    (document,) = inbound(story)
    assert (document.documentType, document.serviceCode) == ("PERSCHANGE", INSURANCE)
    assert message_id in document.content
    (outcome,) = story.mis.intake.ConfirmInbound(ids={"id": [document.id]}, accepted=True).outcome
    assert outcome.done
    assert inbound(story) == []
    assert launch(story).packetsTotal == 0


def test_what_concerns_no_organization_of_ours_is_seen_by_the_administrator_alone(region: Region) -> None:
    story = region.story(20)
    region.sandbox.queue_inbound("990001")
    done = launch(story)
    packet = story.only_packet(done)
    assert (packet.status, packet.statusTitle, packet.organizationOid) == ("REFUSED", "Отклонен нами", None)
    assert packet.resultText.startswith("101: «Код МО»")
    assert "/PERSCHANGE/ZGLV/CODE_MO" in packet.resultText
    with pytest.raises(Fault) as refused:
        story.mis.journal.GetPacketData(packetId=packet.id)
    assert code_of(refused.value) == "NOT_FOUND"
    assert done.packetsTotal == 1
