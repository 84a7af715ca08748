"""What a SOAP 1.2 peer whose bodies are documents shares: its WSDL, WS-Addressing, WS-Security, the checks, faults.

The order is the contract: HTTP, well-formedness, version, credentials, addressing, and only then the body. A body that
does not follow the schema which the WSDL imports never reaches an operation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final
from uuid import uuid4

from lxml import etree

from gateway.domain.errors import GatewayError, InvalidRequest, NotAuthenticated, Unavailable
from gateway.xml.canonical import serialize
from gateway.xml.namespaces import SOAP12, WSA, WSDL_SOAP12, WSSE, XML, XSD
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.sandbox.server import Request, Response
from workers.sandbox.soap import LIMITS, Credentials, Element, authenticate, only_child

Operation = Callable[[Element], Element]
"""Takes the body's element, returns that of the answer; commits what it changes."""

MEDIA_TYPE: Final = "application/soap+xml"
_ACTION: Final = re.compile(r'action="([^"]*)"')
_KINDS: Final = {
    "NOT_AUTHENTICATED": "NOT_AUTHENTICATED",
    "UNAVAILABLE": "UNAVAILABLE",
    "INTERNAL": "INTERNAL",
    "CONFLICT": "PACKAGE_ID_TAKEN",
}
"""What the fault calls an error; every other one is INVALID_REQUEST."""


class VersionMismatch(InvalidRequest):
    """The envelope is not a SOAP 1.2 envelope."""


class NotUnderstood(InvalidRequest):
    """A header that must be understood is not."""


class Soap12Peer:
    """A peer described by a WSDL that imports one schema: document/literal, one declared fault (``Code``, ``Message``).

    ``operations`` maps the local name of each request element to its handler; ``fault`` is the local name of the fault
    element. Every operation hands over documents.
    """

    def __init__(
        self, wsdl: Path, path: str, credentials: Credentials, operations: Mapping[str, Operation], fault: str
    ) -> None:
        self._wsdl = wsdl.read_bytes()
        described = parse(self._wsdl, LIMITS)
        imported = next(described.iter(f"{{{XSD}}}import"))
        self._schema = (wsdl.parent / imported.get("schemaLocation", "")).resolve()
        self.namespace: Final = described.get("targetNamespace", "")
        self._path = path
        self._credentials = credentials
        self._operations = operations
        self._fault = fault

    def submits(self, headers: Mapping[str, str]) -> bool:
        """See ``server.Application``."""
        return _action(headers).rpartition("/")[2] in self._operations

    def failure(self, *, outage: bool) -> Response:
        """See ``server.Application``."""
        if outage:
            return self._refusal(Unavailable("Сервис временно недоступен."))
        return self._refusal(GatewayError("Внутренняя ошибка."))

    def handle(self, request: Request) -> Response:
        """See ``server.Application``."""
        if request.path != self._path:
            return Response(HTTPStatus.NOT_FOUND, b"", "text/plain")
        if request.method == "GET" and request.query.lower() == "wsdl":
            return Response(HTTPStatus.OK, self._described(request.address))
        if request.method != "POST":
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, b"", "text/plain", allow="POST")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
            return Response(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, b"", "text/plain")
        try:
            return _response(HTTPStatus.OK, self._answer(request))
        except GatewayError as error:
            return self._refusal(error)

    def _described(self, address: str) -> bytes:
        """The WSDL with its schema inside, so that a caller needs nothing else."""
        description = parse(self._wsdl, LIMITS)
        imported = next(description.iter(f"{{{XSD}}}import"))
        around = imported.getparent()
        if around is not None and (types := around.getparent()) is not None:
            types.replace(around, parse(self._schema.read_bytes(), LIMITS))
        for place in description.iter(f"{{{WSDL_SOAP12}}}address"):
            place.set("location", address + self._path)
        return serialize(description)

    def _answer(self, request: Request) -> Element:
        envelope = parse(request.body, LIMITS)
        if envelope.tag != f"{{{SOAP12}}}Envelope":
            raise VersionMismatch("Ожидается конверт SOAP 1.2.")
        header = envelope.find(f"{{{SOAP12}}}Header")
        authenticate(header, self._credentials)
        _check_understood(header)
        body = only_child(envelope.find(f"{{{SOAP12}}}Body"))
        name = etree.QName(body)
        if name.namespace != self.namespace or name.localname not in self._operations:
            raise InvalidRequest("Такой операции нет.")
        message_id = self._addressed(header, f"{self.namespace}/{name.localname}", request)
        if validate(parse(serialize(body), LIMITS), self._schema):
            raise InvalidRequest("Запрос не соответствует схеме.")
        return _envelope(self._operations[name.localname](body), message_id)

    def _addressed(self, header: Element | None, action: str, request: Request) -> str:
        """Check WS-Addressing: what is asked, of whom, under which id."""
        told = {key: "" if header is None else header.findtext(f"{{{WSA}}}{key}", "") for key in _ADDRESSING}
        if not all(told.values()):
            raise InvalidRequest("Нужны заголовки WS-Addressing Action, MessageID и To.")
        if told["Action"] != action or _action(request.headers) not in {"", action}:
            raise InvalidRequest("Action не соответствует содержанию запроса.")
        if told["To"] != request.address + self._path:
            raise InvalidRequest("To называет другой адрес.")
        return told["MessageID"]

    def _refusal(self, error: GatewayError) -> Response:
        fault = etree.Element(f"{{{SOAP12}}}Fault", nsmap={"soap": SOAP12, "wsse": WSSE})
        code, subcode = _fault_code(error)
        told = etree.SubElement(fault, f"{{{SOAP12}}}Code")
        etree.SubElement(told, f"{{{SOAP12}}}Value").text = code
        if subcode:
            inner = etree.SubElement(told, f"{{{SOAP12}}}Subcode")
            etree.SubElement(inner, f"{{{SOAP12}}}Value").text = subcode
        reason = etree.SubElement(fault, f"{{{SOAP12}}}Reason")
        etree.SubElement(reason, f"{{{SOAP12}}}Text", {f"{{{XML}}}lang": "ru"}).text = error.message
        detail = etree.SubElement(etree.SubElement(fault, f"{{{SOAP12}}}Detail"), f"{{{self.namespace}}}{self._fault}")
        etree.SubElement(detail, f"{{{self.namespace}}}Code").text = _KINDS.get(error.code, "INVALID_REQUEST")
        etree.SubElement(detail, f"{{{self.namespace}}}Message").text = error.message
        status = HTTPStatus.INTERNAL_SERVER_ERROR if code == "soap:Receiver" else HTTPStatus.BAD_REQUEST
        return _response(status, _envelope(fault))


_ADDRESSING: Final = ("Action", "MessageID", "To")


def _action(headers: Mapping[str, str]) -> str:
    found = _ACTION.search(headers.get("content-type", ""))
    return found[1] if found else ""


def _fault_code(error: GatewayError) -> tuple[str, str]:
    if isinstance(error, VersionMismatch):
        return "soap:VersionMismatch", ""
    if isinstance(error, NotUnderstood):
        return "soap:MustUnderstand", ""
    if isinstance(error, NotAuthenticated):
        return "soap:Sender", "wsse:FailedAuthentication"
    ours = isinstance(error, Unavailable) or type(error) is GatewayError
    return ("soap:Receiver" if ours else "soap:Sender"), ""


def _check_understood(header: Element | None) -> None:
    for block in () if header is None else header:
        known = etree.QName(block).namespace in {WSA, WSSE}
        if block.get(f"{{{SOAP12}}}mustUnderstand") in {"1", "true"} and not known:
            raise NotUnderstood("Заголовок, обязательный для понимания, не поддерживается.")


def _envelope(content: Element, about: str | None = None) -> Element:
    envelope = etree.Element(f"{{{SOAP12}}}Envelope", nsmap={"soap": SOAP12, "wsa": WSA})
    if about is not None:
        header = etree.SubElement(envelope, f"{{{SOAP12}}}Header")
        etree.SubElement(header, f"{{{WSA}}}MessageID").text = f"urn:uuid:{uuid4()}"
        etree.SubElement(header, f"{{{WSA}}}RelatesTo").text = about
    etree.SubElement(envelope, f"{{{SOAP12}}}Body").append(content)
    return envelope


def _response(status: HTTPStatus, envelope: Element) -> Response:
    return Response(status, serialize(envelope), f"{MEDIA_TYPE}; charset=utf-8")
