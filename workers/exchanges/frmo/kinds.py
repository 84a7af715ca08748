"""Kinds of entities that a МО has in ФРМО: what they are called, how one is found, what it refers to.

Source: federal description of ФРМО, REST API of ИПС; names of operations are those of ``xsd/frmo/1.0/frmo.xsd``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from workers.exchange import Element, text_at

OWN_ID: Final = "objectId"
"""Attribute by which the МИС names another of its objects where ФРМО has given it no id yet."""
DO_NOT_SEND: Final = "doNotSend"
HEAD: Final = "departStructure/headDepart"
"""Where a unit names the unit to which it belongs."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entity. ``prefix`` begins the names of its operations, ``id_field`` holds the id that ФРМО gave.

    ``key`` are the fields by which people tell one from another: the way to find an entity whose id is not known.
    ``places`` are those by which two with the same key differ most: where they belong and stand.
    ``label`` stands before ``title_field`` in «Объект».
    """

    object_type: str
    prefix: str
    id_field: str
    label: str
    title_field: str
    key: tuple[str, ...]
    places: tuple[str, ...] = ()


BUILDING: Final = Kind(
    "Building",
    "mo_building",
    "id",
    "Здание МО",
    "buildName",
    ("buildName", "buildingAddress/address/GARguid", "buildingAddress/address/house"),
)
DEPARTMENT: Final = Kind(
    "Department",
    "mo_depart",
    "oid",
    "Подразделение",
    "departName",
    ("departName", "departKindId/id", "departTypeId/id"),
    (HEAD, "departBuildings/departBuildingsItem/buildingId"),
)
STAFF: Final = Kind("Staff", "mo_staff", "staffId", "Штатное расписание", "staffNum", ("staffNum", "beginDate"))
CARD: Final = Kind("Organization", "mo", "oid", "МО", "nameShort", ())
"""The МО itself: there is one, and it is only ever updated."""
KINDS: Final = (BUILDING, DEPARTMENT, STAFF)
"""In the order in which they may be sent: each refers only to those before it and, a unit, to units."""

SECTIONS: Final = {
    "departHospital/hospitalSubdivision/hospitalSubdivisionItem": "oid",
    "departReg/room/roomItem": "oid",
    "departLabs/departLabsItem": "labOid",
}
"""Sections («отделения и кабинеты») of a unit, each with the field of its OID."""

_REFERRED: Final = {
    "buildingId": BUILDING,
    "id": BUILDING,
    "headDepart": DEPARTMENT,
    "nrPmuDepartId": DEPARTMENT,
}

Reference = tuple[str, str]
"""Object type and the МИС's id of the object that another one names."""


def references(content: Element) -> Iterator[tuple[Element, Reference]]:
    """Yield the fields that name another object of the МИС, with the object they name."""
    for element in content.iter():
        named = element.get(OWN_ID)
        if named:
            yield element, (_REFERRED[str(element.tag)].object_type, named)


def is_withheld(element: Element) -> bool:
    """Whether the МИС marks it «не передавать в ФРМО»."""
    return element.get(DO_NOT_SEND, "").strip() in {"true", "1"}


def withheld_sections(unit: Element) -> frozenset[str]:
    """OIDs of the sections of a unit that the МИС marks «не передавать в ФРМО»."""
    marked = ((s, field) for path, field in SECTIONS.items() for s in unit.iterfind(path) if is_withheld(s))
    return frozenset(oid for section, field in marked if (oid := text_at(section, field)))


def about(organization: str, kind: Kind | None = None, content: Element | None = None, section: str = "") -> str:
    """«Объект»: «МО: …, Подразделение: …, Отделение: …»."""
    parts = [f"МО: {organization}"]
    if kind is not None and kind is not CARD and content is not None:
        parts.append(f"{kind.label}: {text_at(content, kind.title_field) or 'без наименования'}")
    if section:
        parts.append(f"Отделение: {section}")
    return ", ".join(parts)
