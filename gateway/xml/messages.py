"""libxml2's reasons in Russian.

A sentence is built from the rule and from what the schema says (allowed values, pattern, bounds, expected
names), never from the document's value: libxml2 quotes the value first and the schema last, so only the tail
after the rule's own words is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

MAX_LISTED: Final = 20
"""Allowed values or expected elements named in one sentence."""

_MAX_TRUSTED_LENGTH: Final = 8_000
"""A longer libxml2 message may have lost its tail, and then the value could pass for the schema's words."""

_SYNTAX: Final[Mapping[str, str]] = {
    "ERR_DOCUMENT_EMPTY": "Документ пуст или начинается не с элемента.",
    "ERR_DOCUMENT_END": "После корневого элемента есть лишнее содержимое.",
    "ERR_TAG_NAME_MISMATCH": "Закрывающий тег не соответствует открывающему.",
    "ERR_TAG_NOT_FINISHED": "Элемент не закрыт: документ оборвался.",
    "ERR_GT_REQUIRED": "Тег не закрыт знаком «>».",
    "ERR_LTSLASH_REQUIRED": "Не найден закрывающий тег.",
    "ERR_SPACE_REQUIRED": "Между атрибутами нужен пробел.",
    "ERR_ATTRIBUTE_NOT_STARTED": "Значение атрибута должно стоять в кавычках.",
    "ERR_ATTRIBUTE_NOT_FINISHED": "Значение атрибута не закрыто кавычкой.",
    "ERR_ATTRIBUTE_WITHOUT_VALUE": "У атрибута нет значения.",
    "ERR_ATTRIBUTE_REDEFINED": "Атрибут указан дважды.",
    "ERR_LT_IN_ATTRIBUTE": "Знак «<» в значении атрибута нужно записать как «&lt;».",
    "ERR_NAME_REQUIRED": "После «<» или «&» нет имени: эти знаки в тексте записываются «&lt;» и «&amp;».",
    "ERR_ENTITYREF_SEMICOL_MISSING": "Ссылка «&…» не закрыта точкой с запятой; сам знак «&» пишется «&amp;».",
    "ERR_UNDECLARED_ENTITY": "Используется неизвестная сущность: допустимы только пять сущностей XML.",
    "WAR_UNDECLARED_ENTITY": "Используется неизвестная сущность: допустимы только пять сущностей XML.",
    "ERR_INVALID_CHAR": "Встретился символ, недопустимый в XML.",
    "ERR_INVALID_CHARREF": "Числовая ссылка указывает на символ, недопустимый в XML.",
    "ERR_INVALID_ENCODING": "Байты документа не соответствуют его кодировке.",
    "ERR_INVALID_HEX_CHARREF": "Числовая ссылка на символ записана неверно.",
    "ERR_INVALID_DEC_CHARREF": "Числовая ссылка на символ записана неверно.",
    "ERR_XMLDECL_NOT_FINISHED": "Объявление <?xml …?> записано неверно.",
    "ERR_RESERVED_XML_NAME": "Объявление <?xml …?> допустимо только в самом начале документа.",
    "ERR_CDATA_NOT_FINISHED": "Раздел CDATA не закрыт.",
    "ERR_COMMENT_NOT_FINISHED": "Комментарий не закрыт.",
    "ERR_MISPLACED_CDATA_END": "Последовательность «]]>» в тексте нужно записать как «]]&gt;».",
    "ERR_RESOURCE_LIMIT": "Документ превышает пределы разбора: вложенность, длину значения или размер тега.",
    "ERR_NAME_TOO_LONG": "Имя длиннее допустимого.",
    "NS_ERR_UNDEFINED_NAMESPACE": "Префикс пространства имён не объявлен.",
    "NS_ERR_XML_NAMESPACE": "Объявление пространства имён записано неверно.",
    "NS_ERR_QNAME": "Имя с двоеточием записано неверно.",
    "NS_ERR_ATTRIBUTE_REDEFINED": "Атрибут указан дважды.",
    "NS_ERR_EMPTY": "Префикс связан с пустым пространством имён.",
}

_TYPES: Final[Mapping[str, str]] = {
    "xs:date": "ожидается дата в виде ГГГГ-ММ-ДД",
    "xs:dateTime": "ожидаются дата и время в виде ГГГГ-ММ-ДДTчч:мм:сс",
    "xs:time": "ожидается время в виде чч:мм:сс",
    "xs:gYear": "ожидается год в виде ГГГГ",
    "xs:gYearMonth": "ожидается месяц в виде ГГГГ-ММ",
    "xs:boolean": "ожидается true, false, 1 или 0",
    "xs:decimal": "ожидается число, дробная часть отделяется точкой",
    "xs:double": "ожидается число",
    "xs:float": "ожидается число",
    "xs:byte": "ожидается целое число от -128 до 127",
    "xs:short": "ожидается целое число от -32768 до 32767",
    "xs:int": "ожидается целое число",
    "xs:integer": "ожидается целое число",
    "xs:long": "ожидается целое число",
    "xs:positiveInteger": "ожидается целое число больше нуля",
    "xs:nonNegativeInteger": "ожидается целое число не меньше нуля",
    "xs:unsignedByte": "ожидается целое число от 0 до 255",
    "xs:unsignedShort": "ожидается целое число от 0 до 65535",
    "xs:unsignedInt": "ожидается целое число не меньше нуля",
    "xs:unsignedLong": "ожидается целое число не меньше нуля",
    "xs:base64Binary": "ожидаются двоичные данные в кодировке Base64",
    "xs:hexBinary": "ожидаются двоичные данные шестнадцатеричными цифрами",
    "xs:anyURI": "ожидается адрес URI",
}

# type → (words of libxml2 after which the schema's own text stands, its end, sentence with it, without it)
_FACETS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "PATTERN_VALID": (
        "is not accepted by the pattern '",
        "'.",
        "значение не соответствует шаблону {}",
        "значение не соответствует шаблону",
    ),
    "LENGTH_VALID": (
        "differs from the allowed length of '",
        "'.",
        "длина значения должна быть {}",
        "длина значения не та, что требуется",
    ),
    "MINLENGTH_VALID": (
        "allowed minimum length of '",
        "'.",
        "длина значения должна быть не меньше {}",
        "значение слишком короткое",
    ),
    "MAXLENGTH_VALID": (
        "allowed maximum length of '",
        "'.",
        "длина значения должна быть не больше {}",
        "значение слишком длинное",
    ),
    "MININCLUSIVE_VALID": (
        "less than the minimum value allowed ('",
        "').",
        "значение должно быть не меньше {}",
        "значение слишком мало",
    ),
    "MAXINCLUSIVE_VALID": (
        "greater than the maximum value allowed ('",
        "').",
        "значение должно быть не больше {}",
        "значение слишком велико",
    ),
    "MINEXCLUSIVE_VALID": (
        "must be greater than '",
        "'.",
        "значение должно быть больше {}",
        "значение слишком мало",
    ),
    "MAXEXCLUSIVE_VALID": (
        "must be less than '",
        "'.",
        "значение должно быть меньше {}",
        "значение слишком велико",
    ),
    "TOTALDIGITS_VALID": (
        "has more digits than are allowed ('",
        "').",
        "всего цифр должно быть не больше {}",
        "слишком много цифр",
    ),
    "FRACTIONDIGITS_VALID": (
        "has more fractional digits than are allowed ('",
        "').",
        "цифр после точки должно быть не больше {}",
        "слишком много цифр после точки",
    ),
    "ELT_5_2_2_2_2": (
        "does not match the fixed value constraint '",
        "'.",
        "допустимо только значение {}",
        "значение должно быть тем, что задано схемой",
    ),
}

_PLAIN: Final[Mapping[str, str]] = {
    "ELT_1": "такой корневой элемент или его пространство имён схемой не предусмотрены",
    "ELT_2": "элемент объявлен в схеме абстрактным и сам по себе не используется",
    "ELT_3_1": "пустое значение (xsi:nil) не допускается",
    "ELT_3_2_1": "элемент с xsi:nil должен быть пустым",
    "ELT_4_1": "тип, указанный в xsi:type, записан неверно",
    "ELT_4_2": "тип, указанный в xsi:type, схеме неизвестен",
    "ELT_4_3": "тип, указанный в xsi:type, здесь не допускается",
    "TYPE_3_1_1": "атрибуты у этого элемента не допускаются",
    "TYPE_3_1_2": "вложенные элементы здесь не допускаются, ожидается значение",
    "COMPLEX_TYPE_2_1": "элемент должен быть пустым",
    "COMPLEX_TYPE_2_2": "вложенные элементы здесь не допускаются, ожидается значение",
    "COMPLEX_TYPE_2_3": "текст между вложенными элементами не допускается",
    "COMPLEX_TYPE_2_4": "вложенные элементы не соответствуют схеме",
    "COMPLEX_TYPE_3_1": "значение атрибута должно быть тем, что задано схемой",
    "AU": "значение атрибута должно быть тем, что задано схемой",
    "COMPLEX_TYPE_3_2_1": "такого атрибута в схеме нет",
    "COMPLEX_TYPE_3_2_2": "такого атрибута в схеме нет",
    "COMPLEX_TYPE_4": "нет обязательного атрибута",
    "WILDCARD": "такой элемент или атрибут здесь не допускается",
}

_DATATYPE: Final = re.compile(r"is not a valid value of the (?:atomic|list|union) type '(?P<name>[^']*)'\.\s*$")
_EXPECTED: Final = re.compile(r"Expected is (?:one of )?\( (?P<names>.*) \)\.\s*$", re.DOTALL)
_EXPECTED_NAME: Final = re.compile(r"(?:\{[^}]*\})?([^\s,{}]+)")
_REQUIRED: Final = re.compile(r"The attribute '([^']*)' is required but missing\.\s*$")


def syntax_message(type_name: str) -> str:
    """Sentence for a well-formedness error of libxml2 (``ERR_TAG_NAME_MISMATCH``)."""
    return _SYNTAX.get(type_name, "Документ не является правильным XML.")


def listed_values(values: Sequence[str]) -> str:
    """The first ``MAX_LISTED`` of these values, and how many more there are."""
    more = f" и ещё {len(values) - MAX_LISTED}" if len(values) > MAX_LISTED else ""
    return f"{', '.join(values[:MAX_LISTED])}{more}"


def local_name(name: str) -> str:
    """Name without its namespace: ``{urn:x}DR`` and ``x:DR`` are both ``DR``."""
    return name.rpartition("}")[2].rpartition(":")[2]


def label(name: str, titles: Mapping[str, str]) -> str:
    """Name as people read it, «Дата рождения (DR)», or the bare name where the schema gives no title."""
    title = titles.get(name)
    return f"{title} ({name.removeprefix('@')})" if title else name.removeprefix("@")


def schema_message(type_name: str, message: str, owner: str, titles: Mapping[str, str]) -> str:
    """Sentence for a schema error of libxml2.

    ``owner`` names the element (``DR``) or attribute (``@id``) at fault, ``titles`` is that of
    ``schemas.describe``.
    """
    rule = type_name.removeprefix("SCHEMAV_").removeprefix("CVC_")
    text = message if len(message) <= _MAX_TRUSTED_LENGTH else ""
    required = _REQUIRED.search(text) if rule == "COMPLEX_TYPE_4" else None
    if required:
        missing = label(f"@{local_name(required[1])}", titles)
        return f"{label(owner, titles)}: нет обязательного атрибута {missing}."
    return f"{label(owner, titles)}: {_reason(rule, text, titles)}."


def _reason(rule: str, text: str, titles: Mapping[str, str]) -> str:
    if facet := _FACETS.get(rule):
        words, end, with_facet, without = facet
        known = _tail(text, words, end)
        return with_facet.format(known) if known else without
    if rule == "ENUMERATION_VALID":
        return _enumeration(_tail(text, "is not an element of the set {", "}."))
    if rule.startswith("DATATYPE_VALID"):
        found = _DATATYPE.search(text)
        wanted = _TYPES.get(found["name"]) if found else None
        return wanted or "значение не соответствует своему типу"
    if rule == "ELEMENT_CONTENT":
        return _content(text, titles)
    if rule == "IDC":
        return _identity(text)
    return _PLAIN.get(rule, "нарушено правило схемы")


def _tail(text: str, words: str, end: str) -> str:
    _, found, tail = text.rstrip().rpartition(words)
    return tail.removesuffix(end) if found and tail.endswith(end) else ""


def _enumeration(listed: str) -> str:
    values = listed.strip("'").split("', '") if listed else []
    if not values:
        return "значение не из списка допустимых"
    return f"значение не из списка допустимых: {listed_values(values)}"


def _content(text: str, titles: Mapping[str, str]) -> str:
    problem = "не хватает вложенного элемента" if "Missing child element(s)." in text else "элемент здесь не ожидается"
    expected = _EXPECTED.search(text)
    names = _EXPECTED_NAME.findall(expected["names"]) if expected else []
    named = [label(name, titles) for name in names if name[0] not in "#*"]
    if not named:
        return problem
    return f"{problem}, ожидается: {' или '.join(named[:MAX_LISTED])}"


def _identity(text: str) -> str:
    if "Duplicate key-sequence" in text:
        return "значение должно быть единственным, но повторяется"
    if "No match found for key-sequence" in text:
        return "ссылка указывает на значение, которого нет в документе"
    return "не заполнено поле, по которому элементы различаются"
