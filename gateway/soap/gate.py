"""The envelope gate: what is not exactly one well-made SOAP request goes no further.

It finds the body element and the security header, and looks into neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from lxml import etree

from gateway.domain.errors import TooMany
from gateway.soap.refusals import ProtocolFault
from gateway.soap.transport import Content, too_large
from gateway.soap.versions import SOAP11, Version
from gateway.xml import namespaces
from gateway.xml.limits import RequestLimits
from gateway.xml.parser import glimpse, parse

SECURITY: Final = f"{{{namespaces.WSSE}}}Security"
_NIL: Final = f"{{{namespaces.XSI}}}nil"
_CALL_DEPTH: Final = 3
"""Envelope, Body, and the request of an operation."""
_TRUE: Final = frozenset({"1", "true"})
_OUR_ROLES: Final = frozenset(
    {
        "",
        "http://schemas.xmlsoap.org/soap/actor/next",
        f"{namespaces.SOAP12}/role/next",
        f"{namespaces.SOAP12}/role/ultimateReceiver",
    }
)


@dataclass(frozen=True, slots=True)
class Request:
    """An opened envelope: the one child of its Body, and its ``wsse:Security`` header."""

    body: etree._Element
    security: etree._Element | None


def operation_of(data: bytes, content: Content, version: Version) -> str:
    """Name of the operation that a request asks for, by its headers, else by the first element of its Body.

    It is a claim until the whole envelope is read; empty when neither tells within the first bytes.
    """
    if content.operation:
        return content.operation
    tag = glimpse(data, _CALL_DEPTH, f"{{{version.envelope}}}Body", codec=content.charset)
    return "" if tag is None else tag.rpartition("}")[2]  # not yet judged: it may be no name of XML at all


def open_envelope(data: bytes, content: Content, version: Version, limits: RequestLimits) -> Request:
    """Parse a request once and take the envelope off; ``limits`` are those of the operation it claims to ask for.

    Raises:
        InvalidXml, TooLarge: as the parser.
        ProtocolFault: another SOAP version, a header that must be understood and is not, anything but Header and
            Body in the envelope, a Body without exactly one child, an action that names another operation.
    """
    if len(data) > limits.max_bytes:
        raise too_large(limits.max_bytes)
    root = parse(data, limits, codec=content.charset)
    _check_version(root, content, version)
    header, body = _parts(root, version)
    security = None if header is None else _check_headers(header, version)
    call = _only_child(body)
    if content.operation not in {"", etree.QName(call).localname}:
        raise ProtocolFault("SOAPAction называет другую операцию, чем тело запроса.")
    call.attrib.pop(_NIL, None)  # SOAP::Lite marks a request without parameters so
    return Request(call, security)


def check_items(request: Request, limits: RequestLimits) -> None:
    """Look into the body element, which is allowed once the caller is known.

    Raises:
        TooMany: one of its lists has more items than its operation takes.
    """
    if request.body.xpath(f"boolean(descendant-or-self::*[*[{limits.max_items + 1}]])"):
        raise TooMany(f"В списке больше допустимых {limits.max_items} элементов.")


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


def _parts(root: etree._Element, version: Version) -> tuple[etree._Element | None, etree._Element]:
    """Return Header and Body; a second one, whatever else stands beside them, would be read by some and not by others.

    Source: WS-I Basic Profile 1.1, R1011 and R1014.
    """
    names = [child.tag for child in root]
    header, body = f"{{{version.envelope}}}Header", f"{{{version.envelope}}}Body"
    if names not in ([body], [header, body]):
        raise ProtocolFault("В конверте допускаются только Header (не обязателен) и за ним Body, по одному разу.")
    if _has_text(root):
        raise ProtocolFault("В конверте вне элементов есть текст.")
    return (root[0] if len(names) > 1 else None), root[-1]


def _check_headers(header: etree._Element, version: Version) -> etree._Element | None:
    """Refuse what must be understood and is not; return the security header. Blocks for others are passed over."""
    security = None
    role_name = "actor" if version is SOAP11 else "role"
    for block in header:
        if block.get(f"{{{version.envelope}}}{role_name}", "").strip() not in _OUR_ROLES:
            continue
        if block.tag == SECURITY:
            if security is not None:
                raise ProtocolFault("Заголовок Security указан дважды.")
            security = block
            continue
        if block.get(f"{{{version.envelope}}}mustUnderstand", "").strip() in _TRUE:
            raise ProtocolFault(
                "Заголовок с mustUnderstand не поддерживается: принимается только wsse:Security.",
                soap_code="MustUnderstand",
                status=HTTPStatus.INTERNAL_SERVER_ERROR,
            )
    return security


def _only_child(body: etree._Element) -> etree._Element:
    if len(body) != 1 or _has_text(body):
        raise ProtocolFault("В теле конверта (Body) должен быть ровно один элемент: запрос операции.")
    return body[0]


def _has_text(element: etree._Element) -> bool:
    """Tell whether anything but white space stands between the children."""
    return any(text and not text.isspace() for text in (element.text, *(child.tail for child in element)))
