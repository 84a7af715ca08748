"""Checks before anything is sent: one table of rules, and what concerns several objects at once.

A rule tells whether one element breaks it; its message stands in ``dictionary.toml`` under its code. What the МИС marks
«не передавать в ФРМО» is not checked.

The schema of what is submitted (``xsd/frmo/1.0/source``) refuses at the door a year or a number of floors that is not
whole, a date that is no xs:dateTime, a coordinate or a rate that is no number. Rules of these fields do not tell that
from an empty field: what was stored before the schema was what it is gets the error of its rule. An object that breaks
a rule is not held against the schema of packets, so nothing is told twice.

Source: federal description of ФРМО, clause 7.4.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from workers.exchange import (
    Broken,
    Element,
    Problem,
    SourceObject,
    absent,
    either,
    inn_is_right,
    is_oid,
    moment_of,
    no_date,
    ogrn_is_right,
    text_at,
)
from workers.exchanges.frmo.kinds import (
    BUILDING,
    CARD,
    DEPARTMENT,
    KINDS,
    OWN_ID,
    SECTIONS,
    STAFF,
    Kind,
    Reference,
    about,
    is_withheld,
    references,
)

ANY: Final = re.compile(r".+", re.DOTALL)
UNIT_OID: Final = re.compile(r"[0-9]+(\.[0-9]+)+")
"""As ФРМО writes it: its last number may begin with zeros."""
YEARS: Final = (1500, 2100)
"""In which a building may have been built: wide enough for every house in use, and a slip of the pen falls out."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: for which object type, for which elements inside it (empty: the object itself), when it is broken."""

    code: str
    applies_to: str
    each: str
    broken: Broken


def not_digits(path: str, length: int, right: Callable[[str], bool] = lambda _: True) -> Broken:
    """The field is not a number of so many digits with right check digits."""
    return lambda e: not (re.fullmatch(rf"[0-9]{{{length}}}", text_at(e, path)) and right(text_at(e, path)))


def out_of(path: str, least: float, most: float = inf, read: Callable[[str], float] = float) -> Broken:
    """The field is not a number from ``least`` to ``most``, both included."""

    def broken(element: Element) -> bool:
        try:
            return not least <= read(text_at(element, path)) <= most
        except ValueError:
            return True

    return broken


def without(path: str, field: str) -> Broken:
    """No item of an array has the field filled in."""
    return lambda e: not any(text_at(item, field) for item in e.findall(path))


def not_named(path: str, form: re.Pattern[str] = ANY) -> Broken:
    """Neither one of the МИС's own objects stands in the field nor an id of the register, in its form."""
    return lambda e: (
        not any(named.get(OWN_ID) or form.fullmatch((named.text or "").strip()) for named in e.findall(path))
    )


def _ends_too_early(staff: Element) -> bool:
    begin, end = moment_of(text_at(staff, "beginDate")), moment_of(text_at(staff, "endDate"))
    return begin is not None and end is not None and end < begin


def _no_rate(line: Element) -> bool:
    try:
        return not 0 < float(text_at(line, "rate")) < inf
    except ValueError:
        return True


_HOSPITAL, _ROOM, _LAB = SECTIONS
_LINE: Final = "staffDetails/staffDetailsItem"

RULES: Final = (
    Rule("202", "Organization", "", absent("nameFull")),
    Rule("203", "Organization", "", absent("nameShort")),
    Rule("204", "Organization", "", not_digits("inn", 10, inn_is_right)),
    Rule("205", "Organization", "", not_digits("kpp", 9)),
    Rule("206", "Organization", "", not_digits("ogrn", 13, ogrn_is_right)),
    Rule("207", "Organization", "", absent("legalAddress/GARguid")),
    Rule("208", "Organization", "", absent("moAddress/address/GARguid")),
    Rule("211", "Building", "", absent("buildName")),
    Rule("212", "Building", "", out_of("buildYear", *YEARS, int)),
    Rule("213", "Building", "", no_date("beginDate")),
    Rule("214", "Building", "", out_of("floorCount", 1, inf, int)),
    Rule("215", "Building", "",
         either(out_of("buildingAddress/latitude", -90, 90), out_of("buildingAddress/longitude", -180, 180))),
    Rule("216", "Building", "", absent("buildingAddress/address/GARguid")),
    Rule("221", "Department", "", absent("departName")),
    Rule("222", "Department", "", absent("departKindId/id")),
    Rule("223", "Department", "", absent("departTypeId/id")),
    Rule("224", "Department", "", absent("departStructure/level")),
    Rule("231", "Department", _HOSPITAL, absent("subdivisionId/id")),
    Rule("231", "Department", _ROOM, absent("subdivisionId/id")),
    Rule("231", "Department", _LAB, absent("roomTypeId/id")),
    Rule("232", "Department", _HOSPITAL, without("services/servicesItem", "code")),
    Rule("232", "Department", _ROOM, without("services/servicesItem", "code")),
    Rule("232", "Department", _LAB, without("services/servicesItem", "code")),
    Rule("233", "Department", _HOSPITAL, not_named("buildings/buildingsItem/id")),
    Rule("233", "Department", _ROOM, not_named("buildings/buildingsItem/id")),
    Rule("233", "Department", _LAB, not_named("buildings/buildingsItem/id")),
    Rule("234", "Department", f"{_HOSPITAL}/hospitalSubdivisionBeds/hospitalSubdivisionBedsItem",
         absent("bedProfileId/id")),
    Rule("241", "Staff", "", absent("staffNum")),
    Rule("242", "Staff", "", no_date("staffCreateDate", "beginDate", "endDate")),
    Rule("243", "Staff", "", _ends_too_early),
    Rule("244", "Staff", _LINE, not_named("nrPmuDepartId", UNIT_OID)),
    Rule("245", "Staff", _LINE, absent("post/code", "postFedCode/code")),
    Rule("246", "Staff", _LINE, _no_rate),
)  # fmt: skip
"""A code may stand in several rows: one message, several places."""

TOGETHER: Final = ("200", "201", "209", "217", "225", "226", "227", "228", "229", "248")
"""Codes of what :func:`check_together` finds."""

Sources = Mapping[str, Sequence[SourceObject]]
"""Submitted objects by type, without what is removed or withheld."""


def check(source: SourceObject, organization: str) -> Iterator[Problem]:
    """Find every broken rule of one object; pure."""
    content = source.content
    if content is None or is_withheld(content):
        return
    kind = next((k for k in KINDS if k.object_type == source.object_type), None)
    for rule in RULES:
        if rule.applies_to != source.object_type:
            continue
        for element in content.findall(rule.each) if rule.each else [content]:
            section = _section(element)
            if not any(is_withheld(e) for e in (element, *element.iterancestors())) and rule.broken(element):
                yield Problem(rule.code, about(organization, kind, content, section))


def check_together(sources: Sources, organization: str, oid: str) -> Iterator[Problem]:
    """Find what several objects do wrong together: ids that stand twice, references that lead nowhere; pure."""
    whole = about(organization)
    if not is_oid(oid):
        yield Problem("200", whole)
    cards = sources.get(CARD.object_type, ())
    if len(cards) != 1:
        yield Problem("201", whole)
    if any(text_at(card.content, "oid") not in {"", oid} for card in cards if card.content is not None):
        yield Problem("209", whole)
    yield from _not_unique(sources, organization)
    yield from _lost(sources, organization)


def _not_unique(sources: Sources, organization: str) -> Iterator[Problem]:
    for kind, code in ((BUILDING, "217"), (DEPARTMENT, "225"), (STAFF, "248")):
        used = Counter(oid for source in sources.get(kind.object_type, ()) for oid, _ in _ids(kind, source))
        for source in sources.get(kind.object_type, ()):
            for oid, section in _ids(kind, source):
                if used[oid] > 1:
                    yield Problem(code, about(organization, kind, source.content, section))


def _ids(kind: Kind, source: SourceObject) -> Iterator[tuple[str, str]]:
    """Ids of the register that an object and its sections bear, each with the name of the section."""
    if source.content is None:
        return
    if own := text_at(source.content, kind.id_field):
        yield own, ""
    if kind is DEPARTMENT:
        for path, field in SECTIONS.items():
            for section in source.content.findall(path):
                if text_at(section, field) and not is_withheld(section):
                    yield text_at(section, field), _section(section)


def _lost(sources: Sources, organization: str) -> Iterator[Problem]:
    present = {(kind, source.object_id) for kind, found in sources.items() for source in found}
    codes = {BUILDING.object_type: "226", DEPARTMENT.object_type: "227"}
    heads: dict[Reference, Reference] = {}
    for kind in KINDS:
        for source in sources.get(kind.object_type, ()):
            if source.content is None:
                continue
            for field, named in references(source.content):
                if any(is_withheld(element) for element in field.iterancestors()):
                    continue
                if named not in present:
                    code = "229" if kind is STAFF else codes[named[0]]
                    yield Problem(code, about(organization, kind, source.content))
                elif field.tag == "headDepart":
                    heads[kind.object_type, source.object_id] = named
    for source in sources.get(DEPARTMENT.object_type, ()):
        if _goes_round((DEPARTMENT.object_type, source.object_id), heads):
            yield Problem("228", about(organization, DEPARTMENT, source.content))


def _goes_round(start: Reference, heads: Mapping[Reference, Reference]) -> bool:
    passed = {start}
    here = heads.get(start)
    while here is not None and here not in passed:
        passed.add(here)
        here = heads.get(here)
    return here == start


def _section(element: Element) -> str:
    """Name of the section that an element is or lies in, empty outside of sections."""
    for one in (element, *element.iterancestors()):
        if one.tag in {"hospitalSubdivisionItem", "roomItem", "departLabsItem"}:
            names = (text_at(one, field) for field in ("subdivisionName", "oid", "labOid"))
            return next(filter(None, names), "без наименования")
    return ""
