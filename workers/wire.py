"""One HTTP request, sent once, over a verified connection; failures tell whether it may have left.

What every HTTP transport shares: nothing is repeated, no redirect is followed, certificates are always verified, and
an answer is bounded in size and in time. The one question never to be answered wrongly is whether the request may have
left. Its body itself answers: while nobody has read it, nothing has left, whatever went wrong.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import urllib3

from gateway.domain.errors import ConfigurationError
from workers.exchange import InDoubt, NotSent, TransportError

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 30.0
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024

# urllib3 logs every address at DEBUG, and an address may name a person by СНИЛС; nothing here may wake it.
logging.getLogger("urllib3").setLevel(logging.WARNING)


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

        Settings: ``address`` (http or https), optional ``connect_timeout_s`` (5), ``read_timeout_s`` (30) and
        ``ca_bundle`` (file with the certificates to trust instead of the system's).

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
        self._pool = urllib3.PoolManager(
            retries=False,
            timeout=urllib3.Timeout(connect=connect_timeout_s, read=self._read_timeout_s),
            cert_reqs="CERT_REQUIRED",
            ca_certs=_ca_bundle(settings),
        )

    def send(self, method: str, url: str, headers: Mapping[str, str], data: bytes = b"") -> HttpAnswer:
        """Send one request and read its answer, whatever its status.

        Raises:
            NotSent: the request did not leave, or it is a GET, which changes nothing at the peer.
            InDoubt: it may have left, and no whole answer came.
        """
        body = None if method == "GET" else _Body(data)
        length = {} if body is None else {"Content-Length": str(len(data))}
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers={**headers, **length},
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            # Closing an answer read to its end leaves the connection in the pool; any other is cut.
            with closing(response):
                return HttpAnswer(response.status, response.headers, self._content(method, response))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._broken(method, error, left=body is not None and body.left) from None

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _content(self, method: str, response: urllib3.BaseHTTPResponse) -> bytes:
        """Read the whole answer; one that drips is cut off after the read time-out, however it drips."""
        until = time.monotonic() + self._read_timeout_s
        content = bytearray()
        while chunk := response.read1(_CHUNK_BYTES):
            content += chunk
            if len(content) > MAX_ANSWER_BYTES:
                raise lost(method, f"{self.peer} прислал ответ больше допустимых {MAX_ANSWER_BYTES} байт.")
            if time.monotonic() > until:
                raise lost(method, f"{self.peer} не прислал ответ целиком за отведённое время.")
        return bytes(content)

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
