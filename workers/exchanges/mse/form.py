"""Формирование направления на МСЭ (форма № 088/у): source object → Document of ЕАВИИАС МСЭ.

The schema of the packet judges the values; here nothing is checked but what a packet cannot be built for. An element of
the form is the child of the source object with the same name.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final
from uuid import UUID, uuid5

from lxml import etree

from workers.exchange import Element, Finding, Job, MissingSourceData, Operation, date_of, root_path, value
from workers.exchanges.mse.fields import ATTACHMENT, FORM, TARGET, Field, Kind

NAMESPACE: Final = "http://rosmintrud.ru/mse/eaviias/form88/180906"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
VERSION: Final = "2.0.1"
LOCATION: Final = f"{NAMESPACE} form88.v.2.0.1.xsd"
FORM_ID: Final = "88"
OGRN_SYSTEM: Final = "ogrn"
"""Name of the МО's ОГРН in ``Organization.codes``."""

_REFERRALS: Final = UUID("6f1c0f0e-8f5b-5d0c-9d0a-0b1f0a880180")
_NSMAP: Final = {None: NAMESPACE, "xsi": XSI}
_NIL: Final = {f"{{{XSI}}}nil": "true"}
_MARKUP: Final = re.compile(
    r"</?(?:a|b|big|blockquote|br|center|code|col|colgroup|dd|div|dl|dt|em|font|h[1-6]|hr|i|img|li|ol|p|pre|s|small|"
    r"span|strike|strong|sub|sup|table|tbody|td|tfoot|th|thead|tr|tt|u|ul)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_BREAKING: Final = re.compile(r"<(?:br|/p|/div|/li|/tr|/h[1-6]|hr)\b", re.IGNORECASE)
_UNSEEN: Final = re.compile(r"(<!--)|(-->)|<(script|style|title)\b[^<>]*>|</(script|style|title)\s*>", re.IGNORECASE)
_ADDRESS_TYPE: Final = next(field for field in FORM if field.name == "AddressType")
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EXTENSION: Final = re.compile(r"\.([^.]{1,10})$")
_WITH_LINES: Final = frozenset({Kind.TEXT, Kind.HTML})


def form(job: Job) -> Element:
    """Build one document; pure. Its G_Code is the name of its file (:func:`g_code`).

    Raises:
        MissingSourceData: the МИС removed the referral: ФБ МСЭ cannot be told that in this exchange.
    """
    if findings := missing(job):
        raise MissingSourceData(findings)
    root = etree.Element(_name("Document"), {f"{{{XSI}}}schemaLocation": LOCATION, "version": VERSION}, _NSMAP)
    _add(root, "G_Code", g_code(job))
    _write(root, TARGET, job.source.find(TARGET.name), job)
    body = etree.SubElement(root, _name("Form"), {"id": FORM_ID})
    for field in FORM:
        _write(body, field, child(job.source, field), job)
    _attachments(root, job.source.find("Attachments"))
    return root


def name(job: Job) -> str:
    """Name of the file that the document travels in; pure."""
    return f"{g_code(job)}.xml"


def g_code(job: Job) -> str:
    """Identifier of the referral at ФБ МСЭ: kept over repeats, another after each return for rework."""
    return g_code_of(job.organization.oid, job.object_id, returns(job.source))


def g_code_of(oid: str, object_id: str, returned: int) -> str:
    """Identifier of a referral of a МО that was returned for rework so many times."""
    return str(uuid5(_REFERRALS, f"{oid} {object_id} {returned}"))


def returns(source: Element) -> int:
    """How many times the referral was returned for rework; 0 when the source does not tell."""
    text = value(source.find("Returns"))
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0


def missing(job: Job) -> tuple[Finding, ...]:
    """Tell what keeps the document from being built (rule 402)."""
    if job.operation is not Operation.DELETE:
        return ()
    message = "Направление удалено в МИС после выгрузки: обмен файлами не умеет отзывать, сообщите в бюро МСЭ."
    return (Finding(root_path(job.source), None, "402", message),)


def locate(job: Job, path: str) -> str:
    """Name the place in the source object that a place in the document was made of; the rest is of our making."""
    place = path.removeprefix("/Document").removeprefix("/Form")
    return f"{root_path(job.source)}{place}" if place and not place.startswith(("/G_Code", "/@")) else path


def read(element: Element | None, kind: Kind) -> str:
    """Read a field as form and rules see it: as every value, but TEXT and HTML keep their lines."""
    if element is None or len(element) or kind not in _WITH_LINES:
        return value(element)
    text = _without_markup(element.text or "") if kind is Kind.HTML else element.text or ""
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def standing_in(field: Field, job: Job) -> str:
    """What a field holds when the source leaves it empty: its default, or what the register of МО knows."""
    if field.name == "MedOrgName":
        return job.organization.name
    if field.name == "MedOrgOgrn":
        return job.organization.codes.get(OGRN_SYSTEM, "")
    return field.default


def is_empty(field: Field, element: Element | None) -> bool:
    """Tell whether there is nothing in a field; of a group its key part decides, or all of its parts."""
    if element is None:
        return True
    if not field.parts:
        return not read(element, field.kind)
    if field.key:
        return not value(element.find(field.key))
    return all(is_empty(part, each) for part in field.parts for each in element.iterfind(part.name))


def child(source: Element, field: Field) -> Element | None:
    """The element of the source that a field of the form is made of; an address without its type is no address."""
    if field.name == "Address" and is_empty(_ADDRESS_TYPE, source.find(_ADDRESS_TYPE.name)):
        return None
    return source.find(field.name)


def age(born: str, on: str) -> tuple[int, int] | None:
    """Whole years, and whole months of the last year, at a date; None when a date is unreadable or the order wrong."""
    first, last = date_of(born), date_of(on)
    if first is None or last is None or first > last:
        return None
    months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
    return months // 12, months % 12


def body_mass_index(height_cm: str, weight_kg: str) -> str:
    """Weight divided by the square of the height in metres, two digits; empty when either is unknown."""
    try:
        height, weight = Decimal(height_cm), Decimal(weight_kg)
        index = weight / (height * height / 10_000)
    except (InvalidOperation, ArithmeticError):
        return ""
    return str(index.quantize(Decimal("0.01"))) if index.is_finite() and index.adjusted() < 6 else ""


def _write(parent: Element, field: Field, source: Element | None, job: Job) -> None:
    if field.name == "Age":
        _age(parent, job)
    elif not field.parts:
        text = read(source, field.kind) or standing_in(field, job)
        if text or not field.nil:
            _add(parent, field.name, text)
        else:
            etree.SubElement(parent, _name(field.name), _NIL)
    elif field.nil and is_empty(field, source):
        etree.SubElement(parent, _name(field.name), _NIL)
    else:
        _group(etree.SubElement(parent, _name(field.name)), field, source, job)


def _group(target: Element, field: Field, source: Element | None, job: Job) -> None:
    for part in field.parts:
        found = [] if source is None else source.findall(part.name)
        if part.many:
            for item in found:
                if not is_empty(part, item):
                    _write(target, part, item, job)
        elif part.name == "BMI":
            _computed(target, part, source)
        elif found or not part.optional:
            _write(target, part, found[0] if found else None, job)
    if field.codes:
        _title(target, field)


def _title(target: Element, field: Field) -> None:
    """A code whose title is known needs none from the МИС."""
    code, title = target[0], target[1]
    known = field.codes.get(code.text or "")
    if known and not title.text:
        title.attrib.clear()
        title.text = known


def _age(parent: Element, job: Job) -> None:
    known = age(value(job.source.find("BirthDate")), value(job.source.find("IssueDate")))
    target = etree.SubElement(parent, _name("Age"))
    years, months = known or ("", "")
    _add(target, "Years", str(years))
    if years == 0:
        _add(target, "Months", str(months))
    else:
        etree.SubElement(target, _name("Months"), _NIL)


def _computed(target: Element, part: Field, source: Element | None) -> None:
    height, weight = (value(None if source is None else source.find(name)) for name in ("Height", "Weight"))
    if index := body_mass_index(height, weight):
        _add(target, part.name, index)
    else:
        etree.SubElement(target, _name(part.name), _NIL)


def _attachments(root: Element, source: Element | None) -> None:
    items: Sequence[Element] = [] if source is None else source.findall("Item")
    if not items:
        return
    target = etree.SubElement(root, _name("Attachments"))
    for item in items:
        texts = {part.name: value(item.find(part.name)) for part in ATTACHMENT}
        if not texts["Type"] and (extension := _EXTENSION.search(texts["Name"])):
            texts["Type"] = extension[1].lower()
        line = etree.SubElement(target, _name("Item"))
        for name, text in texts.items():
            _add(line, name, text)


def _add(parent: Element, name: str, text: str) -> None:
    element = etree.SubElement(parent, _name(name))
    # ЕАВИИАС МСЭ expects such values in CDATA; the one string that cannot stand there is escaped as usual.
    marked = ("<" in text or ">" in text) and "]]>" not in text
    element.text = etree.CDATA(text) if marked else text


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def _without_markup(text: str) -> str:
    """Take HTML out of a text; ``<`` of a comparison stays. Lines end where blocks of the markup did."""
    plain = html.unescape(_MARKUP.sub("", _BREAKING.sub("\n\\g<0>", _seen(text))))
    return _ILLEGAL.sub("", plain)


def _seen(text: str) -> str:
    """Leave out comments, scripts and styles; one that is never closed is text. Linear in the length of the text."""
    kept, start, opened, closing = [], 0, 0, ""
    for bound in _UNSEEN.finditer(text):
        opens = "-->" if bound[1] else (bound[3] or "").lower()
        if not closing and opens:
            kept.append(text[start : bound.start()])
            opened, closing = bound.start(), opens
        elif closing and closing == (bound[2] or (bound[4] or "").lower()):
            start, closing = bound.end(), ""
    return "".join([*kept, text[opened if closing else start :]])
