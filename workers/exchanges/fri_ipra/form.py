"""Формирование пакета: a field is the child of the source object with the same name.

A measure that ФРИ has taken is left out while it is as it was: only the others go again. The schema of the packet
judges the values; here nothing is checked but what a packet cannot be built without.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Final
from uuid import uuid5

from lxml import etree

from workers.exchange import Element, Finding, Frame, Job, MissingSourceData, ogrn_is_right, root_path, value
from workers.exchanges.fri_ipra.fields import EXECUT, NAMESPACE, PRG, RHB

HEALTH: Final = "1"
"""OivId of health care (PRG_OIV)."""
SENDER: Final = {
    "ogrn": ("ОГРН", re.compile(r"[0-9]{13}")),
    "fri_okr": ("код федерального округа (PRG_OKR)", re.compile(r"[1-9]")),
    "fri_reg": ("код субъекта Российской Федерации (PRG_REG)", re.compile(r"[1-9][0-9]?")),
}
"""What must stand among the МО's codes: its title and its form."""
_MEASURE: Final = re.compile(r"/Rhb(?:\[([0-9]+)\])?")


def record(job: Job) -> Element:
    """Build one Prg of the measures that are to be sent; pure.

    Fields that are absent or blank are left out; runs of blanks are folded to one.

    Raises:
        MissingSourceData: the register of МО lacks what the sender is told by.
    """
    if findings := missing(job):
        raise MissingSourceData(findings)
    made = etree.Element(name("Prg"), nsmap={None: NAMESPACE})
    for field in PRG:
        _add(made, field, _spelt(field, value(job.source.find(field))))
    made.extend(_measure(measure) for _, measure in measures(job))
    return made


def frame(frame: Frame, records: Sequence[Element]) -> Element:
    """Build the packet around its programmes; it is known by its PackageId, the id of the packet."""
    root = etree.Element(name("SubmitIpraExecution"), nsmap={None: NAMESPACE})
    _add(root, "MessageId", str(uuid5(frame.packet_id, "MessageId")))
    sender = etree.SubElement(root, name("Sender"))
    codes = frame.organization.codes
    _add(sender, "Ogrn", codes.get("ogrn", ""))
    _add(sender, "OivId", HEALTH)
    _add(sender, "OkrId", codes.get("fri_okr", ""))
    _add(sender, "RegId", codes.get("fri_reg", ""))
    _add(sender, "Name", " ".join(frame.organization.name.split()))
    _add(root, "PackageId", str(frame.packet_id))
    root.extend(records)
    return root


def locate(job: Job, path: str) -> str:
    """Name the place in the source object that a place in a packet of one programme was made of."""
    top, place = root_path(job.source), path.partition("/Prg")[2]
    found = _MEASURE.match(place)
    if found is None:
        return f"{top}{place}"
    sent, number = measures(job), int(found[1] or 1)
    at = sent[number - 1][0] if number <= len(sent) else number
    return f"{top}{measure_path(job, at)}{place[found.end() :]}"


def missing(job: Job) -> tuple[Finding, ...]:
    """Tell what the sender cannot be told by: rule 701."""
    found = []
    for code, (title, form) in SENDER.items():
        given = job.organization.codes.get(code, "")
        if not form.fullmatch(given) or (code == "ogrn" and not ogrn_is_right(given)):
            message = f"В справочнике МО не указан или неверен {title}: внесите её код {code}."
            found.append(Finding(root_path(job.source), None, "701", message))
    return tuple(found)


def measures(job: Job) -> list[tuple[int, Element]]:
    """Measures to send, each with its place among those of the source, from 1.

    Those that ФРИ has taken as they are stay at home; when that leaves none, it is the programme itself that changed,
    and it goes with all of them, for it cannot go without any.
    """
    every = list(enumerate(job.source.findall("Rhb"), start=1))
    if not job.accepted_parts:
        return every
    due = [each for each in every if job.accepted_parts.get(key(each[1])) != mark(_measure(each[1]))]
    return due or every


def measure_path(job: Job, place: int) -> str:
    """Path of a measure below the source object."""
    return f"/Rhb[{place}]" if len(job.source.findall("Rhb")) > 1 else "/Rhb"


def key(measure: Element) -> str:
    """What a measure is known by, of a source object or of a packet."""
    found = measure.find("{*}Id")
    return value(found).lower()


def mark(measure: Element) -> str:
    """What tells whether a measure of a packet has changed: a digest of its content, however that is laid out."""
    bare = deepcopy(measure)
    for element in bare.iter("*"):
        if len(element) and not (element.text or "").strip():
            element.text = None
        if not (element.tail or "").strip():
            element.tail = None
    return hashlib.sha256(etree.tostring(bare, method="c14n", exclusive=True)).hexdigest()[:32]


def executor(measure: Element) -> Element | None:
    """The executor that is told by name; None when none of its fields is filled in."""
    given = measure.find("Execut")
    return given if given is not None and any(value(given.find(field)) for field in EXECUT) else None


def name(local: str) -> str:
    """Name of an element of the packet."""
    return f"{{{NAMESPACE}}}{local}"


def _measure(source: Element) -> Element:
    made = etree.Element(name("Rhb"), nsmap={None: NAMESPACE})
    for field in RHB:
        if field != "Execut":
            _add(made, field, _spelt(field, value(source.find(field))))
        elif (told := executor(source)) is not None:
            group = etree.SubElement(made, name(field))
            for inner in EXECUT:
                _add(group, inner, value(told.find(inner)))
    return made


def _spelt(field: str, text: str) -> str:
    """As ФРИ spells it: identifiers in small letters, СНИЛС without separators."""
    if field in ("Id", "MseId"):
        return text.lower()
    return re.sub(r"[- ]", "", text) if field == "Snils" else text


def _add(parent: Element, local: str, text: str) -> None:
    if text:
        etree.SubElement(parent, name(local)).text = text
