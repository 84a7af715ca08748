"""Sessions with ФРМР against the stand-in register: whole, with faulty workers, with troubles, with what is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from tests.support.frm import OID, House, changed, facts, house
from workers.demo.parts import frm_data
from workers.runs.surroundings import Point

ABOUT = "МО: Учебная больница 1, Работник: p-00000{}"
LEFT = "МИС больше не подаёт запись, которую ФРМР хранил и до передачи: запись осталась, лишнюю удалите в ФРМР"
NEW_WORKER = {"mr_person.create": 1, "mr_card.create": 1, "mr_education_prof.create": 1}


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine) as furnished:
        yield furnished


def times(number: int) -> dict[str, int]:
    return {operation: times * number for operation, times in NEW_WORKER.items()}


def without_education(number: int) -> frm_data.Submitted:
    kind, object_id, content = changed(number)
    head, _, rest = content.partition(b"<educationProf>")
    return kind, object_id, head + rest.partition(b"</educationProf>")[2]


def test_workers_unknown_to_the_register_are_created_with_all_they_have(home: House) -> None:
    home.submit(frm_data.persons(OID, 3), "frmr")
    launch = home.run("frmr")
    assert home.result(launch) == ("SUCCESS", "Работников передано и сверено: 3")
    assert home.events(launch) == ["60", "80", "70"]
    assert facts(home.sandbox) == times(3)
    assert len(home.packets(launch, reads=True)) == 3 * (1 + len(NEW_WORKER))
    assert home.scalar("SELECT last_success_at FROM service_organizations") is not None


def test_a_worker_who_did_not_change_is_not_even_read(home: House) -> None:
    home.submit(frm_data.persons(OID, 3), "frmr")
    home.run("frmr")
    home.submit([changed(2, ("Учебный", "Образцовый"))], "frmr")
    launch = home.run("frmr")
    assert home.packets(launch, reads=True) == [
        ("mr_person_full.read", "p-000002", "ACCEPTED"),
        ("mr_person.update", "p-000002", "ACCEPTED"),
    ]


def test_only_the_section_that_differs_is_sent(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.run("frmr")
    dismissed = (
        "</beginDate></personCardItem>",
        "</beginDate><endDate>2026-03-01T00:00:00Z</endDate></personCardItem>",
    )
    home.submit([changed(1, dismissed, ("<rate>1</rate>", "<rate>1.00</rate>"))], "frmr")
    launch = home.run("frmr")
    assert home.packets(launch) == [("mr_card.update", "p-000001", "ACCEPTED")]


def test_a_dismissal_by_mistake_is_taken_back(home: House) -> None:
    dismissed = (
        "</beginDate></personCardItem>",
        "</beginDate><endDate>2026-03-01T00:00:00Z</endDate></personCardItem>",
    )
    home.submit([changed(1, dismissed)], "frmr")
    home.run("frmr")
    home.submit([changed(1)], "frmr")
    assert home.packets(home.run("frmr")) == [("mr_card.update", "p-000001", "ACCEPTED")]
    home.submit([changed(1, ("Учебный", "Образцовый"))], "frmr")
    assert home.packets(home.run("frmr")) == [("mr_person.update", "p-000001", "ACCEPTED")]  # no date is left there


def test_a_corrected_number_of_a_contract_corrects_the_card_and_makes_no_second(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.run("frmr")
    home.submit([changed(1, (">1-У<", ">1-У/20<"), ("2020-01-09T", "2020-01-10T"))], "frmr")
    launch = home.run("frmr")
    assert home.packets(launch) == [("mr_card.update", "p-000001", "ACCEPTED")]
    assert home.packets(home.run("frmr"), reads=True) == []


def test_an_entry_that_the_source_removed_is_deleted(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.run("frmr")
    home.submit([without_education(1)], "frmr")
    launch = home.run("frmr")
    assert home.packets(launch) == [("mr_education_prof.delete", "p-000001", "ACCEPTED")]
    assert home.result(launch)[0] == "SUCCESS"
    assert "educationProf" not in home.scalar("SELECT peer_id FROM source_objects")


def brought_by_another(home: House) -> None:
    """Forget what this journal knows of the register: another МИС had brought it all."""
    with home.engine.begin() as connection:
        connection.execute(text("UPDATE source_objects SET peer_id = NULL, accepted_hash = NULL"))


def test_what_the_register_held_before_is_never_deleted(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.run("frmr")
    brought_by_another(home)
    assert home.packets(home.run("frmr")) == []  # found, each equal to what is submitted
    assert "found.educationProf:" in home.scalar("SELECT peer_id FROM source_objects")
    home.submit([without_education(1)], "frmr")
    launch = home.run("frmr")
    assert home.packets(launch) == []
    assert facts(home.sandbox) == times(1)
    assert home.errors(launch) == [(LEFT, f"{ABOUT.format(1)}, профессиональное образование")]
    assert home.result(launch)[0] == "SUCCESS"
    assert home.errors(home.run("frmr")) == []


def test_what_the_register_held_before_is_corrected_and_not_doubled(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.run("frmr")
    brought_by_another(home)
    home.run("frmr")
    home.submit([changed(1, (">1-У<", ">1-У/20<"))], "frmr")
    assert home.packets(home.run("frmr")) == [("mr_card.update", "p-000001", "ACCEPTED")]


def test_another_contract_for_the_same_post_does_not_overwrite_the_card_that_the_register_held(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.run("frmr")
    brought_by_another(home)
    home.run("frmr")
    home.submit([changed(1, (">1-У<", ">7-У<"), ("2020-01-09T", "2026-01-10T"))], "frmr")
    launch = home.run("frmr")
    assert home.packets(launch) == [("mr_card.create", "p-000001", "ACCEPTED")]
    assert home.errors(launch) == [(LEFT, f"{ABOUT.format(1)}, личное дело")]


def test_what_is_left_is_told_by_the_attempt_that_ends(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.run("frmr")
    brought_by_another(home)
    home.run("frmr")
    kind, object_id, content = without_education(1)
    home.submit([(kind, object_id, content.replace("Учебный".encode(), "Образцовый".encode()))], "frmr")
    launch = home.launch("frmr")
    update = "SELECT 1 FROM packets WHERE packet_type = 'mr_person.update'"
    assert home.die(lambda point: point is Point.SENDING and bool(home.rows(update)))
    home.perform()
    assert home.errors(launch) == [(LEFT, f"{ABOUT.format(1)}, профессиональное образование")]
    home.submit([without_education(1)], "frmr")
    assert home.errors(home.run("frmr")) == []


def written_into_the_card(home: House, **fields: object) -> dict[str, object]:
    """Let somebody else write into the one card that the register holds of the first worker; return all of it."""
    store = home.sandbox._store
    with store.transaction():
        person = store.by_snils("00000000100")
        assert person is not None
        (card,) = store.owned("PersonCard", person["oid"])
        store.put("PersonCard", person["oid"], card["id"], card | fields)
    return card | fields


def test_an_update_of_a_found_card_keeps_what_others_wrote_into_it(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.run("frmr")
    brought_by_another(home)
    before = written_into_the_card(home, personalFileNumber="7-У", services=[{"code": 7}])
    home.submit([changed(1, ("<rate>1</rate>", "<rate>0.5</rate>"))], "frmr")
    assert home.packets(home.run("frmr")) == [("mr_card.update", "p-000001", "ACCEPTED")]
    assert written_into_the_card(home) == before | {"rate": 0.5}


def test_what_others_wrote_against_the_schema_stops_one_worker_and_not_the_session(home: House) -> None:
    home.submit(frm_data.persons(OID, 2), "frmr")
    home.run("frmr")
    brought_by_another(home)
    written_into_the_card(home, seniority="много")
    halved = ("<rate>1</rate>", "<rate>0.5</rate>")
    home.submit([changed(1, halved), changed(2, halved)], "frmr")
    launch = home.run("frmr")
    assert home.packets(launch) == [("mr_card.update", "p-000002", "ACCEPTED")]
    ((message, about),) = home.errors(launch)
    assert "seniority" in message
    assert about == ABOUT.format(1)
    assert home.result(launch) == ("FAILED", "Работников передано и сверено: 1, с ошибками: 1")


def test_what_was_withdrawn_before_anything_was_known_is_not_deleted(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.run("frmr")
    brought_by_another(home)
    home.submit([without_education(1)], "frmr")
    assert home.packets(home.run("frmr")) == []


def documents_of_the_first(home: House, *added: dict[str, object]) -> list[object]:
    """Kinds of the documents that the register holds of the first worker, once another МО has added these."""
    store = home.sandbox._store
    with store.transaction():
        there = store.by_snils("00000000100")
        assert there is not None
        there["documents"] += added
        store.put("Person", "", there["oid"], there)
    return [one.get("documentId") for one in there["documents"]]


def test_an_update_of_the_person_keeps_a_document_that_another_mo_added(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.run("frmr")
    whole = {"documentId": 3, "number": "7", "passDate": "2001-03-01T00:00:00Z", "passOrg": "Выдумано"}
    documents_of_the_first(home, whole)
    home.submit([changed(1, ("<rate>1</rate>", "<rate>0.5</rate>"))], "frmr")
    assert home.packets(home.run("frmr")) == [("mr_card.update", "p-000001", "ACCEPTED")]
    home.submit([changed(1, ("<rate>1</rate>", "<rate>0.5</rate>"), ("Учебный", "Образцовый"))], "frmr")
    assert home.packets(home.run("frmr")) == [("mr_person.update", "p-000001", "ACCEPTED")]
    assert documents_of_the_first(home) == [1, 3]


def test_what_another_mo_wrote_against_the_schema_holds_back_one_worker_and_is_told(home: House) -> None:
    home.submit(frm_data.persons(OID, 2), "frmr")
    home.run("frmr")
    documents_of_the_first(home, {"documentId": 3, "number": "7"})
    home.submit([changed(1, ("Учебный", "Образцовый")), changed(2, ("Учебный", "Образцовый"))], "frmr")
    launch = home.run("frmr")
    assert home.packets(launch) == [("mr_person.update", "p-000002", "ACCEPTED")]
    assert home.result(launch) == ("FAILED", "Работников передано и сверено: 1, с ошибками: 1")
    assert {about for _, about in home.errors(launch)} == {ABOUT.format(1)}
    assert documents_of_the_first(home) == [1, 3]


def test_a_faulty_worker_is_left_out_and_the_others_go_on(home: House) -> None:
    faulty = changed(1, ("<snils>00000000100</snils>", "<snils>11223344500</snils>"), ("<gender>2</gender>", ""))
    twin = changed(3, ("<snils>00000000300</snils>", "<snils>000-000-002 00</snils>"))
    home.submit([faulty, *frm_data.persons(OID, 1, first=2), twin, *frm_data.persons(OID, 1, first=4)], "frmr")
    launch = home.run("frmr")
    assert home.result(launch) == ("FAILED", "Работников передано и сверено: 1, с ошибками: 3")
    assert home.errors(launch) == [
        ("СНИЛС не указан или неверен", ABOUT.format(1)),
        ("Не указан пол", ABOUT.format(1)),
        ("СНИЛС указан у нескольких работников", ABOUT.format(2)),
        ("СНИЛС указан у нескольких работников", ABOUT.format(3)),
    ]
    assert facts(home.sandbox) == times(1)


def test_what_the_schema_lacks_is_an_error_of_the_check(home: House) -> None:
    home.submit(
        [
            changed(
                1,
                ("<contractNumber>1-У</contractNumber>", "<contractNumber>1-У</contractNumber>"),
                ("<organization>Учебная больница</organization>", ""),
            )
        ],
        "frmr",
    )
    launch = home.run("frmr")
    assert home.errors(launch) == [("Наименование МО (organization): обязательное поле не заполнено.", ABOUT.format(1))]
    assert facts(home.sandbox) == {}


def test_snils_with_dashes_finds_the_same_person(home: House) -> None:
    home.submit([changed(1, ("<snils>00000000100</snils>", "<snils>000-000-001 00</snils>"))], "frmr")
    home.run("frmr")
    home.submit([changed(1, ("Учебный", "Образцовый"))], "frmr")
    home.run("frmr")
    assert facts(home.sandbox) == {**times(1), "mr_person.update": 1}


def test_a_refused_worker_is_told_and_tried_by_the_next_launch(home: House) -> None:
    home.submit(frm_data.persons(OID, 2), "frmr")
    home.sandbox.switches.update({"refuse_next": 2})  # the first reading and the second
    launch = home.run("frmr")
    assert home.result(launch) == ("FAILED", "Работников передано и сверено: 0, с ошибками: 2")
    told = "ФРМР не отдал сведения о работнике: причина указана в «Результате» пакета"
    assert home.errors(launch) == [(told, ABOUT.format(1)), (told, ABOUT.format(2))]
    assert home.run("frmr") != launch
    assert facts(home.sandbox) == times(2)


def test_a_card_under_the_oid_of_another_mo_is_refused_by_the_register(home: House) -> None:
    home.submit([changed(1, (f"<oid>{OID}</oid>", f"<oid>{OID[:-1]}9</oid>"))], "frmr")
    launch = home.run("frmr")
    assert home.result(launch) == ("FAILED", "Работников передано и сверено: 0, с ошибками: 1")
    told = "ФРМР не принял сведения о работнике: причина указана в «Результате» пакета"
    assert home.errors(launch) == [(told, ABOUT.format(1))]
    assert ("mr_card.create", "p-000001", "REJECTED") in home.packets(launch)
    assert "mr_card.create" not in facts(home.sandbox)


@pytest.mark.parametrize(
    "trouble",
    [{"take_and_drop_next": 1}, {"take_and_drop_next": 4}, {"drop_before_next": 2}, {"failing_next": 2}],
    ids=lambda trouble: next(iter(trouble)),
)
def test_whatever_breaks_on_the_way_nobody_is_created_twice(home: House, trouble: dict[str, int]) -> None:
    home.submit(frm_data.persons(OID, 3), "frmr")
    home.sandbox.switches.update(trouble)
    launch = home.run("frmr")
    assert home.result(launch)[0] == "SUCCESS"
    assert home.sandbox.created_twice() == ()
    assert facts(home.sandbox) == times(3)
    assert home.rows("SELECT 1 FROM packets WHERE status IN ('SENDING', 'IN_DOUBT')") == []


def test_no_log_and_no_object_names_a_person(home: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    home.submit([replace_name(one) for one in frm_data.persons(OID, 2)], "frmr")
    home.sandbox.switches.update({"refuse_next": 1, "take_and_drop_next": 1})
    home.run("frmr")
    told = home.rows("SELECT concat_ws(' ', title, about) AS told FROM session_events")
    told += home.rows("SELECT concat_ws(' ', stage, message, about) AS told FROM session_errors")
    for words in (*caplog.messages, *(row.told for row in told)):
        assert "Небывалов" not in words
        assert "00000000100" not in words


def replace_name(one: frm_data.Submitted) -> frm_data.Submitted:
    kind, object_id, content = one
    return kind, object_id, content.replace("Учебный".encode(), "Небывалов".encode())


def test_a_session_that_finds_nothing_to_send_is_a_successful_export(home: House) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.run("frmr")
    date = "SELECT last_success_at FROM service_organizations"
    before = home.scalar(date)
    assert home.packets(home.run("frmr")) == []
    assert home.scalar(date) > before
