"""Формирование файлов «263»: a record in the group that tells its МО, records of one group gathered in a file.

The schema of the file judges the values; here nothing is checked but what a file cannot be built without.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Final

from lxml import etree

from workers.exchange import Element, Finding, Frame, Job, MissingSourceData, Operation, Values, funds, root_path, value
from workers.exchanges.volgograd.derived import values_of
from workers.exchanges.volgograd.fields import (
    BED_GROUPS,
    BEDS,
    CANCELLATION,
    DISCHARGE,
    EMERGENCY,
    FILES,
    HOSPITALISATION,
    RECORDS,
    REFERRAL,
    SHAPES,
    TAKEN_FROM,
    WITHDRAWAL,
    Shape,
)

VERSION: Final = "2.0"
REGION: Final = "34"
"""Code of the fund (ТФОМС) that the files are for."""

_STAYS: Final = (HOSPITALISATION, EMERGENCY)
_INDEX: Final = re.compile(r"\[[0-9]+\]")


def packet_type(job: Job) -> str | None:
    """Choose the file of an object: an emergency is told in I05, a removed referral is annulled in I03.

    A motion is told when the patient left; until then there is nothing to tell.
    """
    if job.packet_type == REFERRAL and job.operation is Operation.DELETE:
        return CANCELLATION
    if job.packet_type in _STAYS:
        return EMERGENCY if _is_emergency(values_of(job)) else HOSPITALISATION
    if job.packet_type == DISCHARGE and job.operation is Operation.INSERT and not value(job.source.find("DTA_OUT")):
        return None
    return job.packet_type


def _is_emergency(values: Values) -> bool:
    kind = values.get("TYPE_H")
    return kind == "4" or (kind is None and values.get("FRM_MP") == "1" and "NOM_NAP" not in values)


def shape_of(job: Job) -> Shape:
    """How the record of a job is built."""
    withdrawn = job.packet_type == CANCELLATION and job.operation is Operation.DELETE and job.source.tag == "Referral"
    return SHAPES[WITHDRAWAL if withdrawn else job.packet_type]


def record(job: Job) -> Element:
    """Build one record in a group of its own; pure. What goes repeats the content last submitted.

    Fields that are absent or blank are left out; runs of blanks are folded to one.

    Raises:
        MissingSourceData: the МО has no code of ТФОМС.
    """
    if findings := missing(job):
        raise MissingSourceData(findings)
    shape, values = shape_of(job), values_of(job)
    group = etree.Element(shape.group)
    for key in shape.keys:
        _add(group, key.path, values.get(key.source, ""))
    made = etree.SubElement(group, shape.record)
    for field in shape.fields:
        _add(made, field.path, values.get(field.source, ""))
    if job.packet_type == BEDS:
        _copy_beds(made, job.source)
    return group


def frame(frame: Frame, records: Sequence[Element]) -> Element:
    """Build the file; records that follow each other in equal groups share one."""
    root = etree.Element("ZL_LIST")
    header = etree.SubElement(root, "ZGLV")
    day = frame.formed_at.date().isoformat()
    for tag, text in (("VERSION", VERSION), ("DATE_F", day), ("NAME_F", name(frame)), ("DATE_R", day)):
        etree.SubElement(header, tag).text = text
    last: tuple[str, ...] = ()
    for each in records:
        told = (str(each.tag), *(value(key) for key in each[:-1]))
        if told == last:
            root[-1].append(deepcopy(each[-1]))
        else:
            root.append(deepcopy(each))
        last = told
    return root


def records(packet: Element) -> list[Element]:
    """The records of a file, each in a group of its own again."""
    found = []
    for group in packet[1:]:
        keys = [child for child in group if child.tag not in RECORDS]
        for child in group:
            if child.tag in RECORDS:
                alone = etree.Element(group.tag)
                alone.extend(deepcopy(each) for each in (*keys, child))
                found.append(alone)
    return found


def name(frame: Frame) -> str:
    """Name of the file without extension: ``I01T34M340001_26120100001``."""
    code = funds.code_of(frame.organization)
    return f"{FILES[frame.packet_type]}T{REGION}M{code}_{frame.formed_at:%y%m%d}{frame.number:05d}"


def locate(job: Job, path: str) -> str:
    """Name the place in the source object that a place in a file of one record was made of."""
    shape, root = shape_of(job), root_path(job.source)
    place = path.removeprefix(f"/ZL_LIST/{shape.group}").removeprefix(f"/{shape.record}").strip("/")
    for field in shape.every():
        if field.path == place:
            source = TAKEN_FROM.get(field.source, field.source)
            return path if source.startswith("@") else f"{root}/{source}"
    if place == "PATIENT":
        return f"{root}/PERS"
    if _INDEX.sub("", place).partition("/")[0] in BED_GROUPS:
        return f"{root}/{place}"
    return path if path.startswith("/ZL_LIST/ZGLV") else root


def missing(job: Job) -> tuple[Finding, ...]:
    """Tell what the file cannot be built without: rule 501."""
    return funds.no_code(job, "501")


def _add(parent: Element, path: str, text: str) -> None:
    """Add a field; a group on the way to it is made when it is not there yet."""
    if not text:
        return
    *groups, leaf = path.split("/")
    for group in groups:
        last = parent[-1] if len(parent) else None
        parent = last if last is not None and last.tag == group else etree.SubElement(parent, group)
    etree.SubElement(parent, leaf).text = text


def _copy_beds(target: Element, source: Element) -> None:
    days = etree.SubElement(target, "FREE_PLACES")
    for told in source.findall("FREE_PLACES"):
        _copy_group(days, told)
    for told in source.findall("SMO_V"):
        _copy_group(etree.SubElement(target, "SMO_V"), told)


def _copy_group(target: Element, source: Element) -> None:
    for child_name in BED_GROUPS[str(source.tag)]:
        for child in source.findall(child_name):
            if child_name in BED_GROUPS:
                _copy_group(etree.SubElement(target, child_name), child)
            else:
                _add(target, child_name, value(child))
