"""One HTTP request, sent once, over a verified connection; failures tell whether it may have left.

What every HTTP transport shares: nothing is repeated, no redirect is followed, certificates are always verified, and
an answer is bounded in size and in time. The one question never to be answered wrongly is whether the request may have
left. Its body itself answers: while nobody has read it, nothing has left, whatever went wrong.
"""

from __future__ import annotations

import io
import logging
import pkgutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import urllib3

from gateway.domain.errors import ConfigurationError
from workers.exchange import InDoubt, NotSent, PeerRefused, TransportError

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 30.0
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024

# urllib3 logs every address at DEBUG, and at WARNING one whose answer has broken headers; an address may name a person
# by СНИЛС. Nothing here may wake it.
logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP response read to its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Wire:
    """Connections to one peer; for one thread at a time. ``peer`` is its host and port, for messages."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Prepare connections; nothing is opened yet.

        Settings: ``address`` (http or https), optional ``connect_timeout_s`` (5), ``read_timeout_s`` (30),
        ``ca_bundle`` (file with the certificates to trust instead of the system's) and ``proxy``
        (``http://[name:password@]host:port``, through which everything goes).

        Raises:
            ConfigurationError: a setting is missing or wrong.
        """
        parts = urlsplit(settings.get("address", ""))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError("Настройка address должна быть адресом вида https://узел/путь.")
        self.root = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self.peer = parts.netloc.rpartition("@")[2]
        self._read_timeout_s = positive(settings, "read_timeout_s", READ_TIMEOUT_S)
        connect_timeout_s = positive(settings, "connect_timeout_s", CONNECT_TIMEOUT_S)
        timeout = urllib3.Timeout(connect=connect_timeout_s, read=self._read_timeout_s)
        self._pool = _manager(settings)(
            retries=False, timeout=timeout, cert_reqs="CERT_REQUIRED", ca_certs=_ca_bundle(settings)
        )

    def send(self, method: str, url: str, headers: Mapping[str, str], data: bytes = b"") -> HttpAnswer:
        """Send one request and read its answer, whatever its status.

        Raises:
            NotSent: the request did not leave, or it is a GET, which changes nothing at the peer.
            InDoubt: it may have left, and no whole answer came.
        """
        body = None if method == "GET" else _Body(data)
        length = {} if body is None else {"Content-Length": str(len(data))}
        with self._answering(method, url, {**headers, **length}, body) as response:
            until = time.monotonic() + self._read_timeout_s
            refusal = lost(method, f"{self.peer} прислал ответ больше допустимых {MAX_ANSWER_BYTES} байт.")
            content = b"".join(self._pieces(method, response, until, MAX_ANSWER_BYTES, refusal))
            return HttpAnswer(response.status, response.headers, content)

    def download(
        self, url: str, headers: Mapping[str, str], take: Callable[[bytes], object], *, max_bytes: int, within_s: float
    ) -> HttpAnswer:
        """GET a document of any size and ``take`` it piece by piece; what does not come with status 200 is not read.

        Raises:
            NotSent: no whole document came within the time; a part of it was taken.
            PeerRefused: the document has more bytes than ``max_bytes``.
            ConfigurationError: ``take`` cannot write.
        """
        with self._answering("GET", url, headers, None) as response:
            if response.status == HTTPStatus.OK:
                until = time.monotonic() + within_s
                refusal = PeerRefused(f"Документ от {self.peer} больше допустимых {max_bytes} байт.")
                for piece in self._pieces("GET", response, until, max_bytes, refusal):
                    _write(take, piece)
            return HttpAnswer(response.status, response.headers, b"")

    @contextmanager
    def _answering(
        self, method: str, url: str, headers: Mapping[str, str], body: _Body | None
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Send a request and give its answer, unread; what breaks until it is read is named."""
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            # Closing an answer read to its end leaves the connection in the pool; any other is cut.
            with closing(response):
                yield response
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._broken(method, error, left=body is not None and body.left) from None

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _pieces(
        self, method: str, response: urllib3.BaseHTTPResponse, until: float, max_bytes: int, refusal: TransportError
    ) -> Iterator[bytes]:
        """Yield the whole answer; one that drips is cut off at ``until``, however it drips, a long one refused."""
        left = max_bytes
        while chunk := response.read1(_CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise refusal
            yield chunk
            if time.monotonic() > until:
                raise lost(method, f"{self.peer} не прислал ответ целиком за отведённое время.")

    def _broken(self, method: str, error: Exception, *, left: bool) -> TransportError:
        if left and isinstance(error, urllib3.exceptions.ReadTimeoutError):
            return lost(method, f"Запрос ушёл, но {self.peer} не ответил за отведённое время.")
        if left:
            return lost(method, f"Запрос ушёл, но связь с {self.peer} прервалась до ответа.")
        if isinstance(error, urllib3.exceptions.SSLError):
            return NotSent(f"Не удалось установить защищённое соединение с {self.peer}: проверьте сертификаты.")
        if isinstance(error, urllib3.exceptions.NameResolutionError):
            return NotSent(f"Узел {self.peer} не найден.")
        if isinstance(error, urllib3.exceptions.NewConnectionError):  # a kind of ConnectTimeoutError to urllib3
            return NotSent(f"Нет соединения с {self.peer}.")
        if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
            return NotSent(f"Соединение с {self.peer} не установлено за отведённое время.")
        if method == "GET":
            return NotSent(f"Связь с {self.peer} прервалась до ответа на запрос сведений.")
        return NotSent(f"Связь с {self.peer} прервалась до передачи запроса.")


def lost(method: str, text: str) -> TransportError:
    """Name the failure of a request that left: reading may be repeated, a change of the peer's data may not."""
    return NotSent(text) if method == "GET" else InDoubt(text)


def positive(settings: Mapping[str, str], key: str, default: float) -> float:
    """Read a setting that is a number, more than 0 and at most 3600.

    Raises:
        ConfigurationError: it is not.
    """
    try:
        number = float(settings.get(key) or default)
    except ValueError:
        number = 0.0
    if not 0 < number <= 3600:
        raise ConfigurationError(f"Настройка {key}: нужно число больше 0 и не больше 3600.")
    return number


def provided(settings: Mapping[str, str], key: str) -> Any:
    """The function that a setting names as ``package.module:function``; None when the setting is absent.

    Raises:
        ConfigurationError: there is no such function.
    """
    if not (name := settings.get(key)):
        return None
    try:
        return pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError):
        raise ConfigurationError(f"Настройка {key}: такой функции нет.") from None


class _Body(io.BytesIO):
    """The bytes of a request that know whether anybody has begun to send them."""

    left = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.left = True
        return super().read(size)


def _ca_bundle(settings: Mapping[str, str]) -> str | None:
    path = settings.get("ca_bundle")
    if path and not Path(path).is_file():
        raise ConfigurationError("Настройка ca_bundle: такого файла с сертификатами нет.")
    return path or None


def _manager(settings: Mapping[str, str]) -> Callable[..., urllib3.PoolManager]:
    """What keeps the connections: direct ones, or through the proxy of the settings."""
    proxy = settings.get("proxy")
    if not proxy:
        return urllib3.PoolManager
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError("Настройка proxy должна быть адресом вида http://узел:порт.")
    who = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return partial(urllib3.ProxyManager, address, proxy_headers=urllib3.make_headers(proxy_basic_auth=who))


def _write(take: Callable[[bytes], object], piece: bytes) -> None:
    try:
        take(piece)
    except OSError as error:
        raise ConfigurationError(f"Документ не записан на диск: код ошибки {error.errno}.") from None
