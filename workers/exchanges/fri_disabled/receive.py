"""Выписки ФГИС ФРИ: an extract → whom of our МО it concerns, and a document for the МИС of each.

What is about nobody whom a МО asked for is not kept. An extract that is not what was asked for is shown to
administrators of ЦОД only, for nobody knows whose data are in it; its МО sees the request and the reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
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
    Standing,
    State,
)
from workers.exchanges.fri_disabled.request import OBJECT_TYPE, REQUEST, digits, snils_of, written

TYPE: Final = "FRI_EXTRACT"
DOCUMENT: Final = "FriInvalidExtract"
NAMESPACE: Final = "http://fri.pfr.ru"

DONE: Final = "Выписка получена и передана для МИС"
REPLACED: Final = "Сведения изменились: новая выписка передана для МИС взамен прежней"
OUTDATED: Final = "Выписка сформирована раньше уже полученной, для МИС не нужна"
NOT_FOUND: Final = (
    "Во ФГИС ФРИ нет сведений об этом человеке. Проверьте СНИЛС; если сведения появятся, выписка придёт сама"
)
WRONG: Final = "ФГИС ФРИ прислала выписку, которую нельзя принять: {reason} Запрос повторится при следующем запуске"
AGAINST_SCHEMA: Final = "она не читается или не соответствует схеме."
FOREIGN: Final = "она о другом человеке."

_TEXTS: Final = {Standing.FIRST: DONE, Standing.NEWER: REPLACED, Standing.OLDER: OUTDATED}
_MOSCOW: Final = timezone(timedelta(hours=3))
"""What the register means by a moment without zone."""
_YEARS: Final = range(1990, 9000)
_TOLD: Final = ("ПерсональныеДанные", "ВсеДокументы")
"""What an extract tells; all else in it differs from one copy to another."""


def receive(incoming: Incoming, desk: Desk) -> Sequence[Reception]:
    """Judge one extract, or one request that brought none."""
    if incoming.question is not None and not incoming.data:
        return [_without_extract(incoming)]
    element = incoming.element
    if element is None or incoming.findings or incoming.packet_type != TYPE:
        return _wrong(incoming, AGAINST_SCHEMA, incoming.findings or _unexpected())
    snils = digits(element.findtext(_path("ПерсональныеДанные", "СНИЛС")) or "")
    if incoming.question is None:
        concerned = _submitted(snils, desk)
    elif snils == snils_of(incoming.question.source.content):
        source = incoming.question.source
        concerned = [(incoming.question.organization, ((source.object_type, source.object_id),))]
    else:
        line = element.sourceline
        path = f"/{etree.QName(element).localname}/ПерсональныеДанные/СНИЛС"
        return _wrong(incoming, FOREIGN, (Finding(path, line, "FRI-005", "СНИЛС не тот, о котором запрос."),))
    state = State(snils, _digest(element), _made(element))
    judged = [_for(each, objects, desk.standing(each, state), state, element) for each, objects in concerned]
    return [each for each in judged if each is not None]


def _for(
    organization: Organization,
    objects: tuple[tuple[str, str], ...],
    standing: Standing,
    state: State,
    element: Element,
) -> Reception | None:
    """What an extract is for one МО; None when it has it already."""
    if standing is Standing.SAME:
        return None
    current = standing is not Standing.OLDER
    return Reception(
        status=PacketStatus.PROCESSED,
        text=_TEXTS[standing],
        packet_type=TYPE,
        operation=Operation.INSERT if standing is Standing.FIRST else Operation.UPDATE,
        organization=organization,
        documents=((DOCUMENT, element),) if current else (),
        concerns=objects,
        state=state if current else None,
    )


def _submitted(snils: str, desk: Desk) -> list[tuple[Organization, tuple[tuple[str, str], ...]]]:
    """Every МО that asked for this person, with its objects."""
    found: dict[int, tuple[Organization, tuple[tuple[str, str], ...]]] = {}
    for text in written(snils):
        for each in desk.find(OBJECT_TYPE, [text]):
            _, objects = found.get(each.organization.id, (each.organization, ()))
            mine = (each.source.object_type, each.source.object_id)
            found[each.organization.id] = (each.organization, (*objects, mine))
    return list(found.values())


def _without_extract(incoming: Incoming) -> Reception:
    refused = bool(incoming.findings)
    status = PacketStatus.REFUSED if refused else PacketStatus.PROCESSED
    return _request(incoming, status, "" if refused else NOT_FOUND, incoming.findings)


def _wrong(incoming: Incoming, reason: str, findings: Sequence[Finding]) -> list[Reception]:
    text = WRONG.format(reason=reason)
    kept = Reception(PacketStatus.REFUSED, "", TYPE, findings=tuple(findings))
    return [kept] if incoming.question is None else [kept, _request(incoming, PacketStatus.REFUSED, text, ())]


def _request(incoming: Incoming, status: PacketStatus, text: str, findings: Sequence[Finding]) -> Reception:
    """The request as its МО sees it in the journal."""
    question = incoming.question
    return Reception(
        status=status,
        text=text,
        packet_type=REQUEST,
        organization=question.organization if question else None,
        concerns=((question.source.object_type, question.source.object_id),) if question else (),
        findings=tuple(findings),
        data=incoming.request,
    )


def _unexpected() -> tuple[Finding, ...]:
    return (Finding("/", None, "FRI-006", "Это не выписка ФРИ."),)


def _digest(element: Element) -> str:
    """Digest of what an extract tells, whatever its layout, prefixes, number and time of making."""
    told = hashlib.sha256()
    for name in _TOLD:
        for part in element.iterfind(f"{{{NAMESPACE}}}{name}"):
            for event, each in etree.iterwalk(part, events=("start", "end")):
                text = (each.text or "").strip() if event == "start" else ""
                told.update(f"{event} {each.tag!s}\x1f{text}\x1e".encode())
    return told.hexdigest()


def _made(element: Element) -> datetime | None:
    """When the register made the extract; None when it does not tell, or not in a way that can be compared."""
    try:
        moment = datetime.fromisoformat((element.findtext(_path("ВремяФормирования")) or "").strip())
    except ValueError:
        return None
    if moment.year not in _YEARS:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=_MOSCOW)


def _path(*names: str) -> str:
    return "/".join(f"{{{NAMESPACE}}}{name}" for name in names)
