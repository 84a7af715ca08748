"""The schemas of the exchange with ФГИС ФРИ take what the register really sends and refuse what it never would."""

from __future__ import annotations

import pytest
import xmlschema
from lxml import etree

from gateway.resources import resource_dir
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.demo.parts.fri_disabled_data import NAMESPACE, asked_for, extract
from workers.exchanges.fri_disabled.request import check, request

XSD = resource_dir("xsd") / "fri_disabled" / "1.0"
EXTRACT, REQUEST = XSD / "extract.xsd", XSD / "request.xsd"


def changed(path: str, text: str | None) -> etree._Element:
    """An extract with one element of another text, or without it."""
    root = parse(extract(1))
    element = root.find("/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/")))
    assert element is not None
    element.text = text
    if text is None:
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)
    return root


RECORD = "ВсеДокументы/Документ/ВсеСведения/Запись"
RIGHT: list[tuple[str, str | None]] = [
    ("ТипВыписки", "FLEXIBLE"),
    ("ТипВыписки", None),
    ("ВремяФормирования", None),
    ("Идентификатор", None),
    ("ПерсональныеДанные/Пол", ""),
    ("ПерсональныеДанные/АктуальныеСведенияОбИнвалидности", None),
    ("ПерсональныеДанные/АктуальныеСведенияОбИнвалидности/ДатаС", None),
    ("ВсеДокументы", None),
    ("ВсеДокументы/Документ", None),
    ("ВсеДокументы/Документ/ВсеСведения", None),
    ("ВсеДокументы/Документ/РеквизитыДокумента/ТипДокумента/Код", "Вид, которого нет"),
    ("ВсеДокументы/Документ/РеквизитыДокумента/Источник/Код", "ЕЩЁ ОДИН"),
    (f"{RECORD}/Категория/Код", "MSE.СОВСЕМ.НОВАЯ"),
    (f"{RECORD}/ВсеАтрибуты/Атрибут/Код", "Неведомый"),
    (f"{RECORD}/ВсеАтрибуты/Атрибут/ТипДанных", "GEOMETRY"),
    (f"{RECORD}/ВсеАтрибуты/Атрибут/Значение", None),
]
WRONG: list[tuple[str, str | None]] = [
    ("ТипВыписки", "STABLE"),
    ("ВремяФормирования", "вчера"),
    ("ПерсональныеДанные", None),
    ("ПерсональныеДанные/СНИЛС", "11223344595"),
    ("ПерсональныеДанные/Фамилия", None),
    ("ПерсональныеДанные/Пол", "X"),
    ("ПерсональныеДанные/ДатаРождения", "05.06.1951"),
    ("ПерсональныеДанные/АктуальныеСведенияОбИнвалидности/ГруппаИнвалидности", "третья"),
    ("ВсеДокументы/Документ/РеквизитыДокумента", None),
    (f"{RECORD}/ИдентификаторОбъекта", "первый"),
]


@pytest.mark.parametrize(("path", "text"), RIGHT)
def test_what_the_register_may_leave_out_or_invent_is_taken(path: str, text: str | None) -> None:
    assert validate(changed(path, text), EXTRACT) == ()


@pytest.mark.parametrize(("path", "text"), WRONG)
def test_what_is_no_extract_is_refused(path: str, text: str | None) -> None:
    assert validate(changed(path, text), EXTRACT)


def test_elements_without_the_namespace_are_refused() -> None:
    assert validate(parse(extract(1).replace(f' xmlns="{NAMESPACE}"'.encode(), b"")), EXTRACT)


def test_a_second_validator_thinks_the_same() -> None:
    second = xmlschema.XMLSchema(str(EXTRACT))
    assert all(second.is_valid(etree.tostring(changed(*each), encoding="unicode")) for each in RIGHT)
    assert not any(second.is_valid(etree.tostring(changed(*each), encoding="unicode")) for each in WRONG)


PERIODS = [
    ("", True),
    ("<DocumentsValidOnDate>2026-01-01</DocumentsValidOnDate>", True),
    ("<DocumentsOnPeriod><DateTo>2026-02-01</DateTo><DateFrom>2026-01-01</DateFrom></DocumentsOnPeriod>", True),
    ("<DocumentsOnPeriod><DateTo>2026-01-01</DateTo><DateFrom>2026-02-01</DateFrom></DocumentsOnPeriod>", False),
    ("<DocumentsOnPeriod><DateFrom>2026-02-01</DateFrom></DocumentsOnPeriod>", False),
]


@pytest.mark.parametrize(("period", "right"), PERIODS)
def test_whatever_can_be_asked_for_follows_the_schema_of_requests(period: str, right: bool) -> None:
    content = (asked_for(1).content or b"").replace(
        b"</Snils>", f"</Snils><ExtractionPeriod>{period}</ExtractionPeriod>".encode()
    )
    source = parse(content)
    assert (check(source) == ()) is right
    if right:
        assert validate(parse(request(source)), REQUEST) == ()


@pytest.mark.parametrize("snils", ["112-233-445 99", ""])
def test_nobody_is_asked_for_under_a_wrong_number(snils: str) -> None:
    assert [finding.path for finding in check(parse(asked_for(1, snils).content or b""))] == [
        "/DisabledPersonRequest/Snils"
    ]
