"""The printable page of an XML report: self-contained XHTML, made by the published stylesheet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lxml import etree

from gateway.domain.errors import TooLarge
from gateway.resources import resource_dir
from gateway.xml.limits import MIB, XmlLimits
from gateway.xml.parser import parse

MAX_PRINT_BYTES: Final = 8 * MIB
"""A stylesheet holds its whole document; nobody prints more than this, about ten thousand packets."""

_LIMITS: Final = XmlLimits(max_bytes=MAX_PRINT_BYTES, max_depth=16, max_elements=400_000)


def printable_page(size: int, report: Iterable[bytes]) -> bytes:
    """Turn an XML report of ``size`` bytes into the page that is printed, XHTML without scripts or outside references.

    Raises:
        TooLarge: the report is larger than ``MAX_PRINT_BYTES``; nothing of it has been read then.
    """
    if size > MAX_PRINT_BYTES:
        raise TooLarge(
            f"Для печати отчёт слишком велик (больше {MAX_PRINT_BYTES // MIB} МиБ): "
            "сузьте отбор или скачайте XML либо CSV целиком"
        )
    stylesheet = parse((resource_dir("xsd") / "report" / "1.0" / "print.xsl").read_bytes())
    transform = etree.XSLT(stylesheet, access_control=etree.XSLTAccessControl.DENY_ALL)
    page = transform(parse(b"".join(report), _LIMITS))
    return etree.tostring(page, encoding="utf-8", xml_declaration=True)
