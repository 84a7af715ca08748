"""Packets of the ТФОМС exchange as the stand-in reads and writes them.

Reads the five packets of a МО and the ANSWER to an inbound one, writes the ANSWER and the inbound PERSCHANGE.
Source: the default dialect on the conventions of ФОМС order of 07.04.2011 № 79; schemas in xsd/tfoms/1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from gateway.domain.errors import Finding, InvalidXml, TooLarge
from gateway.xml.canonical import content_digest, serialize
from gateway.xml.namespaces import TFOMS
from gateway.xml.parser import parse_text

Element = etree._Element

REFERRAL: Final = "HOSPITALISATION_REFERRAL"
REFERRAL_CANCELLATION: Final = "CANCEL_HOSPITALISATION_REFERRAL"
HOSPITALISATION: Final = "HOSPITALISATION"
MOTION: Final = "MOTION_IN_HOSPITAL"
REFUSAL: Final = "CANCEL_HOSPITALISATION"
PACKET_TYPES: Final = frozenset({REFERRAL, REFERRAL_CANCELLATION, HOSPITALISATION, MOTION, REFUSAL})
ANSWER: Final = "ANSWER"
PERSCHANGE: Final = "PERSCHANGE"

INSERT: Final = "Insert"
DELETE: Final = "Delete"

_GUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_MAX_COMMENT: Final = 250
_MAX_NAME: Final = 20
_MAX_OBJECT_ID: Final = 36


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason of a negative answer: code, explanation, and the field (``ZAP/PERS/SMO``) it is about."""

    code: str
    comment: str
    place: str = ""


class RefusedAtOnce(Exception):
    """A document refused in its receipt at once; ``given_id`` is empty when it could not be read."""

    def __init__(self, code: str, message: str, given_id: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.given_id = given_id


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet whose type and identifier could be read; the rest may still break its schema.

    ``id`` is in lower case (compared case-free), ``given_id`` as sent. ``sha256`` (hex) is of the content.
    """

    id: str
    given_id: str
    type: str
    sha256: str
    root: Element
    header: Mapping[str, str] = field(default_factory=dict)
    record: Mapping[str, str] | None = None
    person: Mapping[str, str] = field(default_factory=dict)

    @property
    def operation(self) -> str:
        """Insert, Update or Delete."""
        return self.header.get("OPER", "")

    @property
    def organisation(self) -> str:
        """Code of the МО that sent the packet."""
        return self.header.get("CODE_MO", "")

    @property
    def object_id(self) -> str:
        """Identifier of the object in the МИС, without leading zeros."""
        return _plain(self.header.get("OBJ_ID", ""))

    @property
    def hospitalisation_id(self) -> str:
        """Object that a motion or a refusal names, in the same form as ``object_id``; empty when absent."""
        return _plain(self.value("HOSP_ID"))

    def value(self, name: str) -> str:
        """Field of the record, empty when absent."""
        return (self.record or {}).get(name, "")


def read_packet(text: str, types: Iterable[str] = PACKET_TYPES) -> Packet:
    """Read a packet far enough to answer it.

    Raises:
        RefusedAtOnce: 001 not well-formed or of no canonical form, 003 unknown type, 002 without a readable
            ZGLV/ID.
    """
    root = _read(text, types)
    header = root.find(_name("ZGLV"))
    given_id = "" if header is None else header.findtext(_name("ID"), "")
    _check_id(given_id)
    record = root.find(_name("ZAP"))
    person = None if record is None else record.find(_name("PERS"))
    return Packet(
        id=given_id.lower(),
        given_id=given_id,
        type=_local(root),
        sha256=_digest(root, "ZGLV/ID", given_id),
        root=root,
        header=_fields(header),
        record=None if record is None else _fields(record),
        person=_fields(person),
    )


@dataclass(frozen=True, slots=True)
class InboundAnswer:
    """ANSWER of a МО to an inbound packet; ``id`` is that packet's, in lower case."""

    id: str
    given_id: str
    sha256: str
    root: Element


def read_answer(text: str) -> InboundAnswer:
    """Read the ANSWER of a МО far enough to know what it answers.

    Raises:
        RefusedAtOnce: 001 not well-formed, 003 not an ANSWER, 002 without a readable HEADER/MESSAGE_ID.
    """
    root = _read(text, {ANSWER})
    given_id = root.findtext(f"{_name('HEADER')}/{_name('MESSAGE_ID')}", "")
    _check_id(given_id)
    return InboundAnswer(given_id.lower(), given_id, _digest(root, "HEADER/MESSAGE_ID", given_id), root)


def write_answer(packet: Packet, at: datetime, refusals: Iterable[Refusal], npr_id: int | None) -> str:
    """Write the ANSWER to a packet: OK with ``npr_id``, or ERROR with a PR per refusal."""
    answer = etree.Element(_name(ANSWER), nsmap={None: TFOMS})
    header = _add(answer, "HEADER")
    _add(header, "TYPE", packet.type)
    _add(header, "MESSAGE_ID", packet.given_id)
    _add(header, "DATA", at.astimezone(UTC).isoformat(timespec="milliseconds"))
    body = _add(answer, "BODY")
    reasons = list(refusals)
    _add(body, "RESULT", "ERROR" if reasons else "OK")
    if npr_id is not None and not reasons:
        _add(body, "NPR_ID", str(npr_id))
    for reason in reasons:
        _add_reason(body, reason, packet.object_id)
    return _text(answer)


def write_perschange(message_id: str, at: datetime, organisation: str, number: int) -> str:
    """Write a PERSCHANGE about an invented person whose policy changed; ``number`` tells them apart."""
    packet = etree.Element(_name(PERSCHANGE), nsmap={None: TFOMS})
    header = _add(packet, "ZGLV")
    values = ("1.0", at.date().isoformat(), message_id, INSERT, organisation, str(number))
    for name, value in zip(("VERSION", "DATA", "ID", "OPER", "CODE_MO", "OBJ_ID"), values, strict=True):
        _add(header, name, value)
    record = _add(packet, "ZAP")
    for name, insurer, policy in (("PERS_OLD", "99001", 10), ("PERS_NEW", "99002", 20)):
        person = _add(record, name)
        fields = {
            "ID_PAC": f"perschange-{number}",
            "FAM": "Выдумкин",
            "IM": "Образец",
            "W": "1",
            "DR": "1970-01-01",
            "VPOLIS": "3",
            "NPOLIS": f"99{policy}{number % 10**10:010d}11",
            "SMO": insurer,
        }
        for field_name, value in fields.items():
            _add(person, field_name, value)
    return _text(packet)


def refusals_of(findings: Iterable[Finding]) -> tuple[Refusal, ...]:
    """Tell the findings of a schema as refusals 002."""
    return tuple(Refusal("002", found.message, found.path.partition("/")[2]) for found in findings)


def _read(text: str, types: Iterable[str]) -> Element:
    try:
        root = parse_text(text)
    except (InvalidXml, TooLarge) as error:
        raise RefusedAtOnce("001", error.message) from None
    if etree.QName(root).namespace != TFOMS or _local(root) not in types:
        raise RefusedAtOnce("003", "Неизвестный тип пакета.")
    return root


def _check_id(given_id: str) -> None:
    if _GUID.fullmatch(given_id) is None:
        raise RefusedAtOnce("002", "Идентификатор пакета не прочитан.")


def _digest(root: Element, path: str, given_id: str) -> str:
    # The identifier is compared case-free, so its letter case is no part of the content.
    place = root.find("/".join(_name(step) for step in path.split("/")))
    if place is None:
        raise ValueError(path)
    place.text = given_id.lower()
    try:
        digest = content_digest(root).hex()
    except InvalidXml as error:
        raise RefusedAtOnce("001", error.message, given_id) from None
    place.text = given_id
    return digest


def _plain(number: str) -> str:
    return str(int(number)) if number.isascii() and number.isdigit() else number


def _add_reason(body: Element, reason: Refusal, object_id: str) -> None:
    pr = _add(body, "PR")
    _add(pr, "OSHIB", reason.code)
    parent, _, name = reason.place.rpartition("/")
    parent = parent.rpartition("/")[2]
    if name and len(name) <= _MAX_NAME:
        _add(pr, "IM_POL", name)
    if parent and len(parent) <= _MAX_NAME:
        _add(pr, "BAS_EL", parent)
    if object_id.isdigit() and len(object_id) <= _MAX_OBJECT_ID:
        _add(pr, "ID_BAS", object_id)
    _add(pr, "COMMENT", reason.comment[:_MAX_COMMENT].strip())


def _fields(parent: Element | None) -> dict[str, str]:
    return {} if parent is None else {_local(child): (child.text or "").strip() for child in parent}


def _add(parent: Element, name: str, text: str | None = None) -> Element:
    child = etree.SubElement(parent, _name(name))
    child.text = text
    return child


def _name(local: str) -> str:
    return f"{{{TFOMS}}}{local}"


def _local(element: Element) -> str:
    return etree.QName(element).localname


def _text(element: Element) -> str:
    return serialize(element).decode("utf-8")
