"""REST of ИПС: packets of ФРМО and ФРМР, kept as XML here, sent as JSON over HTTPS.

A packet is ``<operation><request><parameters/><content/></request></operation>``; the answer to it is the same
operation with ``response``, or with ``error`` where the register refused with an HTTP status. What matters about a
failure is whether the request may have left; a request that only reads leaves no doubt, whatever went wrong.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from lxml import etree

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError, GatewayError
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.exchange import Element, InDoubt, NotSent, PeerRefused, SignInRefused, TransportError
from workers.ips.limiter import THIS_PROCESS, Limiter
from workers.ips.mirror import from_json, to_json
from workers.ips.register import LIMITS, Operation, find_operation, load
from workers.ips.tokens import KeySigner, TokenSource

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 30.0
REQUESTS_PER_S: Final = 5.0
LONGEST_TURN_S: Final = 60.0
PAGE: Final = 100
MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024

_SIGN_IN: Final = {401, 403}
_RETRY_LATER: Final = {408, 425, 429, 503}
_VERDICTS: Final = {400, 404, 409, 422}
"""Statuses by which the register judges this one packet; 400 and 404 are known of the real service."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the register said of one packet.

    ``document`` is the answer as XML. ``refusal`` is empty when the register did what it was asked, else its own
    words, for «Результат» and nothing else: they may name people.
    """

    document: Element
    refusal: str = ""


def open_transport(
    _transport: manifest.Transport,
    settings: Mapping[str, str],
    _wsdl: Path | None = None,
    *,
    limiter: Limiter = THIS_PROCESS,
) -> IpsTransport:
    """Prepare calls; nothing is sent yet.

    Settings: ``address`` (base of the registers, http or https), ``client_id`` (identifier of the system in ИПС),
    ``key`` and ``certificate`` (PEM files that sign tokens), optional ``audience`` (root URL of ИПС, else that of
    the address), ``requests_per_s`` (5), ``connect_timeout_s`` (5), ``read_timeout_s`` (30), ``ca_bundle`` (file
    with the certificates to trust instead of the system's; verification cannot be switched off).

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    address = settings.get("address", "")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError("Настройка address должна быть адресом вида https://узел/путь/.")
    for key in ("client_id", "key", "certificate"):
        if not settings.get(key):
            raise ConfigurationError(f"Не задана настройка {key}.")
    signer = KeySigner.from_files(Path(settings["key"]), Path(settings["certificate"]))
    audience = settings.get("audience") or f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    read_timeout_s = _number(settings, "read_timeout_s", READ_TIMEOUT_S)
    timeout = urllib3.Timeout(
        connect=_number(settings, "connect_timeout_s", CONNECT_TIMEOUT_S), read=read_timeout_s
    )
    pool = urllib3.PoolManager(retries=False, timeout=timeout, cert_reqs="CERT_REQUIRED", ca_certs=_ca_bundle(settings))
    tokens = TokenSource(signer, settings["client_id"], audience)
    pace = Pace(limiter, 1 / _number(settings, "requests_per_s", REQUESTS_PER_S))
    return IpsTransport(pool, address.rstrip("/") + "/", tokens, pace, read_timeout_s)


@dataclass(frozen=True, slots=True)
class Pace:
    """The limiter shared by all who call a peer, and the seconds between two requests."""

    limiter: Limiter
    interval_s: float


class IpsTransport:
    """Calls the registers at one address; for one run and one thread at a time."""

    def __init__(
        self, pool: urllib3.PoolManager, base: str, tokens: TokenSource, pace: Pace, read_timeout_s: float
    ) -> None:
        self._pool = pool
        self._base = base
        self._tokens = tokens
        self._pace = pace
        self._read_timeout_s = read_timeout_s
        self._peer = urlsplit(base).netloc.rpartition("@")[2]

    def call(self, packet: Element | bytes) -> Answer:
        """Send one packet, once: nothing is repeated here. It is checked against the XSD before it leaves.

        Raises:
            NotSent: not a byte left, or the peer cannot serve now, or the packet only reads: repeating is safe.
            InDoubt: a packet that changes the register may have been taken, and no usable answer came.
            SignInRefused: the peer does not accept our token.
            PeerRefused: the packet breaks its XSD and was not sent, or the peer does not know such a call.
        """
        operation, request = _checked(packet)
        parameters = {str(p.tag): p.text or "" for p in request.iterfind("parameters/*")}
        body = None
        if operation.has_content:
            content = request.find("content")
            assert content is not None  # the XSD says so
            body = json.dumps(to_json(content, operation.entity, load(operation.register)), ensure_ascii=False).encode()
        self._take_turn()
        status, data = self._send(operation, self._url(operation, parameters), body)
        return self._read(operation, status, data)

    def next_page(self, packet: Element, answer: Answer) -> Element | None:
        """Return the packet that reads the page after ``answer``, or None when that was the last one.

        A list read without ``limit`` is over after one answer when the peer says so or says nothing.
        """
        response = answer.document.find("response")
        if response is None or answer.refusal:
            return None
        taken = len(response.findall("content/contentItem"))
        offset = int(response.findtext("offset") or packet.findtext("request/parameters/offset") or 0)
        if not taken or offset + taken >= int(response.findtext("total") or 0):
            return None
        return _with_offset(packet, offset + taken)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _take_turn(self) -> None:
        wait_s = self._pace.limiter.reserve(self._peer, self._pace.interval_s)
        if wait_s > LONGEST_TURN_S:
            raise NotSent(f"Очередь запросов к {self._peer} слишком длинна: повторите позже.")
        if wait_s > 0:
            time.sleep(wait_s)

    def _url(self, operation: Operation, parameters: dict[str, str]) -> str:
        path = operation.path
        before, brace, rest = path.partition("{")
        if brace:
            name, _, after = rest.partition("}")
            path = before + quote(parameters.pop(name), safe="") + after
        query = urlencode(parameters)
        return f"{self._base}{path}?{query}" if query else self._base + path

    def _send(self, operation: Operation, url: str, data: bytes | None) -> tuple[int, bytes]:
        body = _Body(data or b"")
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self._tokens.token()}"}
        if data is not None:
            headers |= {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(data))}
        try:
            response = self._pool.request(
                operation.method,
                url,
                body=body if data is not None else None,
                headers=headers,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            # Closing an answer read to its end leaves the connection in the pool; any other is cut.
            with closing(response):
                return response.status, self._content(operation, response)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # A request without a body is out of our hands as soon as there is a connection.
            left = body.left if data is not None else not isinstance(error, _NEVER_LEFT)
            raise self._broken(operation, error, left=left) from None

    def _content(self, operation: Operation, response: urllib3.BaseHTTPResponse) -> bytes:
        """Read the whole answer; one that drips is cut off after the read time-out, however it drips."""
        until = time.monotonic() + self._read_timeout_s
        content = bytearray()
        while chunk := response.read1(_CHUNK_BYTES):
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                text = f"{self._peer} прислал ответ больше допустимых {MAX_ANSWER_BYTES} байт."
                raise _lost(operation, text)
            if time.monotonic() > until:
                raise _lost(operation, f"{self._peer} не прислал ответ целиком за отведённое время.")
        return bytes(content)

    def _read(self, operation: Operation, status: int, data: bytes) -> Answer:
        if status in _SIGN_IN:
            raise SignInRefused(f"{self._peer} не принимает наш токен (HTTP {status}).")
        if status in _RETRY_LATER:
            raise NotSent(f"{self._peer} просит повторить позже (HTTP {status}).")
        content = _json_object(data)
        if content is not None and 200 <= status < 300 and content.get("requestId"):
            document = _document(operation, "response", content)
            return Answer(document, document.findtext("response/errorUserMessage", "").strip())
        if content is not None and status in _VERDICTS and content.get("code") == status:
            document = _document(operation, "error", content)
            return Answer(document, _told(document))
        if 300 <= status < 500:
            raise PeerRefused(f"{self._peer} не принимает запрос (HTTP {status}): проверьте адрес.")
        raise _lost(operation, f"{self._peer} ответил непонятно (HTTP {status}): исход запроса неизвестен.")

    def _broken(self, operation: Operation, error: Exception, *, left: bool) -> TransportError:
        if left:
            if isinstance(error, urllib3.exceptions.ReadTimeoutError):
                return _lost(operation, f"Запрос ушёл, но {self._peer} не ответил за отведённое время.")
            return _lost(operation, f"Запрос ушёл, но связь с {self._peer} прервалась до ответа.")
        if isinstance(error, urllib3.exceptions.SSLError):
            return NotSent(f"Не удалось установить защищённое соединение с {self._peer}: проверьте сертификаты.")
        if isinstance(error, urllib3.exceptions.NameResolutionError):
            return NotSent(f"Узел {self._peer} не найден.")
        if isinstance(error, urllib3.exceptions.NewConnectionError):  # a kind of ConnectTimeoutError to urllib3
            return NotSent(f"Нет соединения с {self._peer}.")
        if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
            return NotSent(f"Соединение с {self._peer} не установлено за отведённое время.")
        return NotSent(f"Связь с {self._peer} прервалась до передачи запроса.")
