"""Packets from submission to verdict, and who repeats what, as a МИС and an administrator see it."""

from __future__ import annotations

import pytest

from tests.support.over_the_wire import SOAP11, SOAP12, Region
from workers.sandbox.switches import Outage


@pytest.mark.parametrize(("version", "number"), [(SOAP11, 1), (SOAP12, 2)])
def test_five_packet_types_are_accepted(region: Region, version: str, number: int) -> None:
    story = region.story(number, version)
    documents = [d for ending in (0, 1, 2) for d in story.case(0, ending=ending).documents()]
    assert set(story.submit(*documents)) == {"ACCEPTED"}
    launch = story.launch()
    assert (launch.result, launch.resultTitle, launch.packetsTotal, launch.packetsWithErrors) == (
        "SUCCESS",
        "Успешно",
        len(documents),
        0,
    )
    packets = story.packets(launch)
    assert {p.status for p in packets} == {"ACCEPTED"}
    assert {p.statusTitle for p in packets} == {"Принят ТФОМС"}
    assert {(p.operation, p.operationTitle, p.direction) for p in packets} == {("Insert", "Добавление", "EXPORT")}
    assert {p.packetTypeTitle for p in packets} == {
        "Направления на госпитализацию",
        "Отмена направления на госпитализацию",
        "Информация о госпитализации",
        "Отказ от госпитализации",
        "Движение пациента в стационаре",
    }


def test_data_and_answer_of_a_packet_are_shown_field_by_field(region: Region) -> None:
    story = region.story(3)
    story.submit(story.case(0).referral())
    packet = story.only_packet(story.launch())
    data = story.admin.journal.GetPacketData(packetId=packet.id)
    answer = story.admin.journal.GetPacketAnswer(packetId=packet.id)
    assert len(data.raw) == packet.dataSize
    assert len(answer.raw) == packet.answerSize
    assert ("NOM_NAP", story.case(0).referral_number) in {(f.tag, f.value) for f in data.fields.field}
    assert "RESULT" in {f.tag for f in answer.fields.field}
    assert (data.mediaType, data.fieldsTruncated) == ("application/xml", False)
    assert packet.id.lower() in data.xml.lower()


def test_a_form_error_waits_until_the_source_is_mended(region: Region) -> None:
    story = region.story(4)
    spoilt = story.case(0).referral().changed(b"<DTA_PLN>2026", b"<DTA_PLN>2020")
    story.submit(spoilt)
    launch = story.launch()
    packet = story.only_packet(launch)
    assert (packet.status, packet.statusTitle, launch.packetsWithErrors) == ("FORM_ERROR", "Ошибка формирования", 1)
    told = "320: «Плановая дата госпитализации»: раньше даты направления (/Referral/DTA_PLN, строка "
    assert packet.resultText.startswith(told)
    assert story.packets(story.launch()) == []
    assert story.submit(spoilt.changed(b"<DTA_PLN>2020", b"<DTA_PLN>2026")) == ["ACCEPTED"]
    mended = story.only_packet(story.launch())
    assert (mended.status, mended.operation) == ("ACCEPTED", "Insert")
    assert mended.id != packet.id


def test_a_rejected_object_is_repeated_when_changed_or_released(region: Region) -> None:
    story = region.story(5)
    case = story.case(0)
    policy = f"{case.number:03d}</NPOLIS>".encode()
    closed = case.referral().changed(policy, b"000</NPOLIS>")
    story.submit(closed)
    rejected = story.only_packet(story.launch())
    assert (rejected.status, rejected.statusTitle) == ("REJECTED", "Отклонен ТФОМС")
    assert "Полис закрыт" in rejected.resultText
    assert story.packets(story.launch()) == []

    story.hold(rejected)
    (outcome,) = story.release(rejected)
    assert outcome.done
    released = story.only_packet(story.launch())
    assert (released.status, released.objectId) == ("REJECTED", rejected.objectId)
    assert released.id != rejected.id
    assert story.packets(story.launch()) == []

    story.submit(closed.changed(b"000</NPOLIS>", policy))
    accepted = story.only_packet(story.launch())
    assert (accepted.status, accepted.operation) == ("ACCEPTED", "Insert")


def test_a_send_error_is_repeated_under_its_own_id(region: Region) -> None:
    story = region.story(6)
    story.submit(story.case(0).referral())
    region.sandbox.switches.update({"outage": Outage.REFUSE})
    try:
        failed = story.launch()
    finally:
        region.sandbox.switches.reset()
    packet = story.only_packet(failed)
    assert (failed.result, failed.resultTitle) == ("FAILED", "Завершено с ошибкой")
    assert failed.resultText.startswith("ТФОМС недоступен, ждут отправки: 0")
    assert (packet.status, packet.attempts, failed.packetsWithErrors) == ("SEND_ERROR", 3, 1)

    again = story.launch()
    assert (again.result, again.packetsTotal) == ("SUCCESS", 0)
    (sent,) = story.packets(failed)
    assert (sent.id, sent.status, sent.attempts) == (packet.id, "ACCEPTED", 4)
    assert story.admin.journal.GetLaunch(launchId=failed.id).packetsWithErrors == 0
    (entry,) = [entry for entry in region.sandbox.ledger() if entry.id == packet.id]
    assert entry.receptions == 1


def test_a_held_packet_is_skipped_until_the_ban_is_lifted(region: Region) -> None:
    story = region.story(7)
    story.submit(story.case(0).referral())
    region.sandbox.switches.update({"outage": Outage.REFUSE})
    try:
        failed = story.launch()
    finally:
        region.sandbox.switches.reset()
    packet = story.only_packet(failed)
    assert (packet.held, packet.canHold, packet.canRelease) == (False, True, False)
    assert [(o.done, o.refusal) for o in story.hold(packet)] == [(True, None)]
    held = story.only_packet(failed)
    assert (held.held, held.canHold, held.canRelease) == (True, False, True)
    assert [(o.done, o.refusal) for o in story.hold(packet)] == [
        (False, "Пакет уже имеет признак «Не отправлять пакет»")
    ]
    assert story.packets(failed, held=True)[0].id == packet.id

    story.launch()
    assert story.only_packet(failed).status == "SEND_ERROR"
    assert [o.done for o in story.release(packet)] == [True]
    story.launch()
    assert (story.only_packet(failed).status, story.only_packet(failed).held) == ("ACCEPTED", False)


def test_what_was_accepted_is_updated_and_deleted(region: Region) -> None:
    story = region.story(8)
    referral = story.case(0).referral()
    assert story.submit(referral) == ["ACCEPTED"]
    assert story.only_packet(story.launch()).operation == "Insert"
    assert story.submit(referral) == ["UNCHANGED"]
    assert story.packets(story.launch()) == []

    changed = referral.changed(b"<MPODR_STC>21<", b"<MPODR_STC>22<")
    assert story.submit(changed) == ["ACCEPTED"]
    update = story.only_packet(story.launch())
    assert (update.operation, update.operationTitle, update.status) == ("Update", "Изменение", "ACCEPTED")

    assert story.submit(referral) == ["UNCHANGED"], "older than what is kept"
    assert story.submit(changed.removed()) == ["ACCEPTED"]
    removal = story.only_packet(story.launch())
    assert (removal.operation, removal.operationTitle, removal.status) == ("Delete", "Удаление", "ACCEPTED")
    assert story.packets(story.launch()) == []
