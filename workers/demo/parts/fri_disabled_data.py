"""Invented people of ФГИС ФРИ: what a МИС submits of them, and what the register knows."""

from __future__ import annotations

from typing import Final

from lxml import etree
from lxml.builder import E, ElementMaker

from gateway.xml.canonical import serialize
from workers.demo.region import NAMES, SURNAMES, Document, snils

REQUEST: Final = "DisabledPersonRequest"
NAMESPACE: Final = "http://fri.pfr.ru"
FIRST_PERSON: Final = 310_000_000
_F: Final = ElementMaker(namespace=NAMESPACE, nsmap={None: NAMESPACE})
_CATEGORIES: Final = ("GENERAL.INVALIDITY", "MSE.IPRA.MED.EVENT", "MSE.IPRA.TSR.FEDERAL.ITEM", "MSE.НЕИЗВЕСТНАЯ")


def person_snils(number: int) -> str:
    """СНИЛС of the invented person of this number, with separators."""
    return snils(FIRST_PERSON + number)


def asked_for(number: int, snils_text: str | None = None) -> Document:
    """The МИС asks for a person."""
    content = E.DisabledPersonRequest(E.Snils(person_snils(number) if snils_text is None else snils_text))
    return Document(REQUEST, f"person-{number}", serialize(content))


def extract(number: int, group: int = 3, made: str = "2026-03-02T10:00:00+03:00", copy: int = 1) -> bytes:
    """What the register knows of a person: a МСЭ document with records, of which one of a category nobody knows."""
    root = _F.ВыпискаФРИ(
        _F.Идентификатор(f"{number}-{copy}"),
        _F.ТипВыписки("FIXED"),
        _F.ВремяФормирования(made),
        _F.ПерсональныеДанные(
            _F.СНИЛС(person_snils(number)),
            _F.Фамилия(SURNAMES[number % len(SURNAMES)]),
            _F.Имя(NAMES[number % len(NAMES)]),
            _F.Отчество(""),
            _F.ДатаРождения(f"19{50 + number % 40}-05-06"),
            _F.Пол("F" if number % 2 else "M"),
            _F.ДатаРегистрации("2024-01-15T09:00:00"),
            _F.АктуальныеСведенияОбИнвалидности(_F.ДатаС("2024-01-10"), _F.ГруппаИнвалидности(str(group))),
        ),
        _F.ВсеДокументы(_document(number)),
    )
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def _document(number: int) -> etree._Element:
    records = [
        _F.Запись(
            _F.ИдентификаторОбъекта(str(place)),
            _F.Категория(_F.Код(code)),
            _F.ВсеАтрибуты(
                _F.Атрибут(_F.Код("IsNeeded"), _F.ТипДанных("BOOLEAN"), _F.Значение("true")),
                _F.Атрибут(_F.Код("Выдуманный"), _F.ТипДанных("MATRIX"), _F.Значение("1")),
            ),
        )
        for place, code in enumerate(_CATEGORIES, 1)
    ]
    details = _F.РеквизитыДокумента(
        _F.Источник(_F.Код("MSE"), _F.Наименование("ФБ МСЭ")),
        _F.Номер(str(number)),
        _F.Дата("2024-01-10"),
        _F.ТипДокумента(_F.Код("НОВЫЙ")),
        _F.ДокументОснование("true"),
        _F.ДокументИсполнение("false"),
    )
    return _F.Документ(details, _F.ВсеСведения(*records))
