"""What every SOAP 1.1 peer shares: its WSDL, WS-Security, the checks of an envelope, faults.

The order is the contract: HTTP, well-formedness, version, credentials, and only then the body. A request that
does not follow the schema inside the WSDL never reaches an operation.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.domain.errors import GatewayError, InvalidRequest, NotAuthenticated, Unavailable
from gateway.xml.canonical import serialize
from gateway.xml.limits import XmlLimits
from gateway.xml.namespaces import SOAP11, WSDL, WSDL_SOAP11, WSSE, XSD
from gateway.xml.parser import parse
from workers.sandbox.server import MAX_BODY_BYTES, Request, Response

Element = etree._Element
Operation = Callable[[Element], Element]
"""Takes the request element, returns the ``result`` element of the answer; commits what it changes."""

LIMITS: Final = XmlLimits(max_bytes=MAX_BODY_BYTES, max_depth=64, max_elements=200_000)
PLAIN_TEXT: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
_FAULT_CODES: Final[Mapping[type[GatewayError], str]] = {
    NotAuthenticated: "wsse:FailedAuthentication",
    Unavailable: "soap:Server",
}


class VersionMismatch(InvalidRequest):
    """The envelope is not a SOAP 1.1 envelope."""


class NotUnderstood(InvalidRequest):
    """A header that must be understood is not."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one account the peer knows."""

    username: str
    password: str


class SoapPeer:
    """A peer described by a WSDL of ours: one service, document/literal wrapped, one declared fault.

    ``operations`` maps the local name of each request element to its handler; ``submissions`` names those
    that hand over documents; ``fault`` is the local name of the fault element (``code``, ``message``).
    """

    def __init__(
        self,
        wsdl: Path,
        path: str,
        credentials: Credentials,
        operations: Mapping[str, Operation],
        submissions: frozenset[str],
        fault: str,
    ) -> None:
        self._wsdl = wsdl.read_bytes()
        description = parse(self._wsdl, LIMITS)
        schema = description.find(f"{{{WSDL}}}types/{{{XSD}}}schema")
        if schema is None:
            raise ValueError("the WSDL holds no schema")
        self.namespace: Final = description.get("targetNamespace", "")
        for imported in schema.iter(f"{{{XSD}}}import"):
            imported.set("schemaLocation", str((wsdl.parent / imported.get("schemaLocation", "")).resolve()))
        # A document of its own, or libxml2 does not see the prefixes that the WSDL declares around it.
        self._schema = etree.XMLSchema(parse(serialize(schema), LIMITS))
        self._path = path
        self._credentials = credentials
        self._operations = operations
        self._submissions = submissions
        self._fault = fault

    def submits(self, headers: Mapping[str, str]) -> bool:
        """See ``server.Application``."""
        return self._action(headers).rpartition("/")[2] in self._submissions

    def failure(self, *, outage: bool) -> Response:
        """See ``server.Application``."""
        if outage:
            return self._fault_response(Unavailable("Сервис временно недоступен."))
        return self._fault_response(GatewayError("Внутренняя ошибка."))

    def handle(self, request: Request) -> Response:
        """See ``server.Application``."""
        if request.path != self._path:
            return Response(HTTPStatus.NOT_FOUND, b"", "text/plain")
        if request.method == "GET" and request.query.lower() == "wsdl":
            return Response(HTTPStatus.OK, self._described(request.address))
        if request.method != "POST":
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, b"", "text/plain", allow="POST")
        if not _is_xml(request.headers.get("content-type", "")):
            return Response(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, b"", "text/plain")
        try:
            return Response(HTTPStatus.OK, self._answer(request))
        except GatewayError as error:
            return self._fault_response(error)

    def _described(self, address: str) -> bytes:
        description = parse(self._wsdl, LIMITS)
        for place in description.iter(f"{{{WSDL_SOAP11}}}address"):
            place.set("location", address + self._path)
        return serialize(description)

    def _answer(self, request: Request) -> bytes:
        envelope = parse(request.body, LIMITS)
        if envelope.tag != f"{{{SOAP11}}}Envelope":
            raise VersionMismatch("Ожидается конверт SOAP 1.1.")
        header = envelope.find(f"{{{SOAP11}}}Header")
        authenticate(header, self._credentials)
        _check_understood(header)
        body = only_child(envelope.find(f"{{{SOAP11}}}Body"))
        name = etree.QName(body)
        if name.namespace != self.namespace or name.localname not in self._operations:
            raise InvalidRequest("Такой операции нет.")
        if self._action(request.headers) not in {"", f"{self.namespace}/{name.localname}"}:
            raise InvalidRequest("SOAPAction не соответствует содержанию запроса.")
        if not self._schema.validate(body):
            raise InvalidRequest("Запрос не соответствует схеме WSDL.")
        result = self._operations[name.localname](body)
        response = etree.Element(f"{{{self.namespace}}}{name.localname}Response", nsmap={None: self.namespace})
        response.append(result)
        return _envelope(response)

    def _action(self, headers: Mapping[str, str]) -> str:
        return headers.get("soapaction", "").strip().strip('"')

    def _fault_response(self, error: GatewayError) -> Response:
        fault = etree.Element(f"{{{SOAP11}}}Fault", nsmap={"soap": SOAP11, "wsse": WSSE})
        etree.SubElement(fault, "faultcode").text = _fault_code(error)
        etree.SubElement(fault, "faultstring").text = error.message
        detail = etree.SubElement(etree.SubElement(fault, "detail"), f"{{{self.namespace}}}{self._fault}")
        code = error.code if error.code in {"NOT_AUTHENTICATED", "UNAVAILABLE", "INTERNAL"} else "INVALID_REQUEST"
        etree.SubElement(detail, f"{{{self.namespace}}}code").text = code
        etree.SubElement(detail, f"{{{self.namespace}}}message").text = error.message
        return Response(HTTPStatus.INTERNAL_SERVER_ERROR, _envelope(fault))


def authenticate(header: Element | None, credentials: Credentials) -> None:
    """Check the UsernameToken of a header.

    Raises:
        NotAuthenticated: there is none, or it is not of the account.
    """
    token = None if header is None else header.find(f"{{{WSSE}}}Security/{{{WSSE}}}UsernameToken")
    if token is None:
        raise NotAuthenticated("Нужен заголовок WS-Security с UsernameToken.")
    password = token.find(f"{{{WSSE}}}Password")
    if password is None or password.get("Type", PLAIN_TEXT) != PLAIN_TEXT:
        raise NotAuthenticated("Пароль передаётся в виде PasswordText.")
    known = (credentials.username, credentials.password)
    given = (token.findtext(f"{{{WSSE}}}Username", ""), password.text or "")
    same = [hmac.compare_digest(a.encode(), b.encode()) for a, b in zip(known, given, strict=True)]
    if not all(same):
        raise NotAuthenticated("Имя или пароль неверны.")


def _fault_code(error: GatewayError) -> str:
    if isinstance(error, VersionMismatch):
        return "soap:VersionMismatch"
    if isinstance(error, NotUnderstood):
        return "soap:MustUnderstand"
    if type(error) is GatewayError:
        return "soap:Server"
    return _FAULT_CODES.get(type(error), "soap:Client")


def _is_xml(content_type: str) -> bool:
    media_type, _, parameters = content_type.lower().partition(";")
    charset = parameters.strip().removeprefix("charset=").strip('"')
    return media_type.strip() == "text/xml" and charset in {"", "utf-8"}


def _check_understood(header: Element | None) -> None:
    for block in () if header is None else header:
        if block.get(f"{{{SOAP11}}}mustUnderstand") == "1" and block.tag != f"{{{WSSE}}}Security":
            raise NotUnderstood("Заголовок, обязательный для понимания, не поддерживается.")


def only_child(body: Element | None) -> Element:
    """The one element of a body.

    Raises:
        InvalidRequest: it holds none or several.
    """
    if body is None or len(body) != 1:
        raise InvalidRequest("В теле запроса должен быть ровно один элемент.")
    return body[0]


def _envelope(content: Element) -> bytes:
    envelope = etree.Element(f"{{{SOAP11}}}Envelope", nsmap={"soap": SOAP11})
    etree.SubElement(envelope, f"{{{SOAP11}}}Body").append(content)
    return serialize(envelope)
