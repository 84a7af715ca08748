"""What the stand-in ФРМО and ФРМР refuse though a request is valid: told in ``errorUserMessage``, with HTTP 200.

The business rules of the real registers are not public. Those of any register that keeps its records whole are played
here: a record names only records that its МО has, none goes while another names it, no unit belongs to itself, one
СНИЛС belongs to one person, some sections of a person hold one record, and a card of a worker is kept by the МО whose
OID it bears. The unit that a card names is not looked for: it is a record of the other register.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workers.ips.register import Operation
from workers.sandbox.ips_state import Json, Store

HEAD: Final = "departStructure/headDepart"
AT_MOST_ONE: Final = frozenset({"MilitaryService", "EducationCommon", "PersonAccreditation"})
"""Entities of which a person has one record at most."""


class RefusedByRule(Exception):
    """A business rule is broken: HTTP 200 with ``errorUserMessage``."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that holds the id of another record of the same МО.

    ``path`` leads to it by names of JSON members, through arrays to each of their items; ``entity`` is what it names,
    ``noun`` what that is to the record, in words of the neuter gender. ``optional``: an empty text names nothing.
    """

    path: str
    entity: str
    noun: str
    optional: bool = False


REFERENCES: Final[Mapping[str, Sequence[Reference]]] = {
    "Building": (
        Reference("moTerritorialDepartId", "TerritorialDepart", "территориально обособленное подразделение здания"),
    ),
    "TerritorialDepart": (
        Reference("buildings/buildingId", "Building", "здание территориально обособленного подразделения"),
    ),
    "Department": (
        Reference(HEAD, "Department", "вышестоящее подразделение", optional=True),
        Reference("departBuildings/buildingId", "Building", "здание структурного подразделения"),
        Reference("departReg/room/buildings/id", "Building", "здание кабинета"),
        Reference("departHospital/hospitalSubdivision/buildings/id", "Building", "здание отделения стационара"),
        Reference("departLabs/buildings/id", "Building", "здание лаборатории"),
        Reference("departAmbulances/buildings/id", "Building", "здание бригады скорой помощи"),
    ),
    "Staff": (
        Reference("staffDetails/nrPmuDepartId", "Department", "структурное подразделение из штатного расписания"),
    ),
    "Equipment": (
        Reference("building/buildingId", "Building", "здание оборудования"),
        Reference("depart/departId", "Department", "структурное подразделение оборудования"),
    ),
    "MobileDepart": (
        Reference("buildingId", "Building", "здание мобильного подразделения"),
        Reference("departId", "Department", "структурное подразделение мобильного подразделения"),
    ),
    "Telemedicine": (
        Reference("buildings/buildingId", "Building", "здание телемедицинского кабинета"),
        Reference("depart/code", "Department", "структурное подразделение телемедицинского кабинета"),
    ),
    "AirAmbulance": (
        Reference("depart/code", "Department", "структурное подразделение санитарной авиации"),
    ),
}  # fmt: skip
"""What each entity of ФРМО names, besides parts of records: sections, floors and rooms have no records of their own.

Source: the fields of ФРМО, REST API of ИПС. That ``depart/code``, a text where all other codes are whole numbers, is
the OID of a unit is our inference.
"""


class Rules:
    """The rules over the records of both registers. Call inside a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def check_written(self, operation: Operation, owner: str, entity_id: str, content: Json) -> None:
        """Let a record be as ``content`` tells; ``entity_id`` is empty for one that is to be created.

        Costs a look-up for each record that it names, and for each head above a unit that is changed.

        Raises:
            RefusedByRule: it must not be so.
        """
        for reference in REFERENCES.get(operation.entity, ()) if operation.register == "frmo" else ():
            for named in dict.fromkeys(_named(content, reference)):
                if not self._store.has(reference.entity, owner, named):
                    raise RefusedByRule(f"{reference.noun[0].upper()}{reference.noun[1:]} не найдено в ФРМО.")
        if operation.entity == "Department" and entity_id:  # nothing belongs yet to a unit that is to be created
            self._check_heads(owner, entity_id, content)
        if operation.entity in AT_MOST_ONE and not entity_id and self._store.owned(operation.entity, owner):
            raise RefusedByRule("Запись в этом разделе личного дела может быть только одна.")
        if operation.entity == "Person" and content.get("snils"):
            same = self._store.by_snils(content["snils"])
            if same is not None and same["oid"] != entity_id:
                raise RefusedByRule("Физическое лицо с таким СНИЛС уже есть в ФРМР.")

    def check_removed(self, entity: str, owner: str, entity_id: str) -> None:
        """Let a record go; costs one pass over the records of its МО that can name it.

        Raises:
            RefusedByRule: another one names it.
        """
        for referring, references in REFERENCES.items():
            to_it = [reference for reference in references if reference.entity == entity]
            for record in self._store.holding(referring, owner, entity_id) if to_it else ():
                for reference in to_it:
                    if entity_id in _named(record, reference):
                        raise RefusedByRule(f"Удаление невозможно: запись указана как {reference.noun}.")

    def check_cards(self, operation: Operation, parameters: Mapping[str, str], *cards: Json) -> None:
        """Let a card, as it stands and as it is to be, be that of the МО that asks.

        Raises:
            RefusedByRule: it is that of another.
        """
        if operation.entity == "PersonCard" and any(card["oid"] != parameters["mo"] for card in cards):
            raise RefusedByRule("Личное дело ведёт другая МО.")

    def _check_heads(self, owner: str, unit: str, content: Json) -> None:
        passed = set()
        head = _head(content)
        while head and head not in passed:
            if head == unit:
                raise RefusedByRule("Структурное подразделение не может входить в само себя.")
            passed.add(head)
            head = _head(self._store.get("Department", owner, head) or {})


def _head(unit: Json) -> str:
    return next(_values(unit, HEAD.split("/")), "")


def _named(content: Json, reference: Reference) -> Iterator[str]:
    values = _values(content, reference.path.split("/"))
    return (value for value in values if value or not reference.optional)


def _values(content: object, path: Sequence[str]) -> Iterator[str]:
    if isinstance(content, list):
        for item in content:
            yield from _values(item, path)
    elif isinstance(content, dict):
        yield from _values(content.get(path[0]), path[1:])
    elif content is not None:
        yield str(content)
