"""Формирование пакетов ТФОМС: a field of ZAP is the child of the source object with the same name.

The schema of the packet judges the values; here nothing is checked but what a packet cannot be built without.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from workers.exchange import Element, Finding, Job, MissingSourceData, Operation, funds, line_of, root_path, value
from workers.exchanges.tfoms_hosp.fields import ADDRESSEE, FIELDS, PERS, TITLES

NAMESPACE: Final = "urn:service-journal:tfoms:1"
VERSION: Final = "1.0"

_NSMAP: Final = {None: NAMESPACE}
_QUALIFIED: Final = {
    name: f"{{{NAMESPACE}}}{name}"
    for name in {
        *("ZGLV", "ZAP", "VERSION", "DATA", "ID", "OPER", "CODE_MO", "CODE_MO_TO", "OBJ_ID"),
        *PERS,
        *(field for fields in FIELDS.values() for field in fields),
    }
}


def form(job: Job) -> Element:
    """Build one packet; pure. A Delete has the header only.

    DATA is the UTC date of ``job.formed_at``. Fields that are absent or blank are left out; runs of blanks
    are folded to one, save in COMMENT, whose inner line breaks are the author's.

    Raises:
        MissingSourceData: the МО has no code of ТФОМС, or the МО addressed by a referral is not named.
    """
    if findings := missing(job):
        raise MissingSourceData(findings)
    root = etree.Element(f"{{{NAMESPACE}}}{job.packet_type}", nsmap=_NSMAP)
    _header(root, job)
    if job.operation is not Operation.DELETE:
        _copy(etree.SubElement(root, _QUALIFIED["ZAP"]), FIELDS[job.packet_type], job.source)
    return root


def locate(job: Job, path: str) -> str:
    """Name the place in the source object that a place in the packet was made of; the header is of our making."""
    place = path.partition("/ZAP")[2]
    return f"{root_path(job.source)}{place}" if place else path


def missing(job: Job) -> tuple[Finding, ...]:
    """Tell what the packet cannot be built without: rules 301 and 302, which hold for a Delete too."""
    found = list(funds.no_code(job, "301"))
    name = ADDRESSEE.get(job.packet_type)
    if name is not None and not value(job.source.find(name)):
        message = f"«{TITLES[name]}»: поле не заполнено, пакет некому адресовать."
        found.append(Finding(f"{root_path(job.source)}/{name}", line_of(job.source, name), "302", message))
    return tuple(found)


def _header(root: Element, job: Job) -> None:
    header = etree.SubElement(root, _QUALIFIED["ZGLV"])
    _add(header, "VERSION", VERSION)
    _add(header, "DATA", job.formed_at.date().isoformat())
    _add(header, "ID", str(job.packet_id))
    _add(header, "OPER", job.operation.value)
    _add(header, "CODE_MO", funds.code_of(job.organization))
    if (name := ADDRESSEE.get(job.packet_type)) is not None:
        _add(header, "CODE_MO_TO", value(job.source.find(name)))
    _add(header, "OBJ_ID", job.object_id)


def _copy(target: Element, fields: tuple[str, ...], source: Element) -> None:
    children = {child.tag: child for child in source}
    for name in fields:
        child = children.get(name)
        if child is None:
            continue
        if name == "PERS":
            # Kept even when empty: the schema then names the fields that the МО must complete.
            _copy(etree.SubElement(target, _QUALIFIED[name]), PERS, child)
        elif name == "COMMENT":
            _add(target, name, (child.text or "").strip())
        else:
            _add(target, name, value(child))


def _add(parent: Element, name: str, text: str) -> None:
    if text:
        etree.SubElement(parent, _QUALIFIED[name]).text = text
