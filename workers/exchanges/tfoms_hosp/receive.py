"""Входящие пакеты ТФОМС: PERSCHANGE, the change of a person's insurance → ANSWER and a document for the МИС.

Codes of the answer are those of ТФОМС: 001 not well-formed, 002 breaks its schema, 003 unknown type, 004 the id came
before with other content, 101 unknown МО. Source: dialect ``urn:service-journal:tfoms:1`` 1.0 (xsd/tfoms/1.0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from lxml import etree

from workers.exchange import (
    Desk,
    Element,
    Finding,
    Incoming,
    Operation,
    Organization,
    PacketStatus,
    Reception,
    funds,
)
from workers.exchanges.tfoms_hosp.form import NAMESPACE

TYPE: Final = "PERSCHANGE"
DONE: Final = "Сведения переданы для МИС"

_NS: Final = {"t": NAMESPACE}
_OPERATIONS: Final = {each.value: each for each in (Operation.INSERT, Operation.UPDATE, Operation.DELETE)}
_MAX_NAME: Final = 20
_MAX_COMMENT: Final = 250


def receive(incoming: Incoming, desk: Desk) -> Reception:
    """Judge one packet: PROCESSED when the МО it names is ours, REFUSED with a PR per reason otherwise."""
    code = _header(incoming, "CODE_MO")
    organizations = desk.organizations(funds.CODE_SYSTEM, code) if code else ()
    reasons = _reasons(incoming, desk, organizations)
    done = not reasons and incoming.element is not None
    return Reception(
        status=PacketStatus.PROCESSED if done else PacketStatus.REFUSED,
        text=DONE if done else "",
        packet_type=TYPE,
        operation=_OPERATIONS.get(_header(incoming, "OPER"), Operation.INSERT),
        organization=organizations[0] if len(organizations) == 1 else None,
        answer=_answer(incoming, desk, reasons),
        documents=((TYPE, incoming.element),) if done and incoming.element is not None else (),
        marks=(_mark(incoming),) if done else (),
        findings=reasons,
    )


def _reasons(incoming: Incoming, desk: Desk, organizations: Sequence[Organization]) -> tuple[Finding, ...]:
    if incoming.element is None:
        return tuple(replace(each, code="001") for each in incoming.findings)
    if incoming.findings:
        code = "003" if incoming.packet_type is None else "002"
        return tuple(replace(each, code=code) for each in incoming.findings)
    if _header(incoming, "ID").lower() != incoming.key:
        return _about_header(incoming, "ID", "002", "«Идентификатор пакета»: пакет передан под другим.")
    if desk.received(_mark(incoming)):
        return _about_header(incoming, "ID", "004", "«Идентификатор пакета»: уже занят другим содержанием.")
    if len(organizations) != 1:
        return _about_header(incoming, "CODE_MO", "101", "«Код МО»: такой МО нет или их несколько.")
    return ()


def _mark(incoming: Incoming) -> str:
    return f"ID {incoming.key}"


def _header(incoming: Incoming, name: str) -> str:
    if incoming.element is None:
        return ""
    return incoming.element.findtext(f"t:ZGLV/t:{name}", "", _NS).strip()


def _about_header(incoming: Incoming, name: str, code: str, message: str) -> tuple[Finding]:
    element = None if incoming.element is None else incoming.element.find(f"t:ZGLV/t:{name}", _NS)
    return (Finding(f"/{TYPE}/ZGLV/{name}", None if element is None else element.sourceline, code, message),)


def _answer(incoming: Incoming, desk: Desk, reasons: Sequence[Finding]) -> bytes:
    answer = etree.Element(f"{{{NAMESPACE}}}ANSWER", nsmap={None: NAMESPACE})
    header = _add(answer, "HEADER")
    _add(header, "TYPE", TYPE)
    _add(header, "MESSAGE_ID", incoming.name)
    _add(header, "DATA", desk.moment.isoformat(timespec="milliseconds"))
    body = _add(answer, "BODY")
    _add(body, "RESULT", "ERROR" if reasons else "OK")
    for reason in reasons:
        _add_reason(_add(body, "PR"), reason)
    return etree.tostring(answer, encoding="utf-8", xml_declaration=True)


def _add_reason(line: Element, reason: Finding) -> None:
    """OSHIB, the field and its parent as far as the path names them (and the answer's schema takes them), COMMENT."""
    steps = [step.partition("[")[0] for step in reason.path.split("/") if step]
    _add(line, "OSHIB", reason.code)
    for tag, step in (("IM_POL", steps[-1:]), ("BAS_EL", steps[-2:-1])):
        if step and len(step[0]) <= _MAX_NAME:
            _add(line, tag, step[0])
    _add(line, "COMMENT", reason.message[:_MAX_COMMENT].strip())


def _add(parent: Element, name: str, text: str | None = None) -> Element:
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    child.text = text
    return child
