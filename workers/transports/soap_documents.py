"""SOAP whose body is the packet itself: addressed (WS-Addressing 1.0), where a site wants it signed, sent as it is.

The envelope is made here, around the journaled document; zeep reads the WSDL and makes the headers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from lxml import etree
from zeep.wsa import WsAddressingPlugin
from zeep.wsdl.bindings.soap import Soap12Binding

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError, GatewayError
from gateway.xml.canonical import serialize
from gateway.xml.limits import ANSWER_LIMITS
from gateway.xml.namespaces import SOAP11, SOAP12, WSA, WSU, XSD
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.exchange import BadAnswer, Element, Exchanged, NotSent
from workers.transports.soap import Fault, SoapTransport, promised, read_wsdl, token_of
from workers.transports.wire import Wire, provided

Signer = Callable[[Element], None]
"""Signs the envelope it is given, in place: adds what WS-Security wants to the header, changes nothing of the body.

The element to sign is soap:Body, whose wsu:Id is ``body``; headers of WS-Addressing stand in the envelope already.
"""

BODY_ID: Final = "body"


def open_transport(transport: manifest.Transport, settings: Mapping[str, str], wsdl: Path | None) -> DocumentTransport:
    """Read the WSDL from disk and prepare calls; nothing is sent yet.

    Settings: ``address``, ``connect_timeout_s``, ``read_timeout_s``, ``ca_bundle`` and ``proxy`` as in
    :mod:`workers.transports.wire`; optional ``username`` and ``password`` of WS-Security UsernameToken; optional
    ``signature_provider`` (``package.module:function`` of the form of :data:`Signer`).

    Raises:
        ConfigurationError: the WSDL or a setting is wrong.
    """
    if wsdl is None:
        raise ConfigurationError(f"Транспорту {transport.kind} нужен WSDL: укажите его в описании обмена.")
    client = read_wsdl(wsdl, None)
    made = DocumentTransport(client, Wire(settings), settings["address"])
    made.prepare(token_of(settings), provided(settings, "signature_provider"), _schemas(wsdl))
    return made


class DocumentTransport(SoapTransport):
    """Sends documents to one address as the bodies of one WSDL's operations; for one run and one thread at a time."""

    _token: Any = None
    _signer: Signer | None = None
    _schemas: Mapping[str, Path]

    def prepare(self, token: Any, signer: Signer | None, schemas: Mapping[str, Path]) -> None:
        """Set who calls, who signs, and by which schemas answers are judged."""
        self._token, self._signer, self._schemas = token, signer, schemas

    def submit(self, operation: str, document: bytes) -> Exchanged:
        """Send one document, once; the answer follows the schema that the WSDL imports.

        Raises:
            NotSent, InDoubt, SignInRefused, PeerRefused.
        """
        bound = self._binding.get(operation)
        sent = parse(document, ANSWER_LIMITS)
        envelope = self._envelope(sent, bound)
        answer = self._post(etree.tostring(envelope, xml_declaration=True, encoding="utf-8"), bound.soapaction)
        try:
            came = parse(answer.content, ANSWER_LIMITS)
            body = promised(came, bound)
        except Fault as fault:
            raise self._by_fault(fault.codes) from None
        except (GatewayError, LookupError):
            raise self._by_status(answer.status_code) from None
        about = came.findtext(f"{{*}}Header/{{{WSA}}}RelatesTo")
        asked = envelope.findtext(f"{{*}}Header/{{{WSA}}}MessageID")
        if about is not None and about.strip() != asked:
            raise BadAnswer(f"{self._peer} прислал ответ на другой запрос: исход неизвестен.")
        data = serialize(body)
        schema = self._schemas.get(str(etree.QName(body).namespace))
        if schema is not None and validate(parse(data, ANSWER_LIMITS), schema):
            raise BadAnswer(f"{self._peer} прислал ответ не по схеме: исход неизвестен.")
        return Exchanged(sent, body, data)

    def _envelope(self, document: Element, bound: Any) -> Element:
        soap = SOAP12 if isinstance(self._binding, Soap12Binding) else SOAP11
        envelope = etree.Element(f"{{{soap}}}Envelope", nsmap={"soap": soap})
        etree.SubElement(envelope, f"{{{soap}}}Header")
        body = etree.SubElement(envelope, f"{{{soap}}}Body", {f"{{{WSU}}}Id": BODY_ID}, nsmap={"wsu": WSU})
        body.append(copy.deepcopy(document))
        headers: dict[str, str] = {}
        addressing = WsAddressingPlugin()
        addressing.egress(envelope, headers, bound, {"address": self._address})
        if self._token is not None:
            self._token.apply(envelope, headers)
        if self._signer is not None:
            self._sign(envelope, self._signer)
        return envelope

    def _sign(self, envelope: Element, signer: Signer) -> None:
        try:
            signer(envelope)
        except Exception as error:  # noqa: BLE001 # a site's own function may fail in any way; nothing has left
            # Without its cause: nobody knows what of the message its text quotes.
            raise NotSent(f"Сообщение не подписано: {type(error).__name__}.") from None


def _schemas(wsdl: Path) -> dict[str, Path]:
    """Schema files that the WSDL imports, by namespace."""
    imports = parse(wsdl.read_bytes()).iter(f"{{{XSD}}}import")
    return {
        str(each.get("namespace")): (wsdl.parent / each.get("schemaLocation", "")).resolve()
        for each in imports
        if each.get("schemaLocation")
    }
