"""Протокол ФЛК: what a fund says is wrong with a packet, read, written and put to its place in the packet.

Source: приказ ФОМС от 07.04.2011 № 79 (FLK_P) and what regions made of it: reasons in OTKAZ below the record
(Приморье), ``NAME_F`` and ``ID_BAS`` with OSHIB 0 for "no error" (Волгоград), RE_PROF, and replies with RPL and
COMMENTR a record. Names tell the elements whatever their namespace and wherever they stand. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as declared
from typing import Final

from lxml import etree

from gateway.domain.errors import Finding
from gateway.xml.paths import Paths, line_of, local
from workers.exchange.common import Element

LOCATORS: Final = ("N_ZAP", "ID_PAC", "IDCASE", "SL_ID", "IDSERV", "NHISTORY", "ID_BAS")
"""Elements that tell which record a refusal is about, the outermost first; ID_BAS is any identifier of the record."""

UNEXPLAINED: Final = "Причина не указана."
_NAME: Final = re.compile(r"[A-Za-zА-Яа-яЁё_][\w.-]{0,63}")
_NO_ERROR: Final = frozenset({"", "0"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason: ``code`` (OSHIB), ``comment``, the field (IM_POL) in its parent element (BAS_EL), and whose record.

    ``locators`` are (name, value) with names of ``LOCATORS``; ``value`` is the offending one (ZN_POL). Both may tell of
    a patient: they are never shown or logged. Without a parent the whole file is refused.
    """

    code: str
    comment: str = ""
    field: str = ""
    parent: str = ""
    locators: tuple[tuple[str, str], ...] = declared(default=(), repr=False)
    value: str = declared(default="", repr=False)


@dataclass(frozen=True, slots=True)
class FlkProtocol:
    """A protocol: its own name and that of the file it is about (without extension), and what is refused."""

    file: str
    source: str
    refusals: tuple[Refusal, ...] = ()


def read_flk(element: Element) -> FlkProtocol:
    """Read a protocol or a reply of any of these forms; without a refusal the file is accepted."""
    heads = {local(child): _text(child) for child in reversed([*element, *element.iterfind("{*}ZGLV/{*}*")])}
    file = heads.get("FNAME") or heads.get("NAME_F") or heads.get("FILENAME") or ""
    source = heads.get("FNAME_I") or heads.get("FILENAME_1") or ""
    return FlkProtocol(file, source, tuple(read_refusals(element)))


def read_refusals(element: Element) -> Iterator[Refusal]:
    """Read the refusals below an element, in their order: PR, OTKAZ, and records whose RPL is 0."""
    for line in element.iter("{*}PR", "{*}OTKAZ", "{*}ZAP"):
        said = {local(child): _text(child) for child in line}
        name = local(line)
        if name == "ZAP" and said.get("RPL") != "0":
            continue
        code = said.get("OSHIB") or said.get("I_TYPE") or ""
        if name == "ZAP" and code in _NO_ERROR:
            code = "RPL"
        if code not in _NO_ERROR:
            comment = said.get("COMMENT") or said.get("COMMENTR") or ""
            place = (said.get("IM_POL", ""), said.get("BAS_EL", ""))
            yield Refusal(code, comment, *place, _locators(line), said.get("ZN_POL", ""))


def write_flk(protocol: FlkProtocol) -> Element:
    """Write a protocol in the form of order 79 (xsd/tfoms/1.0/FLK_P.xsd), texts cut to what it takes.

    Names and identifiers that are too long are left out rather than cut.
    """
    root = etree.Element("FLK_P")
    _add(root, "FNAME", protocol.file, 30)
    _add(root, "FNAME_I", protocol.source, 30)
    for refusal in protocol.refusals:
        line, found = etree.SubElement(root, "PR"), dict(refusal.locators)
        _add(line, "OSHIB", refusal.code, 12)
        _add(line, "IM_POL", refusal.field, 20, whole=True)
        _add(line, "ZN_POL", refusal.value, 100)
        _add(line, "BAS_EL", refusal.parent, 20, whole=True)
        for name in ("N_ZAP", "ID_PAC", "IDCASE", "SL_ID", "IDSERV"):
            _add(line, name, found.get(name, ""), 11 if name == "IDCASE" else 36, whole=True)
        _add(line, "COMMENT", refusal.comment, 250)
    return root


def told(refusal: Refusal) -> str:
    """A refusal in one line: code, place by the fund's names, comment. The offending value is not repeated."""
    place = "/".join(filter(None, (refusal.parent, refusal.field)))
    return ": ".join(filter(None, (refusal.code, place, refusal.comment or UNEXPLAINED)))


def findings(refusals: Iterable[Refusal], packet: Element) -> tuple[Finding, ...]:
    """Put each refusal to the element and line of our packet that it is about, as near as its locators tell.

    The message is the fund's comment. Time is linear in the packet and its refusals.
    """
    places = _Places(packet)
    return tuple(places.finding(refusal) for refusal in refusals)


class _Places:
    def __init__(self, packet: Element) -> None:
        self._root = packet
        self._paths = Paths(packet)
        self._first: dict[str, Element] = {}
        self._identified: dict[tuple[str, str], Element] = {}
        for element in packet.iter("{*}*"):
            name = local(element)
            self._first.setdefault(name, element)
            for known in {name, "ID_BAS"} if "ID" in name.upper() else {name} & set(LOCATORS):
                self._identified.setdefault((known, _text(element).lower()), element)

    def finding(self, refusal: Refusal) -> Finding:
        base = self._base(self._record(refusal.locators), refusal.parent)
        path, line = self._paths.of(base), line_of(base)
        if _NAME.fullmatch(refusal.field):
            element = self._below(base, refusal.field)
            path = f"{path}/{refusal.field}" if element is None else self._paths.of(element)
            line = line if element is None else line_of(element)
        return Finding(path, line, refusal.code, refusal.comment or UNEXPLAINED)

    def _record(self, locators: Iterable[tuple[str, str]]) -> Element:
        """The innermost element that the locators identify; each is looked for near what the one before it found."""
        scope = self._root
        for name, value in locators:
            found = next(
                (e for start in self._outwards(scope) if (e := self._with(start, name, value)) is not None), None
            )
            parent = None if found is None else found.getparent()
            scope = scope if parent is None else parent
        return scope

    def _with(self, start: Element, name: str, value: str) -> Element | None:
        wanted = value.lower()
        if start is self._root or name == "ID_BAS":
            return self._identified.get((name, wanted))
        return next((e for e in start.iter(f"{{*}}{name}") if _text(e).lower() == wanted), None)

    def _base(self, record: Element, parent: str) -> Element:
        if not _NAME.fullmatch(parent):
            return record
        for start in self._outwards(record):
            found = start if local(start) == parent else self._below(start, parent)
            if found is not None:
                return found
        return record

    def _below(self, start: Element, name: str) -> Element | None:
        if start is self._root:
            return self._first.get(name)
        return next(start.iterdescendants(f"{{*}}{name}"), None)

    def _outwards(self, element: Element) -> Iterator[Element]:
        yield element
        yield from element.iterancestors()


def _locators(line: Element) -> tuple[tuple[str, str], ...]:
    """Identifiers told in the line itself or beside it in the elements around it."""
    found: dict[str, str] = {}
    for around in (line, *line.iterancestors()):
        for name in LOCATORS:
            if name not in found and (value := (around.findtext(f"{{*}}{name}") or "").strip()):
                found[name] = value
    return tuple((name, found[name]) for name in LOCATORS if name in found)


def _text(element: Element) -> str:
    return (element.text or "").strip()


def _add(parent: Element, name: str, text: str, limit: int, *, whole: bool = False) -> None:
    fitting = "" if whole and len(text.strip()) > limit else text.strip()[:limit].strip()
    if fitting:
        etree.SubElement(parent, name).text = fitting
