"""Формирование пакетов ТФОМС: a field of ZAP is the child of the source object with the same name.

The schema of the packet judges the values; here nothing is checked but what a packet cannot be built without.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from workers.exchange import Element, Finding, Job, MissingSourceData, Operation
from workers.exchanges.tfoms_hosp.fields import ADDRESSEE, FIELDS, PERS, TITLES

NAMESPACE: Final = "urn:service-journal:tfoms:1"
VERSION: Final = "1.0"
CODE_SYSTEM: Final = "tfoms"
"""Name of the МО's code in ``Organization.codes``: its number in the register of МО (F003)."""

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
    found = []
    root = root_path(job.source)
    if not job.organization.codes.get(CODE_SYSTEM):
        message = "У медицинской организации не указан код ТФОМС: внесите его в справочник МО."
        found.append(Finding(root, None, "301", message))
    name = ADDRESSEE.get(job.packet_type)
    if name is not None and not value(child := job.source.find(name)):
        line = (job.source if child is None else child).sourceline
        message = f"«{TITLES[name]}»: поле не заполнено, пакет некому адресовать."
        found.append(Finding(f"{root}/{name}", line, "302", message))
    return tuple(found)


def value(element: Element | None) -> str:
    """Read a field as packet and rules see it: blanks folded, empty when there is nothing."""
    if element is None:
        return ""
    return " ".join((element.text or "").split()) if len(element) == 0 else ""


def root_path(source: Element) -> str:
    """Path of the source object, as findings begin."""
    return f"/{etree.QName(source).localname}"


def _header(root: Element, job: Job) -> None:
    header = etree.SubElement(root, _QUALIFIED["ZGLV"])
    _add(header, "VERSION", VERSION)
    _add(header, "DATA", job.formed_at.date().isoformat())
    _add(header, "ID", str(job.packet_id))
    _add(header, "OPER", job.operation.value)
    _add(header, "CODE_MO", job.organization.codes[CODE_SYSTEM])
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
