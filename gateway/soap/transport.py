"""HTTP as SOAP uses it: what comes in is measured and judged by its headers before a byte of it is read on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import Final
from wsgiref.types import InputStream, WSGIEnvironment

from gateway.domain.errors import TooLarge
from gateway.soap.refusals import Headers, ProtocolFault
from gateway.soap.versions import VERSIONS, Version

_CODECS: Final = {
    "": None,
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "utf-16": "utf-16",
    "windows-1251": "cp1251",
    "cp1251": "cp1251",
}
_LAST_SEGMENT: Final = re.compile(r"^.*[/:#]", re.DOTALL)
_BY_MEDIA_TYPE: Final = {version.media_type: version for version in VERSIONS}


@dataclass(frozen=True, slots=True)
class Content:
    """What the headers tell of a request: the SOAP version it speaks, its charset (a Python codec), its operation.

    ``operation`` is the last segment of the action, empty where none is given; a claim until the body agrees.
    """

    version: Version
    charset: str | None
    operation: str


@dataclass(frozen=True, slots=True)
class Response:
    """What goes out."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: Headers = ()


def content_of(environ: WSGIEnvironment) -> Content:
    """Judge the headers of a POST.

    Raises:
        ProtocolFault: not SOAP, an unknown charset, or a compressed body (415).
    """
    message = Message()
    message["content-type"] = environ.get("CONTENT_TYPE", "")
    version = _BY_MEDIA_TYPE.get(message.get_content_type()) if environ.get("CONTENT_TYPE") else None
    if version is None:
        raise _unsupported(f"Тип содержимого должен быть {' или '.join(_BY_MEDIA_TYPE)}.")
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in {"", "identity"}:
        raise _unsupported("Сжатые запросы не принимаются: передайте запрос без Content-Encoding.")
    actions = {_action(_parameter(message, "action")), _action(environ.get("HTTP_SOAPACTION", ""))} - {""}
    if len(actions) > 1:
        raise ProtocolFault("SOAPAction и параметр action в Content-Type различаются.")
    action = "".join(actions)
    operation = _LAST_SEGMENT.sub("", action) or action
    return Content(version, _codec(_parameter(message, "charset")), operation)


def read_body(environ: WSGIEnvironment, max_bytes: int) -> bytes:
    """Read the body, of a declared length or chunked, and stop at the first byte over ``max_bytes``.

    Raises:
        TooLarge: more than ``max_bytes``; with a declared length nothing has been read then.
        ProtocolFault: a length or a transfer coding that is none, or a body shorter than declared.
    """
    if environ.get("HTTP_TRANSFER_ENCODING", "chunked").strip().lower() != "chunked":
        raise ProtocolFault("Заголовок Transfer-Encoding записан неверно.", status=HTTPStatus.BAD_REQUEST)
    declared = environ.get("CONTENT_LENGTH") or ""
    stream: InputStream = environ["wsgi.input"]
    if not declared:
        chunked = environ.get("wsgi.input_terminated") or "HTTP_TRANSFER_ENCODING" in environ
        body = _read(stream, max_bytes + 1) if chunked else b""
    elif not (declared.isascii() and declared.isdigit()):
        raise ProtocolFault("Заголовок Content-Length записан неверно.", status=HTTPStatus.BAD_REQUEST)
    else:
        length = int(declared)
        body = b"" if length > max_bytes else _read(stream, length)
        if len(body) < length <= max_bytes:
            raise ProtocolFault("Тело запроса короче объявленного.", status=HTTPStatus.BAD_REQUEST)
        if length > max_bytes:
            raise too_large(max_bytes)
    if len(body) > max_bytes:
        raise too_large(max_bytes)
    return body


def _read(stream: InputStream, length: int) -> bytes:
    """Read up to ``length`` bytes; a stream may give fewer at a time."""
    parts = []
    while length > 0 and (part := stream.read(length)):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _action(value: str) -> str:
    return value.strip().strip('"')


def _parameter(message: Message, name: str) -> str:
    value = message.get_param(name, "")
    return value if isinstance(value, str) else value[2]


def _codec(charset: str) -> str | None:
    """Python codec of a charset; from a short list, for a codec's name would be an import of the caller's choice."""
    try:
        return _CODECS[charset.strip().lower()]
    except KeyError:
        raise _unsupported("Кодировка не поддерживается: допустимы UTF-8, UTF-16 и windows-1251.") from None


def _unsupported(message: str) -> ProtocolFault:
    return ProtocolFault(message, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


def too_large(max_bytes: int) -> TooLarge:
    """Return the refusal that names the limit."""
    return TooLarge(f"Запрос больше допустимых {max_bytes} байт.")
