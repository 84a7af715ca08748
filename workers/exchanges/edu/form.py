"""Формирование уведомления: a field is the child of the event with the same name, in the order of the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lxml import etree

from workers.exchange import Element, Job

NAMESPACE: Final = "urn:ours:edu:notify:1"
VERSION: Final = "1.0"

_EVENT: Final = (
    "Kind",
    "MedOrg",
    "EduOrg",
    "Child",
    "Period",
    "Document",
    "Restrictions",
    "HealthGroup",
    "PhysGroup",
    "Comment",
    "Replaces",
)
_INSIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "EduOrg": ("Ogrn", "Inn", "FedCode", "Name", "Email"),
    "Child": ("ExternalId", "LastName", "FirstName", "SecondName", "BirthDate", "Snils", "EduLevel"),
    "EduLevel": ("Type", "Value"),
    "Period": ("From", "To"),
    "Document": ("Type", "FormNo", "Number", "Date", "IssuerFio"),
    "Restriction": ("Code", "Text", "From", "To"),
}
"""Fields of each group, in the order of the schema."""


def form(job: Job) -> Element:
    """Build one EduNotification; pure. Its NotificationId is the packet's id, so that a repeat is recognised.

    OID and name of the МО are those of the register of МО. Absent and blank fields are left out: the schema says what
    is missing.
    """
    root = etree.Element(_name("EduNotification"), nsmap={None: NAMESPACE}, version=VERSION)
    _add(root, "NotificationId", str(job.packet_id))
    _add(root, "CreatedAt", job.formed_at.isoformat(timespec="seconds"))
    for name in _EVENT:
        child = job.source.find(name)
        if name == "MedOrg":
            _organization(etree.SubElement(root, _name(name)), job, child)
        elif child is not None and name == "Restrictions":
            for restriction in child.iterfind("Restriction"):
                _copy(etree.SubElement(root, _name(name)), "Restriction", restriction)
        elif child is not None:
            _append(root, name, child)
    return root


def locate(job: Job, path: str) -> str:
    """Name the place in the source object that a place in the notification was made of."""
    place = path.removeprefix("/EduNotification").replace("/Restrictions", "/Restrictions/Restriction")
    return f"/{job.source.tag!s}{place}"


def _organization(target: Element, job: Job, given: Element | None) -> None:
    _add(target, "Oid", job.organization.oid)
    _add(target, "Ogrn", "" if given is None else given.findtext("Ogrn", ""))
    _add(target, "Name", job.organization.name)
    _add(target, "Phone", "" if given is None else given.findtext("Phone", ""))


def _append(parent: Element, name: str, source: Element) -> None:
    if name in _INSIDE:
        _copy(etree.SubElement(parent, _name(name)), name, source)
    else:
        _add(parent, name, source.text or "")


def _copy(target: Element, kind: str, source: Element) -> None:
    for name in _INSIDE[kind]:
        child = source.find(name)
        if child is not None:
            _append(target, name, child)


def _add(parent: Element, name: str, text: str) -> None:
    if tidy := " ".join(text.split()):
        etree.SubElement(parent, _name(name)).text = tidy


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"
