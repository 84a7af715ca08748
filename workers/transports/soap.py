"""SOAP over HTTP(S): zeep makes and reads the messages, :mod:`workers.transports.wire` carries them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import zeep
import zeep.exceptions
import zeep.wsse.username
from lxml import etree
from zeep.wsdl.bindings.soap import Soap12Binding

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError
from workers.exchange import BadAnswer, InDoubt, NotSent, PeerRefused, SignInRefused, TransportError
from workers.transports.wire import Wire

_SIGN_IN_FAULTS: Final = {
    "FailedAuthentication",
    "FailedCheck",
    "InvalidSecurity",
    "InvalidSecurityToken",
    "SecurityTokenUnavailable",
    "UnsupportedSecurityToken",
}
"""Local names of the fault codes of WS-Security SOAP Message Security 1.1, section 12."""
_CALLER_FAULTS: Final = {"Client", "Sender", "MustUnderstand", "VersionMismatch", "DataEncodingUnknown"}
_FAULT_CODES: Final = etree.XPath("*[local-name()='faultcode'] | *[local-name()='Code']//*[local-name()='Value']")
_XML_TYPES: Final = {"text/xml", "application/soap+xml", "application/xml"}
_RETRY_LATER: Final = {408, 425, 429}

# What zeep and the types of a WSDL raise on an answer that is not what the WSDL promised.
_UNREADABLE: Final = (
    zeep.exceptions.Error,
    etree.LxmlError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
)

# zeep's own transport logs whole envelopes, with passwords and patients, at DEBUG; nothing here may wake it.
logging.getLogger("zeep").setLevel(logging.CRITICAL + 1)


def open_transport(transport: manifest.Transport, settings: Mapping[str, str], wsdl: Path | None) -> SoapTransport:
    """Read the WSDL from disk and prepare calls; nothing is sent yet.

    Settings: ``address`` (http or https), ``username`` and ``password`` of WS-Security UsernameToken,
    optional ``connect_timeout_s`` (5) and ``read_timeout_s`` (30), optional ``ca_bundle`` (file with the
    certificates to trust instead of the system's).

    Raises:
        ConfigurationError: the WSDL or a setting is wrong.
    """
    if wsdl is None:
        raise ConfigurationError(f"Транспорту {transport.kind} нужен WSDL: укажите его в описании обмена.")
    return SoapTransport(read_wsdl(wsdl, token_of(settings)), Wire(settings), settings["address"])


class SoapTransport:
    """Calls the operations of one WSDL at one address; for one run and one thread at a time."""

    def __init__(self, client: Any, wire: Wire, address: str) -> None:
        service = next(iter(client.wsdl.services.values()))
        self._binding = next(iter(service.ports.values())).binding
        self._service = client.create_service(self._binding.name, address)
        self._client = client
        self._wire = wire
        self._address = address
        self._peer = wire.peer

    def call(self, operation: str, /, **arguments: object) -> Any:
        """Call one operation, once: nothing is repeated here.

        Returns what the WSDL says, as zeep reads it: an object with attributes or a plain value, without the
        element of the response and without a wrapper that holds a single element; None when that is empty.

        Raises:
            NotSent: no connection, no TLS, or the peer answered that it cannot serve now.
            InDoubt: the request may have left, and no usable answer came.
            BadAnswer: of these, an answer of success that is not what the WSDL promises.
            SignInRefused: the peer does not accept our name, password or security header.
            PeerRefused: the peer answers that the call itself is wrong.
        """
        bound = self._binding.get(operation)
        envelope = self._client.create_message(self._service, operation, **arguments)
        answer = self._post(etree.tostring(envelope, xml_declaration=True, encoding="utf-8"), bound.soapaction)
        try:
            return self._binding.process_reply(self._client, bound, answer)
        except Fault as fault:
            raise self._by_fault(fault.codes) from None
        except _UNREADABLE:
            # Without its cause: zeep quotes the whole answer.
            raise self._by_status(answer.status_code) from None

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _post(self, data: bytes, action: str) -> _Answer:
        """Send an envelope; what comes back has the look of XML."""
        if isinstance(self._binding, Soap12Binding):
            media = "application/soap+xml"
            headers = {"Content-Type": f'{media}; charset=utf-8; action="{action}"', "Accept": media}
        else:
            headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"', "Accept": "text/xml"}
        sent = self._wire.send("POST", self._address, headers, data)
        answer = _Answer(sent.status, sent.headers, sent.content)
        if answer.status_code in (401, 403):
            raise SignInRefused(f"{self._peer} не принимает наши учётные данные (HTTP {answer.status_code}).")
        if not answer.content or answer.media_type not in _XML_TYPES:
            raise self._by_status(answer.status_code)
        return answer

    def _by_status(self, status: int) -> TransportError:
        if status in _RETRY_LATER:
            return NotSent(f"{self._peer} просит повторить позже (HTTP {status}).")
        if 300 <= status < 500:
            return PeerRefused(f"{self._peer} не принимает запрос (HTTP {status}): проверьте адрес.")
        kind = BadAnswer if status < 300 else InDoubt  # whoever fails with a page for people is not the service itself
        return kind(f"{self._peer} ответил непонятно (HTTP {status}): исход запроса неизвестен.")

    def _by_fault(self, codes: set[str]) -> TransportError:
        """A fault means that nothing was taken; its text is not told, for it may quote the packet."""
        if codes & _SIGN_IN_FAULTS:
            return SignInRefused(f"{self._peer} не принимает наши учётные данные.")
        if codes & _CALLER_FAULTS:
            return PeerRefused(f"{self._peer} отказал: запрос составлен неверно.")
        return NotSent(f"{self._peer} сообщил о своей ошибке и запрос не принял.")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What zeep wants to know of an HTTP response."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes
    encoding: str = "utf-8"

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "text/xml").partition(";")[0].strip().lower()


class _FromDisk(zeep.Transport):
    """Loads the WSDL and what it includes from disk, and from nowhere else."""

    def load(self, url: str) -> bytes:
        if urlsplit(url).scheme not in ("", "file"):
            raise ConfigurationError(f"WSDL ссылается на {urlsplit(url).netloc}: из сети схемы не читаются.")
        return Path(urlsplit(url).path).read_bytes()


class Fault(Exception):
    """The peer answered with a SOAP Fault; ``codes`` are the parts of its code and subcodes."""

    def __init__(self, codes: set[str]) -> None:
        super().__init__()
        self.codes = codes


class _Judge(zeep.Plugin):
    """Reads a fault whatever its namespaces, and refuses the answer to another question.

    zeep finds no code in a fault whose envelope has a default namespace, and reads any other element as empty.
    """

    def ingress(self, envelope: Any, http_headers: Any, operation: Any) -> tuple[Any, Any]:
        promised(envelope, operation)
        return envelope, http_headers


def promised(envelope: Any, operation: Any) -> Any:
    """The element that the WSDL promises as the answer to an operation.

    Raises:
        Fault: the peer answered with a fault.
        LookupError: the body holds something else.
    """
    found = envelope.xpath("*[local-name()='Body']/*")
    if len(found) == 1 and etree.QName(found[0]).localname == "Fault":
        if codes := _FAULT_CODES(found[0]):
            raise Fault({part for code in codes for part in re.split(r"[\s:.]+", code.text or "")})
    elif len(found) == 1 and etree.QName(found[0]) == operation.output.body.qname:
        return found[0]
    raise LookupError("not what the WSDL promises")


def token_of(settings: Mapping[str, str]) -> zeep.wsse.username.UsernameToken | None:
    """The UsernameToken of the settings; None when they name nobody."""
    username = settings.get("username")
    return zeep.wsse.username.UsernameToken(username, settings.get("password", "")) if username else None


def read_wsdl(wsdl: Path, token: zeep.wsse.username.UsernameToken | None) -> Any:
    """Read a WSDL, and what it includes, from disk.

    Raises:
        ConfigurationError: it cannot be read, or holds no service.
    """
    settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        loader = _FromDisk()  # type: ignore[no-untyped-call]  # zeep's Transport is untyped
        client = zeep.Client(str(wsdl), wsse=token, transport=loader, settings=settings, plugins=[_Judge()])
    except (zeep.exceptions.Error, OSError) as error:
        raise ConfigurationError(f"WSDL {wsdl.name} не читается: {error}") from error
    if not any(service.ports for service in client.wsdl.services.values()):
        raise ConfigurationError(f"В WSDL {wsdl.name} нет ни одной службы.")
    return client
