"""Whole launches of files «263»: every kind of file, over every way, partly accepted, refused, repeated."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from gateway.domain.roles import Role
from gateway.journal.bodies import unpack
from gateway.operations import journal
from gateway.xml.parser import parse
from tests.support.packet_house import small_catalog
from tests.support.region import open_world
from tests.support.running import add_account
from tests.support.volgograd import CLINIC, SERVICE, SLUG, VolgogradHouse, check_books, made, sound_cases, submit_all
from workers.demo.parts.volgograd_data import HOSPITAL
from workers.demo.region import Case
from workers.runs.answers import UNREADABLE
from workers.runs.surroundings import Point
from workers.sandbox.switches import Malformation, Outage

CLOSED = Case(CLINIC, 4)
"""Its policy is closed, which only the fund knows."""


@pytest.mark.parametrize("way", ["folder", "sftp", "ftp"])
def test_every_kind_of_file_goes_and_is_accepted_whatever_the_way(house: VolgogradHouse, way: str) -> None:
    ways = {"folder": house.sandbox.settings, "sftp": house.sandbox.sftp_settings, "ftp": house.sandbox.ftp_settings}
    house.settings = ways[way]
    submit_all(house, sound_cases(3))
    cancelled = sound_cases(1, first=40)[0]
    house.submit(SERVICE, CLINIC.oid, made([cancelled.referral(), cancelled.cancellation()]))
    house.launch()
    assert house.statuses() == {"ACCEPTED": 6}
    kinds = sorted(entry.kind for entry in house.sandbox.ledger())
    assert kinds == ["I01"] * 4 + ["I03"] + ["I04"] * 3 + ["I05"] + ["I06"] * 3 + ["I07"]
    check_books(house)
    assert list(Path(house.sandbox.settings["in"]).iterdir()) == []
    assert house.packets_of(house.launch()) == []  # nothing is due


def test_one_referral_has_one_identifier_in_all_the_files(house: VolgogradHouse) -> None:
    (case,) = sound_cases(1)
    submit_all(house, [case])
    house.launch()
    bodies = house.rows("SELECT content FROM packet_bodies WHERE kind = 'DATA'")
    documents = [unpack(row.content) for row in bodies]
    assert all(data.startswith(b"<?xml version='1.0' encoding='windows-1251'?>") for data in documents)
    told = {id_d.text for data in documents for id_d in parse(data).iter("ID_D")}
    assert len([1 for data in documents if b"<ID_D>" in data]) == 3
    assert len(told) == 1


def test_of_a_partly_accepted_file_only_the_rest_is_sent_again(house: VolgogradHouse) -> None:
    house.submit(SERVICE, CLINIC.oid, made(case.referral() for case in (*sound_cases(3), CLOSED)))
    (packet,) = house.packets_of(house.launch())
    assert (packet.status, packet.items_total, packet.items_not_accepted) == ("PARTIAL", 4, 1)
    ((path, line, code),) = house.rows("SELECT path, line, code FROM packet_findings")
    (body,) = house.rows("SELECT content FROM packet_bodies WHERE packet_id = :id AND kind = 'DATA'", id=packet.id)
    assert (path.rpartition("/")[2], code) == ("NUM_P", "103")
    assert unpack(body.content).splitlines()[line - 1].strip().startswith(b"<NUM_P>")
    assert packet.result_text == f"103: «Номер полиса»: код ошибки по справочнику T008 ({path}, строка {line})."
    items = house.rows("SELECT object_id, outcome, message FROM packet_items ORDER BY position")
    assert [(i.object_id, i.outcome) for i in items if i.outcome != "ACCEPTED"] == [("1000004", "REJECTED")]
    (again,) = house.packets_of(house.launch())
    assert (again.items_total, again.status) == (1, "REJECTED")
    assert house.packets_of(house.launch()) == []  # refused: it waits until its source changes
    house.submit(SERVICE, CLINIC.oid, made([CLOSED.referral().changed(b"000</NPOLIS>", b"001</NPOLIS>")]))
    (mended,) = house.packets_of(house.launch())
    assert (mended.operation, mended.items_total, mended.status) == ("Insert", 1, "ACCEPTED")
    assert {entry.times for entry in house.sandbox.ledger()} == {1}


def test_a_file_refused_whole_is_rejected_with_all_its_records(house: VolgogradHouse) -> None:
    house.submit(SERVICE, CLINIC.oid, made(case.referral() for case in sound_cases(2)))
    house.sandbox.switches.update({"refuse_file_next": 1})
    (packet,) = house.packets_of(house.launch())
    assert (packet.status, packet.items_not_accepted) == ("REJECTED", 2)
    assert packet.result_text == "900: Файл или запись: код ошибки по справочнику T008 (/ZL_LIST, строка 2)."
    assert house.sandbox.ledger() == ()


def test_a_changed_object_is_told_under_the_same_identifier(house: VolgogradHouse) -> None:
    (case,) = sound_cases(1)
    house.submit(SERVICE, CLINIC.oid, made([case.referral()]))
    house.launch()
    house.submit(SERVICE, CLINIC.oid, made([case.referral().changed(b"<USL_OK>1", b"<USL_OK>2")]))
    (packet,) = house.packets_of(house.launch())
    assert (packet.operation, packet.status) == ("Update", "ACCEPTED")
    (entry,) = house.sandbox.ledger()
    assert entry.times == 2


def test_a_removed_referral_is_annulled_and_what_cannot_be_said_is_an_error(
    house: VolgogradHouse,
) -> None:
    one, other = sound_cases(2)
    submit_all(house, [one])
    house.submit(SERVICE, CLINIC.oid, made([other.referral()]))
    house.launch()
    house.submit(SERVICE, CLINIC.oid, made([other.referral().removed()]))
    house.submit(SERVICE, HOSPITAL.oid, made([one.motion().removed()]))
    launch_id = house.launch()
    packets = house.rows("SELECT * FROM packets WHERE launch_id = :id ORDER BY packet_type", id=launch_id)
    assert [(p.packet_type, p.operation, p.status) for p in packets] == [
        ("CANCEL_HOSPITALISATION_REFERRAL", "Delete", "ACCEPTED"),
        ("MOTION_IN_HOSPITAL", "Delete", "FORM_ERROR"),
    ]
    assert packets[1].result_text.startswith("503: Удаление этого документа формат 263 не передаёт")
    assert house.packets_of(house.launch()) == []


def test_a_motion_is_told_when_the_patient_left_and_makes_no_packet_before(house: VolgogradHouse) -> None:
    (case,) = sound_cases(1)
    house.submit(SERVICE, CLINIC.oid, made([case.referral()]))
    leaving = case.motion()
    before, _, told = (leaving.content or b"").partition(b"<DTA_OUT>")
    still_in = (leaving.object_type, leaving.object_id, before + told.partition(b"</RES_OUT>")[2])
    house.submit(SERVICE, HOSPITAL.oid, [*made([case.hospitalisation()]), still_in])
    house.launch()
    assert house.statuses() == {"ACCEPTED": 2}
    house.launch()  # nothing is due, and nothing is in error
    assert house.statuses() == {"ACCEPTED": 2}
    house.submit(SERVICE, HOSPITAL.oid, made([leaving]))
    house.launch()
    assert house.statuses() == {"ACCEPTED": 3}
    check_books(house)


@pytest.mark.parametrize("way", list(Malformation))
def test_a_spoilt_reply_stays_in_the_folder_until_it_comes_right(house: VolgogradHouse, way: Malformation) -> None:
    house.submit(SERVICE, CLINIC.oid, made(case.referral() for case in sound_cases(2)))
    house.sandbox.switches.update({"malformed_answer_next": 1, "malformation": way})
    launch_id = house.start()
    impatient = house.worker(catalog=small_catalog(SLUG, answer_window_s=0.5))
    assert house.finish(launch_id, impatient) == "SUCCESS"
    (packet,) = house.packets_of(launch_id)
    assert (packet.status, packet.result_text) == ("SENT", UNREADABLE)
    (reply,) = Path(house.sandbox.settings["in"]).iterdir()
    reply.unlink()
    write_reply(house, packet.name, packet.name, ["<OSHIB>0</OSHIB>"])
    house.launch()
    assert house.statuses() == {"ACCEPTED": 1}


def write_reply(house: VolgogradHouse, file: str, told: str, words: list[str]) -> Path:
    """Put a reply as the fund does."""
    lines = "".join(f"<PR>{word}</PR>" for word in words)
    text = f"<FLK_P><NAME_F>R{told}</NAME_F><DATE_F>2026-04-01</DATE_F>{lines}</FLK_P>"
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(f"R{file}.xml", text)
    path = Path(house.sandbox.settings["in"]) / f"R{file}.zip"
    path.write_bytes(target.getvalue())
    return path


def test_a_foreign_reply_settles_nothing(house: VolgogradHouse) -> None:
    house.submit(SERVICE, CLINIC.oid, made(case.referral() for case in sound_cases(2)))
    house.sandbox.switches.update({"answer_delay_s": 3600})
    impatient = house.worker(catalog=small_catalog(SLUG, answer_window_s=0))
    launch_id = house.start()
    house.finish(launch_id, impatient)
    (packet,) = house.packets_of(launch_id)
    stranger = "<OSHIB>0</OSHIB><ID_BAS>00000000-0000-0000-0000-000000000001</ID_BAS>"
    for told, words in ((f"{packet.name[:-1]}9", ["<OSHIB>0</OSHIB>"]), (packet.name, [stranger])):
        reply = write_reply(house, packet.name, told, words)
        house.finish(house.start(), impatient)
        assert house.statuses() == {"SENT": 1}
        assert reply.exists()


def test_a_reply_that_accepts_records_but_not_all_leaves_the_others_to_be_sent(house: VolgogradHouse) -> None:
    house.submit(SERVICE, CLINIC.oid, made(case.referral() for case in sound_cases(2)))
    house.sandbox.switches.update({"answer_delay_s": 3600})
    launch_id = house.start()
    house.finish(launch_id, house.worker(catalog=small_catalog(SLUG, answer_window_s=0)))
    (packet,) = house.packets_of(launch_id)
    (body,) = house.rows("SELECT content FROM packet_bodies WHERE kind = 'DATA'")
    first = parse(unpack(body.content)).findtext("MO_D/DIR/ID_D", "")
    write_reply(house, packet.name, packet.name, [f"<OSHIB>0</OSHIB><ID_BAS>{first.upper()}</ID_BAS>"])
    house.finish(house.start(), house.worker(catalog=small_catalog(SLUG, answer_window_s=0)))
    (packet,) = house.packets_of(launch_id)
    assert (packet.status, packet.items_not_accepted) == ("PARTIAL", 1)


def test_a_folder_that_goes_away_ends_the_run_and_the_next_one_sends_the_rest(house: VolgogradHouse) -> None:
    submit_all(house, sound_cases(7))

    def goes_away(point: Point) -> None:
        if point is Point.SETTLED:
            house.sandbox.switches.update({"outage": Outage.REFUSE})

    launch_id = house.start()
    assert house.finish(launch_id, house.worker(reached=goes_away)) == "FAILED"
    assert house.statuses()["FORMED"] > 0
    house.sandbox.switches.reset()
    house.launch()
    assert set(house.statuses()) == {"ACCEPTED"}
    check_books(house)


@pytest.mark.parametrize(
    "trouble", [{"cut_at_byte": 100, "cut_next": 1}, {"cut_at_byte": 100, "shorten_next": 1}, {"drop_rename_next": 1}]
)
@pytest.mark.parametrize("way", ["sftp", "ftp"])
def test_a_connection_cut_in_the_middle_loses_and_doubles_nothing(
    house: VolgogradHouse, way: str, trouble: dict[str, int]
) -> None:
    house.settings = house.sandbox.sftp_settings if way == "sftp" else house.sandbox.ftp_settings
    submit_all(house, sound_cases(2))
    house.sandbox.switches.update(trouble)
    house.launch()
    check_books(house)


def test_operators_read_what_left_in_its_own_encoding(house: VolgogradHouse) -> None:
    add_account(house.engine, "centre", Role.DC_ADMIN)
    house.submit(SERVICE, CLINIC.oid, made([sound_cases(1)[0].referral()]))
    (packet,) = house.packets_of(house.launch())
    world = open_world(house.engine)
    viewer = world.viewer("centre")
    content = journal.get_packet_data(world.ctx, viewer, packet.id)
    places = {field.path: field.value for field in content.fields}
    assert places["/ZL_LIST/MO_D/DIR/PATIENT/SURNAME"] == "Образец"
    answer = journal.get_packet_answer(world.ctx, viewer, packet.id)
    assert {field.path: field.value for field in answer.fields}["/FLK_P/PR/OSHIB"] == "0"
