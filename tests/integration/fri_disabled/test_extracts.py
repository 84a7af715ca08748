"""Extracts of ФГИС ФРИ: asked for once, given to whoever asked and to nobody else, replaced when they change."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.domain.roles import Account, Role, Viewer
from gateway.operations import inbox
from tests.support.fri_disabled import FIRST, SECOND, THIRD, FriHouse
from workers.demo.parts.fri_disabled_data import asked_for, extract, person_snils
from workers.exchanges.fri_disabled.receive import DONE, NOT_FOUND, OUTDATED, REPLACED
from workers.sandbox.switches import Malformation, Outage

EXTRACT, REQUEST = "FRI_EXTRACT", "FRI_REQUEST"
CAME = (EXTRACT, "Insert", "PROCESSED", DONE)
CHANGED = (EXTRACT, "Update", "PROCESSED", REPLACED)
LATER = "2026-03-05T10:00:00+03:00"


def digits(numbers: Sequence[int]) -> list[str]:
    return [person_snils(number).replace("-", "").replace(" ", "") for number in numbers]


def known(house: FriHouse, count: int) -> None:
    """Let the register know so many people."""
    for number in range(count):
        house.sandbox.put(extract(number))


def test_every_person_is_asked_for_once_and_its_extract_kept_byte_for_byte(house: FriHouse) -> None:
    known(house, 7)
    house.submit(FIRST, [asked_for(number) for number in range(7)])
    for _ in range(2):
        assert house.launch() == ("SUCCESS", None)
    assert house.asked() == digits(range(7))
    assert house.packets(FIRST) == [CAME] * 7
    assert house.data(FIRST) == [extract(number) for number in range(7)]
    documents = house.take(FIRST)
    assert [(d.document_type, d.organization_oid) for d in documents] == [("FriInvalidExtract", FIRST)] * 7
    assert person_snils(0) in documents[0].content
    linked = house.rows("SELECT object_id FROM packets ORDER BY id")
    assert [r.object_id for r in linked] == [f"person-{number}" for number in range(7)]


def test_a_person_of_two_organisations_goes_to_each_and_to_no_third(house: FriHouse) -> None:
    known(house, 2)
    house.submit(FIRST, [asked_for(0)])
    house.submit(SECOND, [asked_for(0), asked_for(1)])
    house.launch()
    house.sandbox.put(extract(0, group=1, made=LATER))
    house.launch()
    assert house.packets(FIRST) == [CAME, CHANGED]
    assert house.packets(SECOND) == [CAME, CAME, CHANGED]
    assert house.packets(THIRD) == house.packets(None) == house.take(THIRD) == []
    assert len(house.take(FIRST)) == 1
    assert len(house.take(SECOND)) == 2


def test_a_changed_extract_supersedes_what_was_not_taken_and_what_was(house: FriHouse) -> None:
    known(house, 2)
    house.submit(FIRST, [asked_for(0), asked_for(1)])
    house.launch()
    former = {d.id for d in house.take(FIRST)}
    for number, made in enumerate((LATER, "2026-03-06T10:00:00+03:00"), 1):
        house.sandbox.put(extract(0, group=number, made=made))
    house.launch()
    assert house.packets(FIRST) == [CAME, CAME, CHANGED, CHANGED]
    offered = house.take(FIRST)
    assert len(offered) == 2
    assert [">2<" in d.content for d in offered if d.id not in former] == [True]
    old = house.rows(
        "SELECT d.id, n.packet_id FROM inbound_documents d JOIN inbound_documents n"
        " ON n.id = d.superseded_by ORDER BY d.id"
    )
    assert len(old) == 2
    outcomes = inbox.confirm_inbound(house.context, house.viewer(FIRST), [old[0].id], True, None)
    assert [outcome.done for outcome in outcomes] == [True]


def test_an_unchanged_extract_is_journaled_once_however_often_it_comes(house: FriHouse) -> None:
    known(house, 1)
    house.submit(FIRST, [asked_for(0)])
    house.launch()
    house.sandbox.put(extract(0, made=LATER, copy=2))
    house.launch()
    house.submit(FIRST, [asked_for(0, person_snils(0).replace("-", "").replace(" ", ""))])
    house.launch()
    assert house.asked() == digits([0, 0])
    assert house.packets(FIRST) == [CAME]


def test_what_changes_back_is_told_again(house: FriHouse) -> None:
    known(house, 1)
    house.submit(FIRST, [asked_for(0)])
    house.launch()
    for group, made in ((1, LATER), (3, "2026-03-07T10:00:00+03:00")):
        house.sandbox.put(extract(0, group=group, made=made))
        house.launch()
    assert house.packets(FIRST) == [CAME, CHANGED, CHANGED]
    assert len(house.take(FIRST)) == 1


def test_an_extract_older_than_the_one_at_hand_is_journaled_and_not_offered(house: FriHouse) -> None:
    house.sandbox.put(extract(0, made=LATER))
    house.submit(FIRST, [asked_for(0)])
    house.launch()
    house.sandbox.tell(extract(0, group=1))
    house.launch()
    assert house.packets(FIRST) == [CAME, (EXTRACT, "Update", "PROCESSED", OUTDATED)]
    assert [">3<" in d.content for d in house.take(FIRST)] == [True]


def test_of_people_nobody_asked_for_nothing_is_kept(house: FriHouse) -> None:
    house.launch()
    known(house, 5)
    assert house.launch() == ("SUCCESS", None)
    assert house.rows("SELECT 1 FROM packets") == house.rows("SELECT 1 FROM received_documents") == []


def test_a_person_whom_the_register_does_not_know_is_told_and_comes_when_it_does(house: FriHouse) -> None:
    house.submit(FIRST, [asked_for(0)])
    for _ in range(2):
        assert house.launch() == ("SUCCESS", None)
    assert house.packets(FIRST) == [(REQUEST, "Insert", "PROCESSED", NOT_FOUND)]
    assert digits([0])[0].encode() in house.data(FIRST)[0]
    assert house.asked() == digits([0])
    known(house, 1)
    house.launch()
    assert house.packets(FIRST)[1:] == [CAME]


def test_a_removed_object_is_asked_for_no_more_and_hears_of_no_change(house: FriHouse) -> None:
    known(house, 1)
    house.submit(FIRST, [asked_for(0)])
    house.launch()
    removed = asked_for(0)
    assert house.submit(FIRST, [type(removed)(removed.object_type, removed.object_id, None)]) == ["ACCEPTED"]
    house.sandbox.put(extract(0, group=1, made=LATER))
    assert house.launch() == ("SUCCESS", None)
    assert house.packets(FIRST) == [CAME]


@pytest.mark.parametrize("malformation", list(Malformation))
def test_a_spoilt_extract_is_told_harms_nobody_and_is_asked_for_again(
    house: FriHouse, malformation: Malformation
) -> None:
    known(house, 3)
    house.submit(FIRST, [asked_for(number) for number in range(3)])
    house.sandbox.switches.update({"malformed_answer_next": 1, "malformation": malformation})
    assert house.launch() == ("SUCCESS", "остаются без ответа: 1")
    ((kind, _, status, told),) = house.packets(None)
    assert (kind, status) == (EXTRACT, "REFUSED")
    assert told
    assert [p[:3] for p in house.packets(FIRST)] == [(REQUEST, "Insert", "REFUSED"), CAME[:3], CAME[:3]]
    assert "не соответствует схеме" in house.packets(FIRST)[0][3]
    assert house.launch() == ("SUCCESS", None)
    assert house.packets(FIRST)[3:] == [CAME]


def test_an_extract_of_somebody_else_is_seen_by_no_organisation(house: FriHouse) -> None:
    known(house, 2)
    house.submit(FIRST, [asked_for(0)])
    house.sandbox.switches.update({"wrong_person_next": 2})
    for _ in range(2):
        assert house.launch() == ("SUCCESS", "остаются без ответа: 1")
    assert house.data(None) == [extract(1)]
    (mine,) = house.data(FIRST)
    assert digits([1])[0].encode() not in mine
    assert house.packets(FIRST)[0][3].startswith("ФГИС ФРИ прислала выписку, которую нельзя принять: она о другом")
    assert house.take(FIRST) == []


@pytest.mark.parametrize(("snils", "told"), [("112-233-445 99", "контрольное число"), ("", "не указан")])
def test_what_cannot_be_asked_for_is_told_once_and_bars_nobody(house: FriHouse, snils: str, told: str) -> None:
    known(house, 2)
    assert house.submit(FIRST, [asked_for(0, snils), asked_for(1)]) == ["ACCEPTED"] * 2
    for _ in range(2):
        assert house.launch() == ("SUCCESS", "остаются без ответа: 1")
    assert house.asked() == digits([1])
    (refused, came) = house.packets(FIRST)
    assert refused[:3] == (REQUEST, "Insert", "REFUSED")
    assert told in refused[3]
    assert came == CAME


def test_a_peer_that_is_down_fails_the_launch_and_loses_nothing(house: FriHouse) -> None:
    known(house, 3)
    house.submit(FIRST, [asked_for(number) for number in range(3)])
    house.sandbox.switches.update({"outage": Outage.REFUSE})
    assert house.launch() == ("FAILED", "ФГИС ФРИ недоступен, остаются без ответа: 3")
    house.sandbox.switches.update({"outage": Outage.FAULT})
    assert house.launch()[0] == "FAILED"
    house.sandbox.switches.reset()
    result, told = house.launch(password="чужой")
    assert (result, "учётные данные" in (told or "")) == ("FAILED", True)
    assert house.packets(FIRST) == []
    house.sandbox.switches.update({"take_and_drop_next": 1, "drop_before_next": 1})
    assert house.launch() == ("SUCCESS", None)
    assert house.packets(FIRST) == [CAME] * 3


def test_no_operation_shows_a_packet_of_another_organisation(house: FriHouse) -> None:
    known(house, 1)
    house.submit(FIRST, [asked_for(0)])
    house.launch()
    (document,) = house.take(FIRST)
    stranger = Viewer(Account(2, "foreign", Role.MIS, frozenset({house.organizations[SECOND]})))
    assert inbox.take_inbound(house.context, stranger, None, 10) == ()
    outcomes = inbox.confirm_inbound(house.context, stranger, [document.id], True, None)
    assert [outcome.done for outcome in outcomes] == [False]
    assert len(house.take(FIRST)) == 1
