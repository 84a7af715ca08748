"""Invented МО and workers for ФРМО and ФРМР: what a МИС would submit. Pure; every name says that it is invented.

Each function returns (object type, id in the МИС, XML) of one МО.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gateway.xml.canonical import serialize
from gateway.xml.parser import parse

Submitted = tuple[str, str, bytes]

GAR: Final = "00000000-0000-4000-8000-{:012}"
HALF_YEAR: Final = ("2026-01-01T00:00:00Z", "2026-06-30T00:00:00Z")


def hospital(oid: str, number: int = 1, *, buildings: int = 2, units: int = 3, staff: int = 1) -> list[Submitted]:
    """A МО whose data pass the check; its units stand in its buildings, its staff lines name its units.

    ``number`` (1–9999) tells one invented МО from another. Everything refers to each other by ids of the МИС.
    """
    return [
        organization(oid, number),
        *(building(f"b-{n:04}", n) for n in range(1, buildings + 1)),
        *(department(f"d-{n:04}", n, f"b-{1 + (n - 1) % buildings:04}") for n in range(1, units + 1)),
        *(staffing(f"s-{n:04}", n, [f"d-{1 + (n - 1) % units:04}"]) for n in range(1, staff + 1)),
    ]


def faulty_hospital(oid: str, number: int = 2) -> list[Submitted]:
    """A МО that the check stops: a building without its year, a unit without its kind, a line without a rate."""
    whole = {object_id: (kind, content) for kind, object_id, content in hospital(oid, number)}
    for object_id, path in (
        ("b-0001", "buildYear"),
        ("d-0002", "departKindId"),
        ("s-0001", "staffDetails/staffDetailsItem/rate"),
    ):
        kind, content = whole[object_id]
        root = parse(content)
        for element in root.findall(path):
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
        whole[object_id] = (kind, serialize(root))
    return [(kind, object_id, content) for object_id, (kind, content) in whole.items()]


def corrected_hospital(oid: str, number: int = 2) -> list[Submitted]:
    """The same МО with everything completed."""
    return hospital(oid, number)


def halves(oid: str, number: int = 3) -> tuple[list[Submitted], list[Submitted]]:
    """A МО whose first half is in the register before the rest is submitted: the half, and the whole."""
    whole = hospital(oid, number, buildings=4, units=6, staff=2)
    return [one for one in whole if one[1] in {"mo", "b-0001", "b-0002", "d-0001", "d-0002"}], whole


def persons(oid: str, count: int, first: int = 1) -> Iterator[Submitted]:
    """So many workers of a МО, each with a card and an education; ``first`` (from 1) numbers them all."""
    for number in range(first, first + count):
        yield "Person", f"p-{number:06}", person(oid, number)


def organization(oid: str, number: int) -> Submitted:
    """The МО itself."""
    address = _address(number)
    region = _many(territoryCode=oid.split(".")[-2], isFederalCity="false")
    content = (
        _many(
            oid=oid,
            nameFull=f"Учебная больница № {number} выдуманного региона",
            nameShort=f"Учебная больница № {number}",
            inn=_inn(number),
            kpp="340001001",
            ogrn=_ogrn(number),
        )
        + f"<legalAddress>{address}</legalAddress><orgType><code>1</code></orgType><structure/>"
        + _many(regOrgName=f"Учебная больница № {number}", regOrg="Выдуманный регистрирующий орган")
        + f"<regOrgAddress>{address}</regOrgAddress><moAddress><address>{address}</address>"
        + f"<addrRegion><code>34</code></addrRegion></moAddress><regionId>{region}</regionId><medicalSubjectId/>"
        + _many(email=f"hospital-{number}@region.example", primaryVascular="false")
    )
    return "Organization", "mo", _document("Organization", content)


def building(object_id: str, number: int) -> Submitted:
    """A building."""
    return "Building", object_id, _document("Building", _building(number))


def department(object_id: str, number: int, stands_in: str, head: str = "") -> Submitted:
    """A unit with a section of beds, in a building and, if told, under another unit: both by ids of the МИС."""
    of_head = f'<headDepart objectId="{head}"/>' if head else "<headDepart/>"
    section = (
        _many(oid=f"1.2.643.5.1.13.13.12.2.34.0.{number:06}", subdivisionName=f"Учебные палаты {number}")
        + "<healthCareProfile/><services><servicesItem><code>1</code></servicesItem></services>"
        + f'<subdivisionId><id>1</id></subdivisionId><buildings><buildingsItem><id objectId="{stands_in}"/>'
        + _building(number)
        + "</buildingsItem></buildings><hospitalSubdivisionBeds><hospitalSubdivisionBedsItem><bedProfileId><id>71</id>"
        + "</bedProfileId><bedCount>40</bedCount></hospitalSubdivisionBedsItem></hospitalSubdivisionBeds>"
    )
    content = (
        _many(departName=f"Учебное отделение № {number}")
        + f"<departStructure><level>1</level>{of_head}</departStructure>"
        + _many(medicalSubjectId="2", isPlanned="false")
        + "<departKindId><id>10</id></departKindId><departTypeId><id>2</id></departTypeId>"
        + _many(separateDepart="false")
        + f'<departBuildings><departBuildingsItem><buildingId objectId="{stands_in}"/>'
        + _many(buildingName="Учебный корпус")
        + "</departBuildingsItem></departBuildings><departHospital><ambulance>false</ambulance><hospitalSubdivision>"
        + f"<hospitalSubdivisionItem>{section}</hospitalSubdivisionItem></hospitalSubdivision></departHospital>"
    )
    return "Department", object_id, _document("Department", content)


def staffing(object_id: str, number: int, units: Iterable[str]) -> Submitted:
    """A staffing table with a line for each of the units, named by ids of the МИС."""
    lines = "".join(
        f'<staffDetailsItem><nrPmuDepartId objectId="{unit}"/><postFedCode><code>173</code></postFedCode>'
        f"<post><code>173</code></post>{_many(rate='22.5', busyRate='0', vacancy='22.5')}</staffDetailsItem>"
        for unit in units
    )
    begin, end = HALF_YEAR
    dates = _many(staffNum=f"{number}-У", staffCreateDate="2025-12-01T00:00:00Z", beginDate=begin, endDate=end)
    return "Staff", object_id, _document("Staff", f"{dates}<staffDetails>{lines}</staffDetails>")


def person(oid: str, number: int) -> bytes:
    """An invented worker; СНИЛС below 001-001-999 have no check digits, so none of them is anybody's."""
    document = _many(
        documentId="1", serial="0000", number=f"{number:06}", passDate="2000-03-01T00:00:00Z", passOrg="Выдумано"
    )
    card = (
        _many(
            oid=oid,
            organization="Учебная больница",
            nrPmuDepartId=f"{oid}.0.000001",
            contractNumber=f"{number}-У",
            contractDate="2020-01-09T00:00:00Z",
            serviceNumber=f"{number:06}",
            fedPositionId="173",
        )
        + "<services/>"
        + _many(positionTypeId="1", postId="173", rate="1", beginDate="2020-01-09T00:00:00Z")
    )
    education = _many(docNumber=f"{number:07}", docDate="2005-06-30T00:00:00Z", institutionName="Учебная академия")
    content = (
        _many(
            mr="true",
            student="false",
            isMedicalWorker="true",
            isPharmWorker="false",
            lastName="Учебный",
            firstName=f"Проба-{number}",
            gender=str(1 + number % 2),
            birthDate="1980-02-29T00:00:00Z",
            snils=f"{number:09}00",
        )
        + "<citizenShipId><code>1</code></citizenShipId>"
        + f"<documents><documentsItem>{document}</documentsItem></documents>"
        + f"<personCard><personCardItem>{card}</personCardItem></personCard>"
        + f"<educationProf><educationProfItem>{education}</educationProfItem></educationProf>"
    )
    return _document("Person", content)


def _building(number: int) -> str:
    return (
        _many(
            buildName=f"Учебный корпус № {number}",
            buildYear="1978",
            beginDate="1978-11-01T00:00:00Z",
            floorCount="5",
            hasTrouble="false",
        )
        + f"<buildingAddress><addrRegion>34</addrRegion><address>{_address(number)}</address>"
        + _many(latitude="47.5", longitude="42.25")
        + "</buildingAddress>"
    )


def _address(number: int) -> str:
    region = _many(territoryCode="34", isFederalCity="false")
    place = _many(streetName="Выдуманная", house=str(number))
    return f"{_many(GARguid=GAR.format(number))}<region>{region}</region>{place}"


def _many(**fields: str) -> str:
    return "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())


def _document(root: str, content: str) -> bytes:
    return f"<{root}>{content}</{root}>".encode()


def _inn(number: int) -> str:
    digits = f"34000{number:04}"
    weights = (2, 4, 10, 3, 5, 9, 4, 6, 8)
    check = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11 % 10
    return f"{digits}{check}"


def _ogrn(number: int) -> str:
    digits = f"10234000{number:04}"
    return f"{digits}{int(digits) % 11 % 10}"
