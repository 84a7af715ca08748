"""Sessions with ФРМО against the stand-in register: whole, stopped at the check, with every trouble of the peer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.support.frm import OID, House, facts, house
from workers.demo.parts import frm_data
from workers.sandbox.ips import BY_SWITCH

NAME = "МО: Учебная больница 1"
UNREAD = "ФРМО не отдал сведения: причина указана в «Результате» пакета"
LOST = "Не передано: ФРМО не принял запись, на которую ссылается эта"
UNKNOWN = "В ФРМО нет записи с идентификатором, который указан в МИС, или запись передана под другим"
READING = ["1", "3", "8", "13", "20"]


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine) as furnished:
        yield furnished


def test_a_whole_session_brings_the_register_to_the_source(home: House) -> None:
    home.submit(frm_data.hospital(OID))
    launch = home.run()
    assert home.result(launch) == ("SUCCESS", None)
    assert home.events(launch) == ["60", *READING, "30", "31", "31", "41", "41", "41", "51", "70"]
    assert facts(home.sandbox) == {
        "mo.update": 1,
        "mo_building.create": 2,
        "mo_depart.create": 3,
        "mo_staff.create": 1,
    }
    times = home.rows(
        "SELECT code FROM session_events WHERE finished_at IS NULL"
        " OR (code NOT IN ('60', '20', '70')) <> (sent_at IS NOT NULL AND answered_at >= sent_at)"
    )
    assert times == []
    assert home.scalar("SELECT last_success_at FROM service_organizations") is not None


def test_nothing_is_sent_when_nothing_differs(home: House) -> None:
    home.submit(frm_data.hospital(OID))
    home.run()
    before = home.held()
    launch = home.run()
    assert home.result(launch) == ("SUCCESS", None)
    assert home.events(launch) == ["60", *READING, "70"]
    assert home.held() == before


def test_errors_at_the_check_stop_the_session_before_anything_is_sent(home: House) -> None:
    home.submit(frm_data.faulty_hospital(OID, 1))
    launch = home.run()
    assert home.result(launch) == ("FAILED", "Обнаружены ошибки при проверке данных МО")
    assert home.events(launch) == ["60"]
    assert home.errors(launch) == [
        ("Год постройки здания не указан или неверен", f"{NAME}, Здание МО: Учебный корпус № 1"),
        ("Не указан вид подразделения", f"{NAME}, Подразделение: Учебное отделение № 2"),
        ("В строке штатного расписания не указано количество ставок больше нуля", f"{NAME}, Штатное расписание: 1-У"),
    ]
    assert home.scalar("SELECT count(*) FROM packets") == 0
    assert facts(home.sandbox) == {}


def test_the_corrected_data_go_on_in_the_same_session(home: House) -> None:
    home.submit(frm_data.faulty_hospital(OID, 1))
    launch = home.run()
    home.submit(frm_data.corrected_hospital(OID, 1))
    home.resume(launch)
    home.perform()
    assert home.result(launch) == ("SUCCESS", None)
    assert home.events(launch)[:3] == ["60", "60", "1"]
    assert home.errors(launch) == []
    assert home.scalar("SELECT sum(error_count) FROM launch_counters") == 0


def test_only_the_differences_are_sent(home: House) -> None:
    home.submit(frm_data.hospital(OID))
    home.run()
    home.submit([renamed("b-0002", "Учебный корпус № 2", "Новый корпус"), frm_data.staffing("s-0002", 2, ["d-0003"])])
    home.remove("Department", "d-0001")
    home.submit([frm_data.staffing("s-0001", 1, ["d-0002"])])
    launch = home.run()
    assert home.packets(launch) == [
        ("mo_building.update", "b-0002", "ACCEPTED"),
        ("mo_staff.update", "s-0001", "ACCEPTED"),
        ("mo_staff.create", "s-0002", "ACCEPTED"),
        ("mo_depart.delete", "d-0001", "ACCEPTED"),
    ]
    assert home.result(launch) == ("SUCCESS", None)


def test_a_field_that_the_source_no_longer_has_is_taken_from_the_register(home: House) -> None:
    kind, object_id, content = frm_data.building("b-0001", 1)
    closed = content.replace(b"</floorCount>", b"</floorCount><liquidationDate>2026-01-01T00:00:00Z</liquidationDate>")
    home.submit([frm_data.organization(OID, 1), (kind, object_id, closed)])
    home.run()
    home.submit([(kind, object_id, content)])
    assert home.packets(home.run()) == [("mo_building.update", "b-0001", "ACCEPTED")]
    assert home.packets(home.run()) == []


@pytest.mark.parametrize(("kind", "named"), [("Building", True), ("Department", False)])
def test_what_comes_back_under_another_id_of_the_source_keeps_its_record(home: House, kind: str, named: bool) -> None:
    home.submit(frm_data.hospital(OID))
    home.run()
    (old, noted), *_ = home.rows("SELECT object_id, peer_id FROM source_objects WHERE object_type = :k", k=kind)
    peer_id = noted.splitlines()[0]
    home.remove(kind, old)
    for one, object_id, content in frm_data.hospital(OID):
        again = content.replace(f'"{old}"'.encode(), b'"new"')
        if (one, object_id) == (kind, old):
            own = again.replace(f"<{kind}>".encode(), f"<{kind}><id>{peer_id}</id>".encode()) if named else again
            home.submit([(kind, "new", own)])
        else:
            home.submit([(one, object_id, again)])
    launch = home.run()
    assert (home.result(launch), home.packets(launch)) == (("SUCCESS", None), [])
    ids = {r.object_id: r.peer_id for r in home.rows("SELECT object_id, peer_id FROM source_objects")}
    assert (ids["new"].splitlines()[0], ids[old]) == (peer_id, None)
    assert home.packets(home.run()) == []


def test_what_is_only_written_otherwise_is_no_difference(home: House) -> None:
    home.submit(frm_data.hospital(OID))
    home.run()
    home.submit([renamed("b-0001", "47.5<", "47.50<"), reworded(frm_data.organization(OID, 1), "false<", "0<")])
    launch = home.run()
    assert (home.result(launch), home.packets(launch)) == (("SUCCESS", None), [])
    unsettled = "SELECT object_id FROM source_objects WHERE accepted_hash IS DISTINCT FROM content_hash"
    assert home.rows(unsettled) == []


def test_a_line_of_an_array_that_lost_a_field_is_taken_from_the_register(home: House) -> None:
    home.submit(frm_data.hospital(OID))
    home.run()
    home.submit([reworded(frm_data.staffing("s-0001", 1, ["d-0001"]), "<busyRate>0</busyRate>", "")])
    assert home.packets(home.run()) == [("mo_staff.update", "s-0001", "ACCEPTED")]
    assert home.packets(home.run()) == []


def test_units_go_after_their_heads_and_are_removed_before_them(home: House) -> None:
    chain = [
        frm_data.department("d-1", 1, "b-1", head="d-2"),
        frm_data.department("d-2", 2, "b-1", head="d-3"),
        frm_data.department("d-3", 3, "b-1"),
    ]
    home.submit([frm_data.organization(OID, 1), frm_data.building("b-1", 1), *chain])
    launch = home.run()
    assert [o for kind, o, _ in home.packets(launch) if kind == "mo_depart.create"] == ["d-3", "d-2", "d-1"]
    for object_id in ("d-1", "d-2", "d-3"):
        home.remove("Department", object_id)
    launch = home.run()
    assert home.packets(launch) == [("mo_depart.delete", f"d-{n}", "ACCEPTED") for n in (1, 2, 3)]


def test_what_the_register_holds_already_is_found_by_its_natural_key(home: House) -> None:
    half, whole = frm_data.halves(OID)
    home.submit(half)
    home.run()
    with home.engine.begin() as connection:  # another МИС had sent it: this journal knows nothing
        connection.exec_driver_sql("UPDATE source_objects SET peer_id = NULL, accepted_hash = NULL")
    home.submit(whole)
    launch = home.run()
    assert home.result(launch) == ("SUCCESS", None)
    assert facts(home.sandbox) == {
        "mo.update": 1,
        "mo_building.create": 4,
        "mo_depart.create": 6,
        "mo_staff.create": 2,
    }
    assert (
        home.scalar("SELECT count(*) FROM source_objects WHERE peer_id IS NULL AND object_type <> 'Organization'") == 0
    )


def test_an_unknown_id_of_the_register_is_an_error_and_the_others_go_on(home: House) -> None:
    kind, object_id, content = frm_data.building("b-0001", 1)
    named = content.replace(b"<buildName>", b"<id>never-given</id><buildName>")
    home.submit([*frm_data.hospital(OID, buildings=2, units=2), (kind, object_id, named)])
    launch = home.run()
    assert home.result(launch) == ("FAILED", "Ошибок во время сессии: 3")
    assert home.errors(launch) == [
        (UNKNOWN, f"{NAME}, Здание МО: Учебный корпус № 1"),
        (LOST, f"{NAME}, Подразделение: Учебное отделение № 1"),
        (LOST, f"{NAME}, Штатное расписание: 1-У"),
    ]
    assert facts(home.sandbox) == {"mo.update": 1, "mo_building.create": 1, "mo_depart.create": 1}


def test_a_refused_record_holds_back_only_what_depends_on_it(home: House) -> None:
    home.submit(frm_data.hospital(OID))
    home.run()
    for number in (7, 8):
        home.submit(
            [frm_data.building(f"b-{number}", number), frm_data.department(f"d-{number}", number, f"b-{number}")]
        )
    home.sandbox.switches.update({"refuse_writes_next": 1})
    launch = home.run()
    assert home.result(launch) == ("FAILED", "Ошибок во время сессии: 2")
    assert home.errors(launch) == [
        (BY_SWITCH, f"{NAME}, Здание МО: Учебный корпус № 7"),
        (LOST, f"{NAME}, Подразделение: Учебное отделение № 7"),
    ]
    assert home.packets(launch) == [
        ("mo_building.create", "b-7", "REJECTED"),
        ("mo_building.create", "b-8", "ACCEPTED"),
        ("mo_depart.create", "d-8", "ACCEPTED"),
    ]
    assert home.result(home.run()) == ("SUCCESS", None)


def test_withheld_things_are_skipped(home: House) -> None:
    whole = frm_data.hospital(OID, units=2)
    kind, object_id, content = whole[3]
    assert kind == "Department"
    withheld = content.replace(b"<Department>", b'<Department doNotSend="true">')
    staff = frm_data.staffing("s-0001", 1, ["d-0002"])
    home.submit([*whole[:3], (kind, object_id, withheld), whole[4], staff])
    launch = home.run()
    assert home.result(launch) == ("SUCCESS", None)
    assert facts(home.sandbox)["mo_depart.create"] == 1


def test_a_withheld_organization_is_not_transferred_at_all(home: House) -> None:
    kind, object_id, content = frm_data.organization(OID, 1)
    home.submit([(kind, object_id, content.replace(b"<Organization>", b'<Organization doNotSend="1">'))])
    launch = home.run()
    assert home.result(launch) == ("SUCCESS", "МО отмечена «не передавать в ФРМО»: данные не передавались")
    assert home.events(launch) == ["60"]
    assert home.rows("SELECT 1 FROM service_organizations") == []


def renamed(object_id: str, old: str, new: str) -> frm_data.Submitted:
    return reworded(frm_data.building(object_id, int(object_id[-4:])), old, new)


def reworded(given: frm_data.Submitted, old: str, new: str) -> frm_data.Submitted:
    kind, object_id, content = given
    return kind, object_id, content.replace(old.encode(), new.encode())


@pytest.mark.parametrize(
    "trouble",
    [{"take_and_drop_next": 1}, {"take_and_drop_next": 5}, {"drop_before_next": 2}, {"failing_next": 2}],
    ids=["one-lost-answer", "five-lost-answers", "two-lost-requests", "two-times-500"],
)
def test_whatever_breaks_on_the_way_nothing_is_created_twice(home: House, trouble: dict[str, int]) -> None:
    home.submit(frm_data.hospital(OID))
    home.sandbox.switches.update(trouble)
    launch = home.run()
    assert home.result(launch) == ("SUCCESS", None)
    assert home.sandbox.created_twice() == ()
    assert facts(home.sandbox) == {"mo.update": 1, "mo_building.create": 2, "mo_depart.create": 3, "mo_staff.create": 1}
    assert home.rows("SELECT 1 FROM packets WHERE status IN ('SENDING', 'IN_DOUBT')") == []


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ({"unauthorized_next": 2}, "не принимает наш токен (HTTP 401)"),
        ({"not_found_next": 1}, "ФРМО не отдал сведения о МО"),
        ({"failing_next": 3}, "ФРМО не отдал сведения о МО"),
        ({"outage": "refuse"}, "Нет соединения"),
    ],
    ids=["401", "404", "500", "refused"],
)
def test_a_peer_that_cannot_be_read_ends_the_session(home: House, trouble: dict[str, object], told: str) -> None:
    home.submit(frm_data.hospital(OID))
    home.sandbox.switches.update(trouble)
    launch = home.run()
    result, text = home.result(launch)
    assert result == "FAILED"
    assert told in (text or "")
    assert home.errors(launch) == ([(UNREAD, NAME)] if told == "ФРМО не отдал сведения о МО" else [])
    assert facts(home.sandbox) == {}
    answered = {"ACCEPTED"} if "not_found_next" in trouble else {"SEND_ERROR"}  # «нет такой МО» is an answer too
    assert {status for *_, status in home.packets(launch, reads=True)} == answered


def test_a_slow_peer_is_waited_for_and_asked_what_became_of_it(home: House) -> None:
    home.submit([frm_data.organization(OID, 1), frm_data.building("b-1", 1)])
    launch = home.launch()
    home.sandbox.switches.update({"slow_s": 0.3})
    home.perform(read_timeout_s="0.2")
    assert home.result(launch)[0] == "FAILED"
    home.sandbox.switches.reset()
    assert home.result(home.run())[0] == "SUCCESS"
    assert home.sandbox.created_twice() == ()


def test_a_session_that_finds_nothing_to_send_is_a_successful_export(home: House) -> None:
    home.submit(frm_data.hospital(OID), "frmo")
    home.run("frmo")
    date = "SELECT last_success_at FROM service_organizations"
    before = home.scalar(date)
    assert home.packets(home.run("frmo")) == []
    assert home.scalar(date) > before
