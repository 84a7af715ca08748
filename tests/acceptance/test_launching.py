"""«Запуск»: one at a time for every МО, repeatable by its key, refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from zeep.exceptions import Fault

from tests.support.over_the_wire import SERVICE, SOAP11, SOAP12, Region, Story, code_of, message_of

BUSY = ("CONFLICT", "Сервис уже выполняется")


@pytest.fixture
def slow_peer(region: Region) -> Iterator[None]:
    """Verdicts take their time, so that a launch is seen while it runs."""
    region.sandbox.switches.update({"answer_delay_s": 3.0})
    yield
    region.sandbox.switches.reset()


def refused(story: Story, *oids: str, **given: str) -> tuple[str, str]:
    """Code and message of the refusal of a start."""
    with pytest.raises(Fault) as caught:
        story.admin.control.StartService(serviceCode=SERVICE, organizationOids={"organizationOid": list(oids)}, **given)
    return code_of(caught.value), message_of(caught.value)


@pytest.mark.usefixtures("slow_peer")
@pytest.mark.parametrize(("version", "one", "other"), [(SOAP11, 9, 10), (SOAP12, 11, 12)])
def test_a_second_launch_waits_only_where_it_meets_the_first(
    region: Region, version: str, one: int, other: int
) -> None:
    busy, free = region.story(one, version), region.story(other, version)
    busy.submit(busy.case(0).referral())
    running = busy.start()
    assert refused(busy, busy.oid) == BUSY
    assert refused(busy, free.oid, busy.oid) == BUSY
    with pytest.raises(Fault) as over_all:
        busy.admin.control.StartService(serviceCode=SERVICE)
    assert (code_of(over_all.value), message_of(over_all.value)) == BUSY

    choice = {o.oid: o for o in busy.admin.journal.ListOrganizations(serviceCode=SERVICE).organizations.organization}
    assert (choice[busy.oid].startAllowed, choice[busy.oid].startRefusal) == (False, BUSY[1])
    assert (choice[free.oid].startAllowed, choice[free.oid].startRefusal) == (True, None)
    listed = busy.admin.journal.ListServices(groupCode="tfoms").services.service
    service = next(service for service in listed if service.code == SERVICE)
    assert (service.startAllowed, service.startRefusal) == (False, BUSY[1])

    parallel = free.launch()
    assert parallel.result == "SUCCESS"
    record = busy.admin.journal.GetLaunch(launchId=running)
    assert (record.result, record.resultTitle, record.finishedAt) == ("RUNNING", "Выполняется", None)
    assert busy.wait(running).result == "SUCCESS"
    assert busy.only_packet(record).status == "ACCEPTED"


def test_the_same_request_starts_once(region: Region) -> None:
    story, other = region.story(13), region.story(14)
    asked = {"serviceCode": SERVICE, "organizationOids": {"organizationOid": [story.oid]}, "requestId": "repeat-13"}
    first = story.mis.control.StartService(**asked).launchId
    assert story.mis.control.StartService(**asked).launchId == first
    story.wait(first[0])
    assert story.mis.control.StartService(**asked).launchId == first, "also when it is over"

    with pytest.raises(Fault) as caught:
        story.mis.control.StartService(**(asked | {"organizationOids": {"organizationOid": [other.oid]}}))
    assert (code_of(caught.value), message_of(caught.value)) == (
        "CONFLICT",
        "requestId уже использован для другого запроса",
    )
    admins = story.admin.control.StartService(**asked).launchId
    assert admins != first, "the key is the account's own"
    story.wait(admins[0])


def test_a_key_of_one_person_does_not_open_the_launches_of_another(region: Region) -> None:
    story = region.story(15)
    asked = {"serviceCode": SERVICE, "organizationOids": {"organizationOid": [story.oid]}, "requestId": "repeat-15"}
    actor = {"login": "операторА", "role": "mo_admin", "organizationOid": story.oid}
    launch_id = story.mis.control.StartService(**asked, actor=actor).launchId[0]
    assert story.wait(launch_id).startedBy == "mis (для операторА)"
    with pytest.raises(Fault) as caught:
        story.mis.control.StartService(**asked, actor=actor | {"login": "операторБ"})
    assert code_of(caught.value) == "CONFLICT"


def test_what_cannot_be_started_says_why(region: Region) -> None:
    story = region.story(16)
    assert refused(story, "1.2.643.99.99")[0] == "NOT_FOUND"
    for asked, code, message in (
        ("no-such-service", "NOT_FOUND", "Сервис не найден: проверьте код сервиса в ответе ListServices"),
        ("tfoms", "CONFLICT", "Группа сервисов не запускается: выберите сервис группы"),
    ):
        with pytest.raises(Fault) as caught:
            story.admin.control.StartService(serviceCode=asked)
        assert (code_of(caught.value), message_of(caught.value)) == (code, message)
    with pytest.raises(Fault) as caught:
        region.sign_in("other-mis").control.StartService(
            serviceCode=SERVICE, actor={"login": "кто-то", "role": "dc_admin", "organizationOid": None}
        )
    assert code_of(caught.value) == "NOT_ALLOWED"
