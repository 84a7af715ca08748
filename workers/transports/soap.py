"""SOAP over HTTP(S): zeep makes and reads the messages, urllib3 carries them.

The one question this module must never answer wrongly is whether the request may have left. It is answered by
the request's body itself: while nobody has read it, nothing has left, whatever went wrong.
"""

from __future__ import annotations

import io
import logging
import re
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3
import zeep
import zeep.exceptions
import zeep.wsse.username
from lxml import etree

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError
from workers.exchange import InDoubt, NotSent, PeerRefused, SignInRefused, TransportError

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 30.0
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024

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
logging.getLogger("zeep").setLevel(logging.WARNING)


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
    parts = urlsplit(settings.get("address", ""))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError("Настройка address должна быть адресом вида https://узел/путь.")
    token = None
    if username := settings.get("username"):
        token = zeep.wsse.username.UsernameToken(username, settings.get("password", ""))
    timeout = urllib3.Timeout(
        connect=_seconds(settings, "connect_timeout_s", CONNECT_TIMEOUT_S),
        read=_seconds(settings, "read_timeout_s", READ_TIMEOUT_S),
    )
    pool = urllib3.PoolManager(retries=False, timeout=timeout, cert_reqs="CERT_REQUIRED", ca_certs=_ca_bundle(settings))
    return SoapTransport(_client(wsdl, token), pool, parts.geturl(), timeout.read_timeout or READ_TIMEOUT_S)


class SoapTransport:
    """Calls the operations of one WSDL at one address; for one run and one thread at a time."""

    def __init__(
        self,
        client: Any,
        pool: urllib3.PoolManager,
        address: str,
        read_timeout_s: float,
    ) -> None:
        service = next(iter(client.wsdl.services.values()))
        self._binding = next(iter(service.ports.values())).binding
        self._service = client.create_service(self._binding.name, address)
        self._client = client
        self._pool = pool
        self._address = address
        self._read_timeout_s = read_timeout_s
        self._peer = urlsplit(address).netloc.rpartition("@")[2]

    def call(self, operation: str, /, **arguments: object) -> Any:
        """Call one operation, once: nothing is repeated here.

        Returns what the WSDL says, as zeep reads it: an object with attributes or a plain value, without the
        element of the response and without a wrapper that holds a single element; None when that is empty.

        Raises:
            NotSent: no connection, no TLS, or the peer answered that it cannot serve now.
            InDoubt: the request may have left, and no usable answer came.
            SignInRefused: the peer does not accept our name, password or security header.
            PeerRefused: the peer answers that the call itself is wrong.
        """
        bound = self._binding.get(operation)
        envelope = self._client.create_message(self._service, operation, **arguments)
        answer = self._post(etree.tostring(envelope, xml_declaration=True, encoding="utf-8"), bound.soapaction)
        if answer.status_code in (401, 403):
            raise SignInRefused(f"{self._peer} не принимает наши учётные данные (HTTP {answer.status_code}).")
        if not answer.content or answer.media_type not in _XML_TYPES:
            raise self._by_status(answer.status_code)
        try:
            return self._binding.process_reply(self._client, bound, answer)
        except _Fault as fault:
            raise self._by_fault(fault.codes) from None
        except _UNREADABLE:
            # Without its cause: zeep quotes the whole answer.
            raise self._by_status(answer.status_code) from None

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _post(self, data: bytes, action: str) -> _Answer:
        body = _Body(data)
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "Content-Length": str(len(data)),
            "SOAPAction": f'"{action}"',
            "Accept": "text/xml",
        }
        try:
            response = self._pool.request(
                "POST",
                self._address,
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            # Closing an answer read to its end leaves the connection in the pool; any other is cut.
            with closing(response):
                return _Answer(response.status, response.headers, self._content(response))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._broken(error, left=body.left) from None

    def _content(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """Read the whole answer; one that drips is cut off after the read time-out, however it drips."""
        until = time.monotonic() + self._read_timeout_s
        content = bytearray()
        while chunk := response.read1(_CHUNK_BYTES):
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                raise InDoubt(f"{self._peer} прислал ответ больше допустимых {MAX_ANSWER_BYTES} байт.")
            if time.monotonic() > until:
                raise InDoubt(f"{self._peer} не прислал ответ целиком за отведённое время.")
        return bytes(content)

    def _broken(self, error: Exception, *, left: bool) -> TransportError:
        if left:
            if isinstance(error, urllib3.exceptions.ReadTimeoutError):
                return InDoubt(f"Запрос ушёл, но {self._peer} не ответил за отведённое время.")
            return InDoubt(f"Запрос ушёл, но связь с {self._peer} прервалась до ответа.")
        if isinstance(error, urllib3.exceptions.SSLError):
            return NotSent(f"Не удалось установить защищённое соединение с {self._peer}: проверьте сертификаты.")
        if isinstance(error, urllib3.exceptions.NameResolutionError):
            return NotSent(f"Узел {self._peer} не найден.")
        if isinstance(error, urllib3.exceptions.NewConnectionError):  # a kind of ConnectTimeoutError to urllib3
            return NotSent(f"Нет соединения с {self._peer}.")
        if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
            return NotSent(f"Соединение с {self._peer} не установлено за отведённое время.")
        return NotSent(f"Связь с {self._peer} прервалась до передачи запроса.")

    def _by_status(self, status: int) -> TransportError:
        if status in _RETRY_LATER:
            return NotSent(f"{self._peer} просит повторить позже (HTTP {status}).")
        if 300 <= status < 500:
            return PeerRefused(f"{self._peer} не принимает запрос (HTTP {status}): проверьте адрес.")
        return InDoubt(f"{self._peer} ответил непонятно (HTTP {status}): исход запроса неизвестен.")

    def _by_fault(self, codes: set[str]) -> TransportError:
        """A fault means that nothing was taken; its text is not told, for it may quote the packet."""
        if codes & _SIGN_IN_FAULTS:
            return SignInRefused(f"{self._peer} не принимает наши учётные данные.")
        if codes & _CALLER_FAULTS:
            return PeerRefused(f"{self._peer} отказал: запрос составлен неверно.")
        return NotSent(f"{self._peer} сообщил о своей ошибке и запрос не принял.")


class _Body(io.BytesIO):
    """The bytes of a request that know whether anybody has begun to send them."""

    left = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.left = True
        return super().read(size)


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


class _Fault(Exception):
    """The peer answered with a SOAP Fault; ``codes`` are the parts of its code and subcodes."""

    def __init__(self, codes: set[str]) -> None:
        super().__init__()
        self.codes = codes


class _Judge(zeep.Plugin):
    """Reads a fault whatever its namespaces, and refuses the answer to another question.

    zeep finds no code in a fault whose envelope has a default namespace, and reads any other element as empty.
    """

    def ingress(self, envelope: Any, http_headers: Any, operation: Any) -> tuple[Any, Any]:
        found = envelope.xpath("*[local-name()='Body']/*")
        if len(found) == 1 and etree.QName(found[0]).localname == "Fault":
            if codes := _FAULT_CODES(found[0]):
                raise _Fault({part for code in codes for part in re.split(r"[\s:.]+", code.text or "")})
        elif len(found) == 1 and etree.QName(found[0]) == operation.output.body.qname:
            return envelope, http_headers
        raise LookupError("not what the WSDL promises")


def _client(wsdl: Path, token: zeep.wsse.username.UsernameToken | None) -> Any:
    settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        loader = _FromDisk()  # type: ignore[no-untyped-call]  # zeep's Transport is untyped
        client = zeep.Client(str(wsdl), wsse=token, transport=loader, settings=settings, plugins=[_Judge()])
    except (zeep.exceptions.Error, OSError) as error:
        raise ConfigurationError(f"WSDL {wsdl.name} не читается: {error}") from error
    if not any(service.ports for service in client.wsdl.services.values()):
        raise ConfigurationError(f"В WSDL {wsdl.name} нет ни одной службы.")
    return client


def _seconds(settings: Mapping[str, str], key: str, default: float) -> float:
    try:
        seconds = float(settings.get(key) or default)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise ConfigurationError(f"Настройка {key}: нужно число секунд, больше 0 и не больше 3600.")
    return seconds


def _ca_bundle(settings: Mapping[str, str]) -> str | None:
    path = settings.get("ca_bundle")
    if path and not Path(path).is_file():
        raise ConfigurationError("Настройка ca_bundle: такого файла с сертификатами нет.")
    return path or None
