"""A SOAP 1.1 peer whose operations are wrapped: a request element, and a ``result`` inside the response element.

The schema stands inside the WSDL; SOAPAction, where it is told, must be that of the operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.domain.errors import GatewayError, InvalidRequest
from gateway.xml.canonical import serialize
from gateway.xml.namespaces import SOAP11, WSDL, WSDL_SOAP11, WSSE, XSD
from gateway.xml.parser import parse
from workers.sandbox.server import Request
from workers.sandbox.soap import LIMITS, Element, SoapPeer, Version

SOAP_11: Final = Version(
    title="SOAP 1.1",
    namespace=SOAP11,
    binding=WSDL_SOAP11,
    media_type="text/xml",
    sender="soap:Client",
    receiver="soap:Server",
    true=frozenset({"1"}),
    declared={},
)


class Soap11Peer(SoapPeer):
    """Each operation returns the ``result`` element of its answer."""

    version = SOAP_11
    fault_fields = ("code", "message")

    def _learn_schema(self, description: Element, folder: Path) -> None:
        schema = description.find(f"{{{WSDL}}}types/{{{XSD}}}schema")
        if schema is None:
            raise ValueError("the WSDL holds no schema")
        for imported in schema.iter(f"{{{XSD}}}import"):
            imported.set("schemaLocation", str((folder / imported.get("schemaLocation", "")).resolve()))
        # A document of its own, or libxml2 does not see the prefixes that the WSDL declares around it.
        self._schema = etree.XMLSchema(parse(serialize(schema), LIMITS))

    def _reads(self, content_type: str) -> bool:
        media_type, _, parameters = content_type.partition(";")
        charset = parameters.strip().removeprefix("charset=").strip('"')
        return media_type.strip() == self.version.media_type and charset in {"", "utf-8"}

    def _action(self, headers: Mapping[str, str]) -> str:
        return headers.get("soapaction", "").strip().strip('"')

    def _understands(self, block: Element) -> bool:
        return block.tag == f"{{{WSSE}}}Security"

    def _perform(self, name: str, body: Element, header: Element | None, request: Request) -> Element:
        del header
        if self._action(request.headers) not in {"", f"{self.namespace}/{name}"}:
            raise InvalidRequest("SOAPAction не соответствует содержанию запроса.")
        if not self._schema.validate(body):
            raise InvalidRequest("Запрос не соответствует схеме WSDL.")
        result = self._operations[name](body)
        response = etree.Element(f"{{{self.namespace}}}{name}Response", nsmap={None: self.namespace})
        response.append(result)
        return self.version.envelope(response)

    def _refused(self, error: GatewayError, code: str, subcode: str) -> tuple[HTTPStatus, Element]:
        fault = self._new_fault()
        etree.SubElement(fault, "faultcode").text = subcode or code
        etree.SubElement(fault, "faultstring").text = error.message
        self._add_detail(etree.SubElement(fault, "detail"), error)
        return HTTPStatus.INTERNAL_SERVER_ERROR, fault
