"""Поля программы и мероприятия: titles, order and obligation, once for forming and for the rules.

Names: tables PRG and PRG_RHB of the regional showcase of ФГИС ФРИ; the schema of the packet says the same, a test
compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NAMESPACE: Final = "urn:ours:fri:ipra:1"

TITLES: Final[Mapping[str, str]] = {
    "BDate": "Дата рождения",
    "DicId": "Мероприятие",
    "DocDt": "Дата протокола",
    "DocNum": "Номер протокола",
    "Dt": "Дата разработки ИПРА",
    "DtExc": "Дата исполнения",
    "EvntId": "Подтип мероприятия",
    "ExcId": "Исполнитель",
    "Execut": "Исполнитель не из справочника",
    "FName": "Имя",
    "Gndr": "Пол",
    "Id": "Идентификатор мероприятия",
    "Inn": "ИНН исполнителя",
    "LName": "Фамилия",
    "MseId": "Идентификатор ИПРА",
    "Name": "Наименование",
    "Note": "Примечание",
    "Ogrn": "ОГРН исполнителя",
    "PrgDt": "Дата выдачи ИПРА",
    "PrgKind": "Вид программы",
    "PrgNum": "Номер ИПРА",
    "ResId": "Результат исполнения",
    "Result": "Результат словами",
    "Rhb": "Мероприятие",
    "SName": "Отчество",
    "Snils": "СНИЛС",
    "TsrId": "Техническое средство реабилитации",
    "TypeId": "Тип мероприятия",
}

PRG: Final = (
    "MseId",
    "PrgNum",
    "PrgDt",
    "Dt",
    "DocNum",
    "DocDt",
    "PrgKind",
    "Snils",
    "LName",
    "FName",
    "SName",
    "BDate",
    "Gndr",
)
"""Fields of a programme, in the order of the schema; its measures follow."""
RHB: Final = (
    "Id",
    "TypeId",
    "EvntId",
    "DicId",
    "Name",
    "TsrId",
    "DtExc",
    "ExcId",
    "Execut",
    "ResId",
    "Result",
    "Note",
)
"""Fields of a measure, in the order of the schema."""
EXECUT: Final = ("Name", "Ogrn", "Inn")

REQUIRED_OF_PRG: Final = ("MseId", "PrgNum", "PrgDt", "PrgKind", "LName", "FName", "BDate", "Gndr")
REQUIRED_OF_RHB: Final = ("Id", "TypeId", "DtExc", "ResId")
REQUIRED_OF_EXECUT: Final = EXECUT
