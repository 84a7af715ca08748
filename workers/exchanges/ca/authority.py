"""One УдостоверяющийЦентр of the register → what is kept of it; pure."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from workers.exchange import Accreditation, Authority, CaCertificate, Element, hexadecimal

MOSCOW: Final = timezone(timedelta(hours=3))
"""A moment without a zone is told by Moscow's clock."""

_KEYS: Final = "ПрограммноАппаратныеКомплексы/ПрограммноАппаратныйКомплекс/КлючиУполномоченныхЛиц/Ключ"
_INN: Final = re.compile(r"[0-9]{10}|[0-9]{12}")
_OGRN: Final = re.compile(r"[0-9]{13}|[0-9]{15}")


class Unreadable(Exception):
    """An entry that fits the schema and yet cannot be kept; the text is Russian and quotes no value."""


def read(element: Element) -> tuple[Authority, int]:
    """Read an entry that fits its schema; also tell how many of its certificates have a wrong thumbprint.

    Such a certificate is kept under the thumbprint of its own bytes. Empty and ``xsi:nil`` elements are absent ones.

    Raises:
        Unreadable: a moment is not one of the calendar, or outside the years 1–9999; bytes are not in Base64.
    """
    pairs = list(_certificates(element))
    current = element.find("СтатусАккредитации")
    if current is None:
        raise Unreadable("Нет статуса аккредитации")
    authority = Authority(
        inn=_text(element, "ИНН"),
        ogrn=_text(element, "ОГРН"),
        name=_text(element, "Название"),
        short_name=_text(element, "КраткоеНазвание"),
        number=_text(element, "РеестровыйНомер"),
        successor_ogrn=_text(element, "ПолномочияПереданыУЦсОГРН"),
        accreditation=_accreditation(current),
        history=tuple(map(_accreditation, element.iterfind("ИсторияСтатусовАккредитации/СтатусАккредитации"))),
        certificates=tuple({certificate.thumbprint: certificate for certificate, _ in pairs}.values()),
    )
    return authority, sum(certificate.thumbprint != told for certificate, told in pairs)


def key_of(element: Element) -> tuple[str, str] | None:
    """ИНН and ОГРН of an entry, however broken the rest of it is."""
    inn, ogrn = _text(element, "ИНН"), _text(element, "ОГРН")
    return (inn, ogrn) if _INN.fullmatch(inn) and _OGRN.fullmatch(ogrn) else None


def label(element: Element) -> str:
    """How an error names the entry: its name and ОГРН, as far as it has them."""
    ogrn = _text(element, "ОГРН")
    told = (_text(element, "Название"), f"ОГРН {ogrn}" if ogrn else "")
    return ", ".join(part for part in told if part) or "УЦ без названия"


def moment(text: str) -> datetime:
    """Read an xs:dateTime, in UTC.

    Raises:
        Unreadable: it is none.
    """
    try:
        read = datetime.fromisoformat(text.strip())
        return (read if read.tzinfo else read.replace(tzinfo=MOSCOW)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable("Дата и время записаны неверно") from None


def _accreditation(element: Element) -> Accreditation:
    return Accreditation(_text(element, "Статус"), moment(_text(element, "ДействуетС")))


def _certificates(element: Element) -> Iterator[tuple[CaCertificate, str]]:
    """Certificates of every key, each with the thumbprint that the register tells."""
    for key in element.iterfind(_KEYS):
        key_id = hexadecimal(_text(key, "ИдентификаторКлюча"))
        for each in key.iterfind("Сертификаты/ДанныеСертификата"):
            der = _bytes(_text(each, "Данные"))
            certificate = CaCertificate(
                thumbprint=hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
                key_id=key_id,
                subject=_text(each, "КомуВыдан"),
                issuer=_text(each, "КемВыдан"),
                serial=_text(each, "СерийныйНомер"),
                valid_from=moment(_text(each, "ПериодДействияС")),
                valid_to=moment(_text(each, "ПериодДействияДо")),
                der=der,
            )
            yield certificate, hexadecimal(_text(each, "Отпечаток"))


def _bytes(text: str) -> bytes:
    """Bytes written in Base64; schemas let some of what is none through."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise Unreadable("Данные сертификата записаны не в Base64") from None


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()
