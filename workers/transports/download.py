"""One public document taken over HTTP(S): streamed into a temporary file, and only when it has changed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final
from urllib.parse import urljoin, urlsplit

from gateway.catalog import manifest
from gateway.domain.authorities import Freshness
from gateway.domain.errors import ConfigurationError, GatewayError, InvalidRequest, InvalidXml, TooLarge
from gateway.gost import find_gost
from gateway.x509 import read_file
from gateway.xml.limits import MIB
from gateway.xml.signature import verify_enveloped
from gateway.xml.stream import read_children
from workers.exchange import Element, NotSent, PeerRefused
from workers.transports.wire import HttpAnswer, Wire, positive, provided

TRIES: Final = 3
PAUSE_S: Final = 1.0
WITHIN_S: Final = 900.0
MAX_MIB: Final = 512.0
MAX_REDIRECTS: Final = 5
USER_AGENT: Final = "service-journal"

_REDIRECTS: Final = {301, 302, 303, 307, 308}
_RETRY_LATER: Final = {408, 425, 429}

Verifier = Callable[[BinaryIO], bool]
"""Reads a document with an enveloped XML signature from its beginning and tells whether the signature is right; a
``GatewayError`` tells why it is not."""


def open_transport(
    _transport: manifest.Transport, settings: Mapping[str, str], _wsdl: Path | None
) -> DownloadTransport:
    """Prepare a download; nothing is asked for yet.

    Settings: ``address`` of the document and those of ``workers.transports.wire``; optional ``max_mb`` (512 MiB),
    ``within_s`` (900, for the whole document), ``pause_s`` (1, before the second of 3 tries, then twice as long),
    ``user_agent``, ``signer`` (file with the certificates, DER or PEM, of those whose enveloped ГОСТ signature the
    document must have), ``signature_provider`` (``package.module:function`` of the form of :data:`Verifier`, instead).

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    wire = Wire(settings)
    parts = urlsplit(settings["address"])
    return DownloadTransport(
        wire,
        urljoin(wire.root, parts._replace(scheme="", netloc="", fragment="").geturl()),
        user_agent=settings.get("user_agent") or USER_AGENT,
        max_bytes=int(positive(settings, "max_mb", MAX_MIB) * MIB),
        within_s=positive(settings, "within_s", WITHIN_S),
        pause_s=positive(settings, "pause_s", PAUSE_S),
        verifier=provided(settings, "signature_provider") or _signed_by(settings.get("signer")),
    )


@dataclass(slots=True)
class Downloaded:
    """One document in a file without a name, which the system forgets with the process."""

    freshness: Freshness
    file: BinaryIO = field(default_factory=TemporaryFile)
    size: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> bytes:
        """Digest of the bytes as they came."""
        digest: bytes = self._digest.digest()
        return digest

    def take(self, piece: bytes) -> None:
        """Append what came."""
        self.file.write(piece)
        self._digest.update(piece)
        self.size += len(piece)

    def children(self, root: str) -> Iterator[Element]:
        """Yield the children of the root; see ``workers.exchange.Download``."""
        self.file.seek(0)
        try:
            yield from read_children(self.file, root)
        except InvalidXml as error:
            reason = error.findings[0] if error.findings else None
            place = f", строка {reason.line}" if reason and reason.line else ""
            raise PeerRefused(f"Файл не читается{place}: {reason.message if reason else error.message}") from None
        except TooLarge as error:
            raise PeerRefused(f"Файл не читается: {error.message}") from None

    def close(self) -> None:
        """Forget the file."""
        self.file.close()


class DownloadTransport:
    """Downloads the document at one address; for one run and one thread at a time."""

    def __init__(
        self,
        wire: Wire,
        address: str,
        *,
        user_agent: str,
        max_bytes: int,
        within_s: float,
        pause_s: float,
        verifier: Verifier | None,
    ) -> None:
        self._wire = wire
        self._address = address
        self._user_agent = user_agent
        self._max_bytes = max_bytes
        self._within_s = within_s
        self._pause_s = pause_s
        self._verifier = verifier

    def fetch(self, known: Freshness | None) -> Downloaded | None:
        """Download the document, in up to 3 tries; None when it is still the known one.

        Raises:
            NotSent: no try brought it whole, and a later one may.
            PeerRefused: the server answers that it is not there, or it is larger than the limit.
            ConfigurationError: the temporary file cannot be written.
        """
        headers = self._headers(known)
        for attempt in range(TRIES - 1):
            try:
                return self._fetch(headers)
            except NotSent:
                time.sleep(self._pause_s * 2**attempt)
        return self._fetch(headers)

    def verify(self, download: Downloaded) -> bool:
        """Have the document's signature verified by the provider of the settings; False when there is none.

        Raises:
            PeerRefused: the signature is wrong.
        """
        if self._verifier is None:
            return False
        download.file.seek(0)
        try:
            right = self._verifier(download.file)
        except GatewayError as error:
            raise PeerRefused(error.message) from None
        if not right:
            raise PeerRefused("Подпись файла неверна.")
        return True

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _headers(self, known: Freshness | None) -> dict[str, str]:
        headers = {
            "Accept": "application/xml, text/xml;q=0.9, */*;q=0.1",
            "Accept-Encoding": "identity",
            "User-Agent": self._user_agent,
        }
        if known is not None and known.source == self._address:
            marks = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
            headers |= {name: mark for name, mark in marks.items() if mark}
        return headers

    def _fetch(self, headers: Mapping[str, str]) -> Downloaded | None:
        """One try: follow the redirects to the document."""
        download = Downloaded(Freshness(self._address, "", ""))
        try:
            answer = self._follow(headers, download)
            if answer.status == HTTPStatus.OK and answer.headers.get("Content-Encoding", "identity") == "identity":
                marks = (answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))
                download.freshness = Freshness(self._address, *marks)
                return download
            if answer.status != HTTPStatus.NOT_MODIFIED or not headers.keys() & {"If-None-Match", "If-Modified-Since"}:
                raise self._refusal(answer)
        except BaseException:
            download.close()
            raise
        download.close()
        return None

    def _follow(self, headers: Mapping[str, str], download: Downloaded) -> HttpAnswer:
        url = self._address
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._wire.download(
                url, headers, download.take, max_bytes=self._max_bytes, within_s=self._within_s
            )
            target = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or not target:
                return answer
            url = self._redirected(url, target)
        raise PeerRefused(f"{self._wire.peer} перенаправляет больше {MAX_REDIRECTS} раз подряд.")

    def _redirected(self, url: str, target: str) -> str:
        """Where a redirect leads; never from a verified connection to an open one."""
        there = urljoin(url, target)
        scheme = urlsplit(there).scheme
        if scheme not in ("http", "https") or not urlsplit(there).hostname:
            raise PeerRefused(f"{self._wire.peer} перенаправляет не на адрес HTTP.")
        if urlsplit(url).scheme == "https" and scheme == "http":
            raise PeerRefused(f"{self._wire.peer} перенаправляет с HTTPS на HTTP: соединение не защищено.")
        return there

    def _refusal(self, answer: HttpAnswer) -> NotSent | PeerRefused:
        told = f"{self._wire.peer} не отдал файл: HTTP {answer.status}"
        if answer.status == HTTPStatus.OK:
            return PeerRefused(f"{told}, файл сжат, хотя этого не просили.")
        if answer.status in _RETRY_LATER or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return NotSent(f"{told}.")
        return PeerRefused(f"{told}.")


def _signed_by(path: str | None) -> Verifier | None:
    """Checks ГОСТ signatures of the signers whose certificates stand in a file."""
    if not path:
        return None
    try:
        trusted = [each.der for each in read_file(Path(path).read_bytes())]
    except (OSError, InvalidRequest):
        raise ConfigurationError("Настройка signer: файл с сертификатами не читается.") from None

    def verifier(file: BinaryIO) -> bool:
        verify_enveloped(file, find_gost(), trusted)
        return True

    return verifier
