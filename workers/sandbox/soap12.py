"""A SOAP 1.2 peer whose bodies are documents, addressed by WS-Addressing, which is checked before the body.

The WSDL imports the one schema of all documents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, Final
from uuid import uuid4

from lxml import etree

from gateway.domain.errors import GatewayError, InvalidRequest
from gateway.xml.canonical import serialize
from gateway.xml.namespaces import SOAP12, WSA, WSDL_SOAP12, WSSE, XML, XSD
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.sandbox.server import Request
from workers.sandbox.soap import LIMITS, Credentials, Element, Operation, SoapPeer, Version

SOAP_12: Final = Version(
    title="SOAP 1.2",
    namespace=SOAP12,
    binding=WSDL_SOAP12,
    media_type="application/soap+xml",
    sender="soap:Sender",
    receiver="soap:Receiver",
    true=frozenset({"1", "true"}),
    declared={"wsa": WSA},
)
_ACTION: Final = re.compile(r'action="([^"]*)"')
_ADDRESSING: Final = ("Action", "MessageID", "To")


class Soap12Peer(SoapPeer):
    """Each operation returns the element of its answer; every one hands over documents."""

    version = SOAP_12
    fault_fields = ("Code", "Message")
    kinds: ClassVar[Mapping[str, str]] = {**SoapPeer.kinds, "CONFLICT": "PACKAGE_ID_TAKEN"}

    def __init__(
        self, wsdl: Path, path: str, credentials: Credentials, operations: Mapping[str, Operation], fault: str
    ) -> None:
        super().__init__(wsdl, path, credentials, operations, operations.keys(), fault)

    def _learn_schema(self, description: Element, folder: Path) -> None:
        imported = next(description.iter(f"{{{XSD}}}import"))
        self._schema = (folder / imported.get("schemaLocation", "")).resolve()

    def _reads(self, content_type: str) -> bool:
        return content_type.partition(";")[0].strip() == self.version.media_type

    def _action(self, headers: Mapping[str, str]) -> str:
        found = _ACTION.search(headers.get("content-type", ""))
        return found[1] if found else ""

    def _understands(self, block: Element) -> bool:
        return etree.QName(block).namespace in {WSA, WSSE}

    def _described(self, address: str) -> Element:
        """The WSDL with its schema inside, so that a caller needs nothing else."""
        description = super()._described(address)
        around = next(description.iter(f"{{{XSD}}}import")).getparent()
        if around is not None and (types := around.getparent()) is not None:
            types.replace(around, parse(self._schema.read_bytes(), LIMITS))
        return description

    def _perform(self, name: str, body: Element, header: Element | None, request: Request) -> Element:
        message_id = self._addressed(header, f"{self.namespace}/{name}", request)
        if validate(parse(serialize(body), LIMITS), self._schema):
            raise InvalidRequest("Запрос не соответствует схеме.")
        answer = self._operations[name](body)
        return self.version.envelope(answer, self._header(message_id))

    def _addressed(self, header: Element | None, action: str, request: Request) -> str:
        """Check WS-Addressing: what is asked, of whom, under which id."""
        told = {key: "" if header is None else header.findtext(f"{{{WSA}}}{key}", "") for key in _ADDRESSING}
        if not all(told.values()):
            raise InvalidRequest("Нужны заголовки WS-Addressing Action, MessageID и To.")
        if told["Action"] != action or self._action(request.headers) not in {"", action}:
            raise InvalidRequest("Action не соответствует содержанию запроса.")
        if told["To"] != request.address + self._path:
            raise InvalidRequest("To называет другой адрес.")
        return told["MessageID"]

    def _header(self, about: str) -> Element:
        header = etree.Element(self.version.name("Header"), nsmap={"soap": SOAP12, "wsa": WSA})
        etree.SubElement(header, f"{{{WSA}}}MessageID").text = f"urn:uuid:{uuid4()}"
        etree.SubElement(header, f"{{{WSA}}}RelatesTo").text = about
        return header

    def _refused(self, error: GatewayError, code: str, subcode: str) -> tuple[HTTPStatus, Element]:
        fault = self._new_fault()
        told = etree.SubElement(fault, self.version.name("Code"))
        etree.SubElement(told, self.version.name("Value")).text = code
        if subcode:
            inner = etree.SubElement(told, self.version.name("Subcode"))
            etree.SubElement(inner, self.version.name("Value")).text = subcode
        reason = etree.SubElement(fault, self.version.name("Reason"))
        etree.SubElement(reason, self.version.name("Text"), {f"{{{XML}}}lang": "ru"}).text = error.message
        self._add_detail(etree.SubElement(fault, self.version.name("Detail")), error)
        status = HTTPStatus.INTERNAL_SERVER_ERROR if code == self.version.receiver else HTTPStatus.BAD_REQUEST
        return status, fault
