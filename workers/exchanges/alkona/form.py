"""Формирование файлов Альконы: a field of ZAP is the child of the source object with the same name.

The schema of the packet judges the values; here nothing is checked but what a file cannot be built without.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from lxml import etree

from workers.exchange import Element, Finding, Frame, Job, MissingSourceData, funds, root_path, value
from workers.exchanges.alkona.fields import GROUPS, RECORDS

VERSION: Final = "1.0"
_REGION_DIGITS: Final = 2
"""The register's number of a МО begins with the code of its region."""


def record(job: Job) -> Element:
    """Build one ZAP; pure. A Delete repeats the content last submitted, by which the peer knows what goes.

    Fields that are absent or blank are left out; runs of blanks are folded to one.

    Raises:
        MissingSourceData: the МО has no code of ТФОМС.
    """
    if findings := missing(job):
        raise MissingSourceData(findings)
    made = etree.Element("ZAP")
    etree.SubElement(made, "N_ZAP")
    _copy(made, RECORDS[job.packet_type], job.source)
    return made


def frame(frame: Frame, records: Sequence[Element]) -> Element:
    """Build the file around its records, which are numbered from 1 in the order given."""
    root = etree.Element("ZL_LIST")
    _header(etree.SubElement(root, "ZGLV"), frame, len(records))
    for number, each in enumerate(records, start=1):
        each[0].text = str(number)
        root.append(each)
    return root


def name(frame: Frame) -> str:
    """Name of the file without extension: ``PRFM340001T34_26120100001``."""
    code = funds.code_of(frame.organization)
    return f"{frame.packet_type}M{code}T{code[:_REGION_DIGITS]}_{frame.formed_at:%y%m%d}{frame.number:05d}"


def locate(job: Job, path: str) -> str:
    """Name the place in the source object that a place in a file of one record was made of."""
    place = path.partition("/ZAP")[2]
    return f"{root_path(job.source)}{place}" if place else path


def missing(job: Job) -> tuple[Finding, ...]:
    """Tell what the file cannot be built without: rule 401, which holds for a Delete too."""
    return funds.no_code(job, "401")


def _header(header: Element, frame: Frame, records: int) -> None:
    fields = {
        "VERSION": VERSION,
        "DATA": frame.formed_at.date().isoformat(),
        "FILENAME": name(frame),
        "GRP_ID": str(frame.group_id),
        "ID": str(frame.packet_id),
        "N_PACK": str(frame.position),
        "K_PACK": str(frame.size),
        "TYPE": frame.packet_type,
        "OPER": frame.operation.value,
        "CODE_MO": funds.code_of(frame.organization),
        **({"YEAR": f"{frame.formed_at:%Y}"} if frame.packet_type == "PRF" else {}),
        "SD_Z": str(records),
    }
    for tag, text in fields.items():
        etree.SubElement(header, tag).text = text


def _copy(target: Element, fields: tuple[str, ...], source: Element) -> None:
    children = defaultdict(list)
    for child in source:
        children[child.tag].append(child)
    for tag in fields:
        for child in children[tag]:
            if tag in GROUPS:
                # Kept even when empty: rules and schema then name the fields that the МО must complete.
                _copy(etree.SubElement(target, tag), GROUPS[tag], child)
            elif text := value(child):
                etree.SubElement(target, tag).text = text
