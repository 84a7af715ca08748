"""Запрос выписки: a submitted DisabledPersonRequest → ExtractionInvalidDataRequest, or why nobody can be asked for.

Source: VS00291 1.0.3, «Выписка сведений об инвалиде».
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from workers.exchange import Element, Finding, snils_is_right

OBJECT_TYPE: Final = "DisabledPersonRequest"
REQUEST: Final = "FRI_REQUEST"
NAMESPACE: Final = "http://kvs.fri.com/extraction-invalid-data/1.0.3"

_STABLE: Final = "Stable"
_PERIOD: Final = "ExtractionPeriod"
_BETWEEN: Final = f"{_PERIOD}/DocumentsOnPeriod"


def snils_of(content: Element | None) -> str:
    """The СНИЛС that a submitted object names, digits alone; empty when it names none."""
    return digits(_text(content, "Snils"))


def digits(text: str) -> str:
    """The digits of a СНИЛС."""
    return "".join(each for each in text if each.isdigit())


def written(snils: str) -> tuple[str, str]:
    """Both ways in which the МИС may write a СНИЛС of 11 digits."""
    return snils, f"{snils[:3]}-{snils[3:6]}-{snils[6:9]} {snils[9:]}"


def check(content: Element | None) -> tuple[Finding, ...]:
    """What bars asking: no СНИЛС, wrong check digits, a period that is not one."""
    snils = snils_of(content)
    if not snils:
        return (_finding(content, "Snils", "FRI-001", "«СНИЛС» не указан: запросить сведения нельзя."),)
    found: list[Finding] = []
    if not snils_is_right(snils):
        found.append(_finding(content, "Snils", "FRI-002", "«СНИЛС»: контрольное число неверно, исправьте номер."))
    begun, ended = _text(content, f"{_BETWEEN}/DateFrom"), _text(content, f"{_BETWEEN}/DateTo")
    if bool(begun) != bool(ended) or begun > ended:
        message = "«Период документов»: укажите обе даты, первую не позже второй."
        found.append(_finding(content, _BETWEEN, "FRI-003", message))
    return tuple(found)


def request(content: Element | None) -> bytes:
    """The request of a person, whether or not it can be sent; elements that are empty are left out."""
    root = etree.Element(f"{{{NAMESPACE}}}ExtractionInvalidDataRequest", nsmap={None: NAMESPACE})
    _add(root, "SNILS", snils_of(content))
    _add(root, "TypeOfExtraction", _text(content, "TypeOfExtraction") or _STABLE)
    if period := arguments(content).get(_PERIOD):
        _add_all(etree.SubElement(root, f"{{{NAMESPACE}}}{_PERIOD}"), period)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def arguments(content: Element | None) -> dict[str, object]:
    """The same request as the arguments of the call."""
    made: dict[str, object] = {
        "SNILS": snils_of(content),
        "TypeOfExtraction": _text(content, "TypeOfExtraction") or _STABLE,
    }
    period: dict[str, object] = {}
    if day := _text(content, f"{_PERIOD}/DocumentsValidOnDate"):
        period["DocumentsValidOnDate"] = day
    if begun := _text(content, f"{_BETWEEN}/DateFrom"):
        period["DocumentsOnPeriod"] = {"DateFrom": begun, "DateTo": _text(content, f"{_BETWEEN}/DateTo")}
    return {**made, **({_PERIOD: period} if period else {})}


def _add_all(parent: Element, values: object) -> None:
    for name, value in values.items() if isinstance(values, dict) else ():
        if isinstance(value, dict):
            _add_all(etree.SubElement(parent, f"{{{NAMESPACE}}}{name}"), value)
        else:
            _add(parent, name, str(value))


def _add(parent: Element, name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = text


def _finding(content: Element | None, path: str, code: str, message: str) -> Finding:
    element = None if content is None else content.find(path)
    return Finding(f"/{OBJECT_TYPE}/{path}", None if element is None else element.sourceline, code, message)


def _text(content: Element | None, path: str) -> str:
    return "" if content is None else (content.findtext(path) or "").strip()
