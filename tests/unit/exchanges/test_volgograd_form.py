"""Files «263»: which object becomes which file, identifiers, derived fields, groups, names and bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.xml.canonical import serialize
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from tests.support.volgograd_samples import MO, SCHEMAS, SOUND, file, frame, job, of
from workers.exchange import Job, MissingSourceData, Operation
from workers.exchanges.volgograd import form
from workers.exchanges.volgograd.fields import FILES

REFERRAL, CANCELLATION, STAY, EMERGENCY, REFUSAL, DISCHARGE, BEDS = SOUND
DELETE = Operation.DELETE


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_object_makes_a_file_of_its_schema(kind: str) -> None:
    root = file(job(kind))
    assert validate(root, SCHEMAS / f"{FILES[kind]}.xsd") == ()
    header = [(child.tag, child.text) for child in root[0]]
    name = f"{FILES[kind]}T34M340001_26032000001"
    assert header == [("VERSION", "2.0"), ("DATE_F", "2026-03-20"), ("NAME_F", name), ("DATE_R", "2026-03-20")]


CHOICES = [
    (job(REFERRAL), REFERRAL),
    (job(REFERRAL, operation=DELETE), CANCELLATION),
    (job(CANCELLATION, operation=DELETE), CANCELLATION),
    (job(STAY), STAY),
    (job(STAY, ("<TYPE_H>1", "<TYPE_H>2")), STAY),
    (replace(job(EMERGENCY), packet_type=STAY), EMERGENCY),
    (replace(job(EMERGENCY, ("<TYPE_H>4</TYPE_H>", "")), packet_type=STAY), EMERGENCY),
    (job(STAY, ("<TYPE_H>1</TYPE_H>", ""), ("<FRM_MP>3", "<FRM_MP>1")), STAY),
    (job(DISCHARGE), DISCHARGE),
    (job(DISCHARGE, ("<DTA_OUT>2026-03-24</DTA_OUT>", "")), None),
    (job(DISCHARGE, ("<DTA_OUT>2026-03-24</DTA_OUT>", ""), operation=Operation.UPDATE), DISCHARGE),
    (job(DISCHARGE, operation=DELETE), DISCHARGE),
    (job(BEDS), BEDS),
]


@pytest.mark.parametrize(("task", "kind"), CHOICES, ids=[f"{t.packet_type}-{t.operation}-{k}" for t, k in CHOICES])
def test_what_an_object_becomes_hangs_on_its_content_and_operation(task: Job, kind: str | None) -> None:
    assert form.packet_type(task) == kind


def test_identifiers_stay_and_differ_by_kind_organization_and_object() -> None:
    def ids(task: Job) -> list[str | None]:
        return [each.text for name in ("ID_H", "ID_DISCH", "ID_PL") for each in form.record(task).iter(name)]

    told = [
        ids(task)
        for kind in (STAY, DISCHARGE, BEDS)
        for task in (job(kind), job(kind, key="7"), of("340002", job(kind)))
    ]
    assert len({tuple(each) for each in told}) == len(told)
    assert told[0] == ids(job(STAY, ("Пр", "Уч"), operation=Operation.UPDATE))
    assert ids(replace(job(EMERGENCY))) == told[0]  # the same object, told otherwise


def test_the_number_of_a_referral_alone_tells_its_identifier_to_every_organization() -> None:
    number = ("3400012026000001", "3400022026000001")
    tasks = [job(REFERRAL, number), job(CANCELLATION, number), job(STAY), job(REFUSAL), job(DISCHARGE)]
    tasks.append(of("340099", job(DISCHARGE)))
    told = {form.record(task).findtext("*/ID_D") for task in tasks}
    assert len(told) == 1


def test_a_removed_referral_is_annulled_by_the_polyclinic() -> None:
    made = file(replace(job(REFERRAL, operation=DELETE), packet_type=CANCELLATION))
    assert validate(made, SCHEMAS / "I03.xsd") == ()
    (group,) = made.iterfind("SOURCE")
    assert (group.findtext("TYPE_S"), group.findtext("CODE")) == ("3", "340001")
    (told,) = group.iterfind("REF_HOSP")
    fields = [told.findtext(name) for name in ("MO_D", "LPU_D", "DATE_REF", "REASON_REF")]
    assert fields == [
        "340001",
        "10",
        "2026-03-20",
        "9",
    ]
    assert told.findtext("ID_D") == form.record(job(REFERRAL)).findtext("DIR/ID_D")


DERIVED = [
    (job(REFERRAL), "DIR/NUM_D", "2026000001"),
    (job(REFERRAL, ("<MPODR_NAP>10</MPODR_NAP>", "")), "LPU", "340001"),
    (job(REFERRAL), "DIR/LPU_H", "21"),
    (job(REFERRAL), "DIR/DISP", "0"),
    (job(REFERRAL, ("<SMO_OK>18000</SMO_OK>", "")), "DIR/PATIENT/REG_OMS", "18000"),
    (job(REFERRAL, ("<SMO_OK>18000", "<SMO_OK>45000")), "DIR/PATIENT/REG_OMS", "45000"),
    (job(REFERRAL, ("<SMO_OK>18000</SMO_OK>", ""), ("34001</SMO", "99001</SMO")), "DIR/PATIENT/REG_OMS", None),
    (job(REFERRAL), "DIR/PATIENT/CONTACT/TEL_M", "+79000000001"),
    (job(REFERRAL, ("+7 (900) 000-00-01", "(8442) 00-00-01")), "DIR/PATIENT/CONTACT/TEL_F", "8442000001"),
    (job(STAY), "HOSP/TIME_H", "09-30"),
    (job(STAY), "HOSP/MO_D", "340002"),
    (job(STAY, ("<MCOD_NAP>340002</MCOD_NAP>", "")), "HOSP/MO_D", "340002"),
    (job(STAY), "HOSP/LPU_D", "340002"),
    (job(REFUSAL), "CODE", "340001"),
    (job(REFUSAL, ("<IST_OTK>2", "<IST_OTK>3")), "CODE", "340002"),
    (job(CANCELLATION), "REF_HOSP/LPU_D", "10"),
    (job(CANCELLATION, ("<IST_ANL>3", "<IST_ANL>2")), "REF_HOSP/LPU_D", "340001"),
    (job(EMERGENCY), "HOSP/PATIENT/NUM_P", None),
    (job(DISCHARGE), "DISCH/PATIENT/ENP", "3400000000000001"),
    (job(BEDS), "PLACES/FREE_PLACES/ZAP[2]/PLACE_FREE", "8"),
    (job(BEDS), "PLACES/SMO_V/V_H", "12"),
]


@pytest.mark.parametrize(("task", "path", "text"), DERIVED, ids=[f"{p}-{t}" for _, p, t in DERIVED])
def test_what_the_object_does_not_say_so_is_derived(task: Job, path: str, text: str | None) -> None:
    assert form.record(task).findtext(path) == text


def test_records_of_one_department_share_a_group_and_come_apart_again() -> None:
    other = ("<MPODR_NAP>10", "<MPODR_NAP>11")
    made = file(job(REFERRAL), job(REFERRAL), job(REFERRAL, other), job(REFERRAL))
    assert [(g.findtext("LPU"), len(g.findall("DIR"))) for g in made.iterfind("MO_D")] == [
        ("10", 2),
        ("11", 1),
        ("10", 1),
    ]
    apart = form.records(made)
    assert [(g.findtext("LPU"), len(g.findall("DIR"))) for g in apart] == [("10", 1), ("10", 1), ("11", 1), ("10", 1)]
    assert serialize(form.frame(frame(REFERRAL), apart)) == serialize(made)


def test_a_name_is_of_the_organization_its_day_and_number_and_fits_its_field() -> None:
    assert form.name(frame(BEDS, 42)) == "I07T34M340001_26032000042"
    assert {len(form.name(frame(REFERRAL, number))) for number in (1, 99_999)} == {25}


def test_without_a_code_of_the_organization_nothing_is_built() -> None:
    with pytest.raises(MissingSourceData) as told:
        form.record(replace(job(REFERRAL), organization=replace(MO, codes={})))
    assert [finding.code for finding in told.value.findings] == ["501"]


def test_what_windows_1251_lacks_is_written_by_its_number_and_read_back() -> None:
    root = file(job(REFERRAL, ("Плановое обследование", "Щёкино № 5 ≥ 37°")))
    data = serialize(root, encoding="windows-1251")
    assert "Щёкино № 5 &#8805; 37°".encode("cp1251") in data
    assert parse(data).findtext("MO_D/DIR/COMMENT_D") == "Щёкино № 5 ≥ 37°"


PLACES = [
    (job(REFERRAL), "/ZL_LIST/MO_D/DIR/PATIENT/SURNAME", "/Referral/PERS/FAM"),
    (job(REFERRAL), "/ZL_LIST/MO_D/DIR/PATIENT", "/Referral/PERS"),
    (job(REFERRAL), "/ZL_LIST/MO_D/LPU", "/Referral/MPODR_NAP"),
    (job(REFERRAL), "/ZL_LIST/ZGLV/NAME_F", "/ZL_LIST/ZGLV/NAME_F"),
    (job(REFERRAL), "/ZL_LIST/MO_D/DIR/DISP", "/ZL_LIST/MO_D/DIR/DISP"),
    (job(STAY), "/ZL_LIST/MO_HOSP/HOSP/TIME_H", "/Hospitalisation/TIM_FKT"),
    (job(BEDS), "/ZL_LIST/MO_PLACE/PLACES/FREE_PLACES/ZAP[2]/PF_M", "/FreeBeds/FREE_PLACES/ZAP[2]/PF_M"),
    (job(BEDS), "/ZL_LIST/MO_PLACE/PLACES", "/FreeBeds"),
]


@pytest.mark.parametrize(("task", "path", "place"), PLACES, ids=[p for _, p, _ in PLACES])
def test_a_place_in_the_file_is_told_as_the_place_it_was_made_of(task: Job, path: str, place: str) -> None:
    assert form.locate(task, path) == place
