"""Checks of ФРМО before sending (federal description, clause 7.4): a row for each, as operators see what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pytest

from gateway.xml.canonical import canonical
from tests.support.checking import (
    MO,
    OID,
    STAGE,
    Scene,
    Spoil,
    add,
    arises,
    both,
    drop,
    is_refused_at_the_door,
    mark,
    say,
    scene,
    told,
    twin,
    without,
)
from workers.demo.parts import frm_data
from workers.exchange import load_dictionary
from workers.exchanges.frmo.session import DICTIONARY, run

BEDS: Final = "departHospital/hospitalSubdivision/hospitalSubdivisionItem"
ROOM: Final = "departReg/room/roomItem"
LAB: Final = "departLabs/departLabsItem"
LINE: Final = "staffDetails/staffDetailsItem"
NAMED: Final = f"{LINE}/nrPmuDepartId"
PLACE: Final = "buildingAddress"
LATER: Final = "2026-01-01T00:00:01Z"

BUILDING: Final = ", Здание МО: Учебный корпус № 1"
UNIT: Final = ", Подразделение: Учебное отделение № 1"
POLYCLINIC: Final = ", Подразделение: Учебное отделение № 2"
OF_BEDS: Final = f"{UNIT}, Отделение: Учебные палаты 1"
OF_ROOM: Final = f"{POLYCLINIC}, Отделение: 1.2.3.1"
OF_LAB: Final = f"{POLYCLINIC}, Отделение: 1.2.3.2"
STAFF: Final = ", Штатное расписание: 1-У"
NAMELESS: Final = "без наименования"

ELSEWHERE: Final = {
    "301": "test_frmo.py::test_a_peer_that_cannot_be_read_ends_the_session",
    "302": "test_frmo.py::test_an_unknown_id_of_the_register_is_an_error_and_the_others_go_on",
    "303": "test_frmo.py::test_a_refused_record_holds_back_only_what_depends_on_it",
    "304": "test_frmo_reading.py::test_a_list_that_never_stands_still_ends_the_session",
}
"""Codes of what only the register can tell, and the test of whole sessions where each arises."""


@dataclass(frozen=True)
class Row:
    """The smallest spoiling, the code that tells it, and of which objects: what stands after the МО in «Объект»."""

    code: str
    spoil: Spoil
    about: tuple[str, ...] = ("",)


def of_session(oid: str) -> Spoil:
    """Give the МО another OID than the one its card bears, which then bears none."""

    def spoil(given: Scene) -> None:
        given.oid = oid
        say("mo", "oid", "")(given)

    return spoil


def ring(given: Scene) -> None:
    """Let two units be each other's heads."""
    for one, other in (("d-0001", "d-0002"), ("d-0002", "d-0001")):
        mark(one, "departStructure/headDepart", "objectId", other)(given)


def row(code: str, object_id: str, path: str, text: str | None, *about: str) -> Row:
    """A field that is taken away (``text`` None) or holds something else."""
    return Row(code, drop(object_id, path) if text is None else say(object_id, path, text), about or ("",))


ROWS: Final = (
    Row("200", of_session("")),
    Row("200", of_session("1.2.03")),
    Row("201", without("mo")),
    Row("201", twin("mo-2", "mo")),
    row("202", "mo", "nameFull", None),
    row("203", "mo", "nameShort", ""),
    row("204", "mo", "inn", None),
    row("204", "mo", "inn", "340000001"),
    row("204", "mo", "inn", "3400000011"),  # the check digit
    row("205", "mo", "kpp", None),
    row("205", "mo", "kpp", "34000100"),
    row("206", "mo", "ogrn", None),
    row("206", "mo", "ogrn", "1023400000010"),  # the check digit
    row("207", "mo", "legalAddress", None),
    row("207", "mo", "legalAddress/GARguid", ""),
    row("208", "mo", "moAddress", None),
    row("208", "mo", "moAddress/address/GARguid", None),
    row("209", "mo", "oid", "1.2.643.5.1.13.13.12.2.34.2"),
    row("211", "b-0001", "buildName", None, f", Здание МО: {NAMELESS}"),
    row("212", "b-0001", "buildYear", None, BUILDING),
    row("212", "b-0001", "buildYear", "1499", BUILDING),
    row("212", "b-0001", "buildYear", "2101", BUILDING),
    row("212", "b-0001", "buildYear", "давно", BUILDING),
    row("213", "b-0001", "beginDate", None, BUILDING),
    row("213", "b-0001", "beginDate", "1978-02-30T00:00:00Z", BUILDING),
    row("213", "b-0001", "beginDate", "1978", BUILDING),
    row("214", "b-0001", "floorCount", None, BUILDING),
    row("214", "b-0001", "floorCount", "0", BUILDING),
    row("214", "b-0001", "floorCount", "много", BUILDING),
    row("215", "b-0001", f"{PLACE}/latitude", None, BUILDING),
    row("215", "b-0001", f"{PLACE}/longitude", None, BUILDING),
    row("215", "b-0001", f"{PLACE}/latitude", "-90.5", BUILDING),
    row("215", "b-0001", f"{PLACE}/longitude", "180.5", BUILDING),
    row("215", "b-0001", f"{PLACE}/latitude", "NaN", BUILDING),
    row("216", "b-0001", f"{PLACE}/address/GARguid", None, BUILDING),
    Row("217", both(add("b-0001", "", "<id>b</id>"), add("b-0002", "", "<id>b</id>")),
        (BUILDING, ", Здание МО: Учебный корпус № 2")),
    row("221", "d-0001", "departName", None, f", Подразделение: {NAMELESS}"),
    row("222", "d-0001", "departKindId", None, UNIT),
    row("223", "d-0001", "departTypeId/id", None, UNIT),
    row("224", "d-0001", "departStructure/level", None, UNIT),
    Row("225", both(add("d-0001", "", "<oid>1.2.3</oid>"), add("d-0002", "", "<oid>1.2.3</oid>")), (UNIT, POLYCLINIC)),
    Row("225", both(say("d-0001", f"{BEDS}/oid", "1.2.3.1")), (OF_BEDS, OF_ROOM)),
    Row("225", both(say("d-0002", f"{ROOM}/oid", "1.2.3.2")), (OF_LAB, OF_LAB)),
    Row("226", mark("d-0001", "departBuildings/departBuildingsItem/buildingId", "objectId", "b-9"), (UNIT,)),
    Row("227", mark("d-0001", "departStructure/headDepart", "objectId", "d-9"), (UNIT,)),
    Row("228", ring, (UNIT, POLYCLINIC)),
    Row("229", mark("s-0001", NAMED, "objectId", "d-9"), (STAFF,)),
    row("231", "d-0001", f"{BEDS}/subdivisionId", None, OF_BEDS),
    row("231", "d-0002", f"{ROOM}/subdivisionId/id", None, OF_ROOM),
    row("231", "d-0002", f"{LAB}/roomTypeId", None, OF_LAB),
    row("232", "d-0001", f"{BEDS}/services/servicesItem", None, OF_BEDS),
    row("232", "d-0001", f"{BEDS}/services/servicesItem/code", None, OF_BEDS),
    row("232", "d-0002", f"{ROOM}/services/servicesItem", None, OF_ROOM),
    row("232", "d-0002", f"{LAB}/services", None, OF_LAB),
    row("233", "d-0001", f"{BEDS}/buildings/buildingsItem", None, OF_BEDS),
    row("233", "d-0002", f"{ROOM}/buildings/buildingsItem/id", None, OF_ROOM),
    row("233", "d-0002", f"{LAB}/buildings", None, OF_LAB),
    row("234", "d-0001", f"{BEDS}/hospitalSubdivisionBeds/hospitalSubdivisionBedsItem/bedProfileId", None, OF_BEDS),
    row("241", "s-0001", "staffNum", None, f", Штатное расписание: {NAMELESS}"),
    row("242", "s-0001", "staffCreateDate", None, STAFF),
    row("242", "s-0001", "beginDate", None, STAFF),
    row("242", "s-0001", "endDate", None, STAFF),
    row("242", "s-0001", "endDate", "2026-06-31T00:00:00Z", STAFF),
    row("242", "s-0001", "beginDate", "с января", STAFF),
    Row("243", both(say("s-0001", "beginDate", LATER), say("s-0001", "endDate", "2026-01-01T00:00:00Z")), (STAFF,)),
    Row("243", say("s-0001", "endDate", "2026-01-01T03:00:00+03:01"), (STAFF,)),  # a minute before, by another zone
    row("244", "s-0001", NAMED, None, STAFF),
    Row("244", both(say("s-0001", NAMED, "1-я"), mark("s-0001", NAMED, "objectId", "")), (STAFF,)),
    row("245", "s-0001", f"{LINE}/post", None, STAFF),
    row("245", "s-0001", f"{LINE}/postFedCode/code", None, STAFF),
    row("246", "s-0001", f"{LINE}/rate", None, STAFF),
    row("246", "s-0001", f"{LINE}/rate", "0", STAFF),
    row("246", "s-0001", f"{LINE}/rate", "-1", STAFF),
    row("246", "s-0001", f"{LINE}/rate", "1e400", STAFF),
    Row("248", both(add("s-0001", "", "<staffId>s</staffId>"), twin("s-0002", "s-0001")), (STAFF, STAFF)),
)  # fmt: skip

GOOD: Final = {
    "a whole hospital": both(),
    "a card without its OID": drop("mo", "oid"),
    "the oldest building": say("b-0001", "buildYear", "1500"),
    "a planned building": say("b-0001", "buildYear", "2100"),
    "one floor": say("b-0001", "floorCount", "1"),
    "the south pole": both(say("b-0001", f"{PLACE}/latitude", "-90"), say("b-0001", f"{PLACE}/longitude", "-180")),
    "the north pole": both(say("b-0001", f"{PLACE}/latitude", "90"), say("b-0001", f"{PLACE}/longitude", "180")),
    "a date without a zone": say("b-0001", "beginDate", "1978-11-01T00:00:00"),
    "staffing that ends as it begins": both(say("s-0001", "beginDate", LATER), say("s-0001", "endDate", LATER)),
    "staffing that ends as it begins elsewhere": say("s-0001", "endDate", "2026-01-01T03:00:00+03:00"),
    "a line that names a unit by its OID": both(
        mark("s-0001", NAMED, "objectId", ""),
        say("s-0001", NAMED, f"{OID}.0.000001"),
    ),
    "a withheld unit": both(
        say("d-0002", "departName", ""), mark("d-0002", "", "doNotSend", "true"), drop("d-0002", "departKindId")
    ),
    "a withheld section": both(mark("d-0001", BEDS, "doNotSend", "1"), drop("d-0001", f"{BEDS}/subdivisionId")),
    "a withheld МО": both(mark("mo", "", "doNotSend", "true"), drop("mo", "inn"), drop("b-0001", "buildYear")),
}


def hospital() -> Scene:
    """A МО with a unit of beds and a unit that has a room and a laboratory."""
    given = scene(frm_data.hospital(OID, units=2))
    (beds,) = given.content("d-0002").findall(BEDS)
    shared = "".join(canonical(part).decode() for part in beds if part.tag in {"services", "buildings"})
    drop("d-0002", "departHospital")(given)
    add("d-0002", "", f"<departReg><isHomeVisit>false</isHomeVisit><room><roomItem><oid>1.2.3.1</oid>{shared}"
        "<subdivisionId><id>1</id></subdivisionId></roomItem></room></departReg>")(given)  # fmt: skip
    add("d-0002", "", f"<departLabs><departLabsItem><labOid>1.2.3.2</labOid><healthCareProfile/>{shared}"
        "<roomCount>1</roomCount><roomTypeId><id>1</id></roomTypeId></departLabsItem></departLabs>")(given)  # fmt: skip
    return given


WORDS: Final = load_dictionary(DICTIONARY, {})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.code)
def test_a_check_tells_what_is_wrong_and_nothing_else(row: Row) -> None:
    given = hospital()
    row.spoil(given)
    errors = [(STAGE, WORDS.errors[row.code], f"МО: {MO}{about}") for about in row.about]
    assert told(run, given) == (errors, False)


@pytest.mark.parametrize("spoil", GOOD.values(), ids=GOOD.keys())
def test_what_is_good_breaks_nothing(spoil: Spoil) -> None:
    given = hospital()
    spoil(given)
    withheld = given.content("mo").get("doNotSend") is not None
    assert told(run, given) == ([], not withheld)


def test_what_is_not_of_its_type_is_refused_at_the_door_and_by_its_own_check() -> None:
    refused = set()
    for row in ROWS:
        given = hospital()
        row.spoil(given)
        refused |= {row.code} if is_refused_at_the_door(given, "frmo") else set()
    assert refused == {"212", "213", "214", "215", "242"}


def test_every_error_of_the_dictionary_is_told_by_a_check_or_by_a_session() -> None:
    assert {row.code for row in ROWS} | ELSEWHERE.keys() == WORDS.errors.keys()
    assert len(set(WORDS.errors.values())) == len(WORDS.errors)
    assert [code for code, test in ELSEWHERE.items() if not arises(test, WORDS.errors[code])] == []
