"""The envelope gate: what is not exactly one well-made SOAP request goes no further.

It finds the body element and the security header, and looks into neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from lxml import etree

from gateway.domain.errors import InvalidXml
from gateway.soap.refusals import ProtocolFault
from gateway.soap.transport import Content
from gateway.soap.versions import SOAP11, Version
from gateway.xml import namespaces
from gateway.xml.limits import ENVELOPE_LIMITS
from gateway.xml.parser import parse, parse_text

SECURITY: Final = f"{{{namespaces.WSSE}}}Security"
_NIL: Final = f"{{{namespaces.XSI}}}nil"
_TRUE: Final = frozenset({"1", "true"})
_OUR_ROLES: Final = frozenset(
    {
        "",
        "http://schemas.xmlsoap.org/soap/actor/next",
        f"{namespaces.SOAP12}/role/next",
        f"{namespaces.SOAP12}/role/ultimateReceiver",
    }
)
_LAST_SEGMENT: Final = re.compile(r"[^/:#]*$")


@dataclass(frozen=True, slots=True)
class Request:
    """An opened envelope: the one child of its Body, and its ``wsse:Security`` header."""

    body: etree._Element
    security: etree._Element | None


def open_envelope(data: bytes, content: Content, version: Version, max_bytes: int) -> Request:
    """Parse a request once and take the envelope off.

    Raises:
        InvalidXml, TooLarge: as the parser.
        ProtocolFault: another SOAP version, a header that must be understood and is not, a Body without exactly
            one child, an action that names another operation.
    """
    root = _parse(data, content.charset, max_bytes)
    _check_version(root, content, version)
    security = _check_headers(root, version)
    body = _only_child(root, version)
    named = _LAST_SEGMENT.search(content.action)
    if named and named[0] and named[0] != etree.QName(body).localname:
        raise ProtocolFault("SOAPAction называет другую операцию, чем тело запроса.")
    body.attrib.pop(_NIL, None)  # SOAP::Lite marks a request without parameters so
    return Request(body, security)


def _parse(data: bytes, charset: str | None, max_bytes: int) -> etree._Element:
    limits = replace(ENVELOPE_LIMITS, max_bytes=max_bytes)
    if charset is None:
        return parse(data, limits)
    try:
        text = data.decode(charset)
    except UnicodeDecodeError:
        raise InvalidXml("Байты запроса не соответствуют кодировке из Content-Type.") from None
    return parse_text(text, limits)


def _check_version(root: etree._Element, content: Content, version: Version) -> None:
    name = etree.QName(root)
    if name.localname != "Envelope":
        raise ProtocolFault("Запрос не является конвертом SOAP.")
    if name.namespace != version.envelope:
        # A SOAP 1.1 caller is answered in SOAP 1.1 even by a 1.2 address (SOAP 1.2 part 1, appendix A).
        raise ProtocolFault(
            f"Этот адрес принимает только SOAP {version.code}.",
            soap_code="VersionMismatch",
            version=SOAP11 if name.namespace == SOAP11.envelope else None,
            status=HTTPStatus.INTERNAL_SERVER_ERROR,
        )
    if content.version is not version:
        raise ProtocolFault(
            f"Тип содержимого SOAP {version.code}: {version.media_type}.",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )


def _check_headers(root: etree._Element, version: Version) -> etree._Element | None:
    """Refuse what must be understood and is not; return the security header."""
    security = None
    for block in root.iterfind(f"{{{version.envelope}}}Header/*"):
        if block.tag == SECURITY:
            if security is not None:
                raise ProtocolFault("Заголовок Security указан дважды.")
            security = block
            continue
        must = block.get(f"{{{version.envelope}}}mustUnderstand", "").strip() in _TRUE
        role_name = "actor" if version is SOAP11 else "role"
        if must and block.get(f"{{{version.envelope}}}{role_name}", "").strip() in _OUR_ROLES:
            raise ProtocolFault(
                "Заголовок с mustUnderstand не поддерживается: принимается только wsse:Security.",
                soap_code="MustUnderstand",
                status=HTTPStatus.INTERNAL_SERVER_ERROR,
            )
    return security


def _only_child(root: etree._Element, version: Version) -> etree._Element:
    children = root.findall(f"{{{version.envelope}}}Body/*")
    if len(children) != 1:
        raise ProtocolFault("В теле конверта (Body) должен быть ровно один элемент: запрос операции.")
    return children[0]
