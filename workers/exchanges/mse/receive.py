"""Обратные талоны ФБ МСЭ: a ticket → the person it is about, a document for the МИС, the referral that it ends.

Order of the checks and their sentences are those that operators know. Root and namespace of real tickets are
unpublished: :func:`prepare` reads any as ours, until the site states which its bureau writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Final

from lxml import etree

from workers.exchange import (
    ConfigurationError,
    Desk,
    Element,
    Finding,
    Incoming,
    InvalidXml,
    Organization,
    PacketStatus,
    Reception,
    Submitted,
)
from workers.exchanges.mse.form import OGRN_SYSTEM, g_code_of, returns

TYPE: Final = "MSE_TICKET"
DOCUMENT: Final = "LpuTicket"
NAMESPACE: Final = "urn:ours:mse:lpu-ticket:1"
ROOT: Final = "Document"
BUREAUX: Final = "X_MSE_BURO"
"""Dictionary of the bureaux that this region knows, by their code in ЕАВИИАС; not loaded, no bureau is refused."""

DONE: Final = "Обратный талон успешно импортирован"
FAILED: Final = "Не удалось импортировать Обратный талон{file}: {reason}"
WRONG_GUID: Final = "Неверный формат GUID"
FOREIGN: Final = "Талон не относится к МО загрузки"
UNKNOWN_BUREAU: Final = "В Системе отсутствует служба МСЭ с Кодом ЕАВИИАС «{code}», указанным в Обратном талоне"
UNKNOWN_PERSON: Final = "Пациент не идентифицирован"
REPEATED: Final = "Обратный талон импортирован ранее"

OTHER_ROOT: Final = "Корневой элемент талона не тот, что указан в настройке ticket_root: {stated}"
OTHER_NAMESPACE: Final = "Пространство имён талона не то, что указано в настройке ticket_namespace: {stated}"

TICKET_ROOT: Final = "ticket_root"
TICKET_NAMESPACE: Final = "ticket_namespace"
_NAME: Final = re.compile(r"[^\W\d][\w.\-]*")
_URI: Final = re.compile(r"\S+")
_GUID: Final = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
_META: Final = "Meta"
_TICKET: Final = "DocContent/tLpuTicket"
_NAME_PARTS: Final = ("LastName", "FirstName", "SecondName")
_MAX_REASONS: Final = 20


def check_settings(settings: Mapping[str, str]) -> None:
    """Refuse a root that no element can have, and a namespace that no declaration can give.

    Raises:
        ConfigurationError: the message names the setting.
    """
    root, namespace = settings.get(TICKET_ROOT, ""), settings.get(TICKET_NAMESPACE, "")
    if root and not _NAME.fullmatch(root):
        raise ConfigurationError(f"{TICKET_ROOT}: нужно имя корневого элемента без префикса и пространства имён")
    if namespace and not _URI.fullmatch(namespace):
        raise ConfigurationError(f"{TICKET_NAMESPACE}: нужно пространство имён одной строкой без пробелов")


def prepare(element: Element, settings: Mapping[str, str]) -> Element:
    """Read a ticket under the one root and namespace of our schema; pure, lines stay what they were.

    Where the site states a root, or a namespace, a ticket of another is refused; elements without a namespace, all or
    some, are the unqualified variant and read all the same.

    Raises:
        InvalidXml: another root or namespace than the site states.
        ConfigurationError: as ``check_settings``.
    """
    check_settings(settings)
    _require_stated(element, settings)
    ticket = deepcopy(element)
    for each in ticket.iter("*"):
        each.tag = f"{{{NAMESPACE}}}{etree.QName(each).localname}"
    if ticket.find(_path(_META)) is not None:
        ticket.tag = f"{{{NAMESPACE}}}{ROOT}"
    etree.cleanup_namespaces(ticket, top_nsmap={None: NAMESPACE})
    return ticket


def _require_stated(element: Element, settings: Mapping[str, str]) -> None:
    root, namespace = settings.get(TICKET_ROOT, ""), settings.get(TICKET_NAMESPACE, "")
    if root and etree.QName(element).localname != root:
        raise InvalidXml(OTHER_ROOT.format(stated=root), (_finding(element, OTHER_ROOT.format(stated=root)),))
    if not namespace:
        return
    for each in element.iter("*"):
        if etree.QName(each).namespace not in {None, namespace}:
            message = OTHER_NAMESPACE.format(stated=namespace)
            raise InvalidXml(message, (_finding(each, message),))


def _finding(element: Element, message: str) -> Finding:
    return Finding("/", element.sourceline, "XML", message)


def receive(incoming: Incoming, desk: Desk) -> Reception:
    """Judge one ticket: PROCESSED when it is known whose it is and it is the first of its kind, REFUSED otherwise."""
    element = incoming.element
    if element is None:
        return _refused(incoming, _told(incoming.findings), incoming.findings)
    guid = _GUID.fullmatch(_text(element, f"{_META}/Id"))
    if guid is None:
        return _refused(incoming, WRONG_GUID)
    if incoming.findings:
        return _refused(incoming, _told(incoming.findings), incoming.findings)
    senders = _senders(element, desk)
    if senders is not None and not senders:
        return _refused(incoming, FOREIGN)
    if reason := _unknown_bureau(element, desk):
        return _refused(incoming, reason)
    person = _person(element, desk, senders)
    if person is None:
        return _refused(incoming, UNKNOWN_PERSON)
    marks = _marks(element, guid[1], person)
    if any(desk.received(mark) for mark in marks):
        return _refused(incoming, REPEATED, organization=person.organization)
    referral = _referral(element, desk, person)
    return Reception(
        status=PacketStatus.PROCESSED,
        text=DONE,
        packet_type=TYPE,
        organization=person.organization,
        documents=((DOCUMENT, element),),
        closes=() if referral is None else (("MseReferral", referral.source.object_id),),
        marks=marks,
    )


def _refused(
    incoming: Incoming, reason: str, findings: tuple[Finding, ...] = (), organization: Organization | None = None
) -> Reception:
    # A file's name is the peer's and may name a person: it is told only when it is a GUID.
    plain = _GUID.fullmatch(incoming.name.removesuffix(".xml"))
    file = f" {incoming.name}" if plain else ""
    text = FAILED.format(file=file, reason=reason)
    return Reception(PacketStatus.REFUSED, text, TYPE, organization=organization, findings=findings)


def _told(findings: Sequence[Finding]) -> str:
    return " ".join(dict.fromkeys(each.message for each in findings[:_MAX_REASONS]))


def _senders(element: Element, desk: Desk) -> Sequence[Organization] | None:
    """МО of this installation that the ticket names as the sender; None when it names none."""
    ogrn = _text(element, f"{_TICKET}/SentOrgOgrn")
    return desk.organizations(OGRN_SYSTEM, ogrn) if ogrn else None


def _unknown_bureau(element: Element, desk: Desk) -> str | None:
    code = _text(element, f"{_META}/BuroId")
    if desk.reference.has(BUREAUX, code, desk.moment.date()) is not False:
        return None
    return UNKNOWN_BUREAU.format(code=code)


def _person(element: Element, desk: Desk, senders: Sequence[Organization] | None) -> Submitted | None:
    """The one submitted patient of this name, and of this СНИЛС and of the sender where the ticket tells them."""
    snils = _digits(_text(element, f"{_TICKET}/SNILS"))
    allowed = None if senders is None else {each.id for each in senders}
    found = [
        each
        for each in desk.find("Patient", _full_name(element))
        if (allowed is None or each.organization.id in allowed) and (not snils or _snils_of(each) == snils)
    ]
    return found[0] if len(found) == 1 else None


def _referral(element: Element, desk: Desk, person: Submitted) -> Submitted | None:
    """The newest referral of this person that no ticket has ended; the very one where the ticket names it."""
    code = _text(element, f"{_META}/G_Code").strip("{}").lower()
    snils = _snils_of(person)
    for each in desk.find("MseReferral", _full_name(element)):
        theirs = not each.closed and each.organization.id == person.organization.id
        same_person = not (snils and _snils_of(each)) or snils == _snils_of(each)
        if theirs and same_person and (not code or code in _g_codes(each)):
            return each
    return None


def _g_codes(referral: Submitted) -> list[str]:
    """Every identifier that the referral has ever had at ФБ МСЭ."""
    content = referral.source.content
    returned = 0 if content is None else min(returns(content), _MAX_REASONS)
    oid, object_id = referral.organization.oid, referral.source.object_id
    return [g_code_of(oid, object_id, number) for number in range(returned, -1, -1)]


def _marks(element: Element, guid: str, person: Submitted) -> tuple[str, str]:
    exam = _text(element, f"{_TICKET}/ExamDate")
    patient = f"{person.organization.oid} {person.source.object_id}"
    return f"ticket {guid.lower()}", f"examination {patient} {exam}"


def _snils_of(found: Submitted) -> str:
    content = found.source.content
    return "" if content is None else _digits(content.findtext("Snils") or "")


def _full_name(element: Element) -> tuple[str, ...]:
    return tuple(_text(element, f"{_TICKET}/{part}") for part in _NAME_PARTS)


def _digits(text: str) -> str:
    return "".join(each for each in text if each.isdigit())


def _text(element: Element, path: str) -> str:
    return " ".join((element.findtext(_path(path)) or "").split())


def _path(path: str) -> str:
    return "/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/"))
