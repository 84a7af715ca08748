"""Attacks on HTTP and on who calls: framing, methods, media types, passwords, forged proxy headers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gateway.soap.versions import Version
from tests.attacks.requests import (
    BASIC,
    CHUNKED,
    LIST,
    PERSON,
    SURNAME,
    Attack,
    Sent,
    basic,
    chunked,
    element,
    envelope,
    token,
)
from tests.attacks.serving import CLOSED

_BAD: Final = "INVALID_REQUEST"
_UNKNOWN: Final = "NOT_AUTHENTICATED"
_DIGEST: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"


def _method(name: str, status: int = 405) -> Attack:
    return Attack(f"method {name}", lambda v: Sent(envelope(v), method=name), _BAD, status)


def _media(value: str) -> Callable[[Version], Sent]:
    return lambda v: Sent(envelope(v), media_type=value)


def _lines(*lines: str, **given: Any) -> Callable[[Version], Sent]:
    return lambda v: Sent(envelope(v), lines=lines, **given)


def _chunks(body: Callable[[bytes], bytes]) -> Callable[[Version], Sent]:
    return lambda v: Sent(body(envelope(v)), length="", lines=CHUNKED)


def _large(size: int, *, declared: bool, service: str = "journal", **given: Any) -> Callable[[Version], Sent]:
    def make(version: Version) -> Sent:
        body = envelope(version, LIST + " " * size)
        if declared:
            return Sent(body, service, **given)
        return Sent(chunked(body, 60_000), service, length="", lines=CHUNKED, **given)

    return make


METHODS: Final = [
    *(_method(name) for name in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND")),
    Attack("GET with an unknown query", lambda v: Sent(method="GET", target=f"{v.root}/journal?xsd=1"), _BAD, 405),
    Attack("GET with a letter for a query", lambda v: Sent(method="GET", target=f"{v.root}/journal?q=%D0%92"), _BAD,
           405),
    Attack("another address", lambda v: Sent(envelope(v), target=f"{v.root}/journal/x"), None, 404),
    Attack("an address above", lambda v: Sent(envelope(v), target=f"{v.root}/../etc/passwd"), None, 404),
    Attack("an address of letters", lambda v: Sent(envelope(v), target=f"{v.root}/journal%00/{'%D0%92' * 9}"), None,
           404),
]  # fmt: skip

MEDIA: Final = [
    Attack("no media type", _media(""), _BAD, 415),
    Attack("JSON", _media("application/json"), _BAD, 415),
    Attack("plain XML", _media("application/xml"), _BAD, 415),
    Attack("a form", _media("application/x-www-form-urlencoded"), _BAD, 415),
    Attack("MTOM", _media('multipart/related; type="application/xop+xml"; boundary=b'), _BAD, 415),
    Attack("a media type of nothing", _media("; charset=utf-8"), _BAD, 415),
    Attack("a media type of a person", _media(f"text/{SURNAME}"), _BAD, 415),
    Attack("two media types", _lines("Content-Type: application/json"), _BAD, 415),
    Attack("gzip", _lines("Content-Encoding: gzip"), _BAD, 415),
    Attack("deflate twice", _lines("Content-Encoding: deflate, deflate"), _BAD, 415),
    Attack("a bomb of gzip", lambda _: Sent(b"\x1f\x8b" + bytes(500_000), lines=("Content-Encoding: gzip",)), _BAD,
           415),
    Attack("charset of RFC 2231", _media("{v.media_type}; charset*=utf-8''utf%2D8"), ""),
    Attack("charset given twice", _media("{v.media_type}; charset=utf-8; charset=utf-7"), ""),
]  # fmt: skip

FRAMING: Final = [
    Attack("a length that is none", lambda v: Sent(envelope(v), length="ten"), None, 400),
    Attack("a negative length", lambda v: Sent(envelope(v), length="-1"), None, 400),
    Attack("a length with a sign", lambda v: Sent(envelope(v), length="+10"), None, 400),
    Attack("a length beyond all numbers", lambda v: Sent(envelope(v), length="9" * 30), None, 400),
    Attack("two lengths", lambda v: Sent(envelope(v), lines=("Content-Length: 5",)), None, 400),
    Attack("two lengths in a line", lambda v: Sent(envelope(v), length="5, 6"), None, 400),
    Attack("no length", lambda _: Sent(b"", length="")),
    Attack("a length of 0", lambda _: Sent(b"", length="0")),
    Attack("length and chunks", lambda v: Sent(chunked(envelope(v)), length="5", lines=CHUNKED), ""),
    Attack("chunks that are none", _chunks(lambda b: b"zz\r\n" + b)),
    Attack("a negative chunk", _chunks(lambda b: b"-1\r\n" + b)),
    Attack("a chunk beyond all numbers", _chunks(lambda b: b"F" * 20 + b"\r\n" + b)),
    Attack("chunk extensions of 100 kB", _chunks(lambda b: b"5;" + b"a" * 100_000 + b"\r\n" + b)),
    Attack("chunks of one byte", _chunks(lambda b: chunked(b, 1)), ""),
    Attack("trailers", _chunks(lambda b: chunked(b, end=b"0\r\nAuthorization: x\r\n\r\n")), ""),
    Attack("an unknown transfer coding", lambda v: Sent(envelope(v), length="", lines=("Transfer-Encoding: x",)), None,
           400),
    Attack("chunked twice", lambda v: Sent(chunked(envelope(v)), length="", lines=CHUNKED * 2), _BAD, 400),
    Attack("a length above the limit", _large(1_100_000, declared=True), "TOO_LARGE", 413),
    Attack("chunks above the limit", _large(1_100_000, declared=False), "TOO_LARGE", 413),
    Attack("a length far above the limit", _large(4_000_000, declared=True, service="control"), "TOO_LARGE", 413),
    Attack("chunks far above the limit", _large(4_000_000, declared=False, service="control"), "TOO_LARGE", 413),
    Attack("bulk above the limit", _large(16_800_000, declared=True, service="intake"), "TOO_LARGE", 413),
    Attack("bulk in chunks above the limit", _large(16_800_000, declared=False, service="intake"), "TOO_LARGE", 413),
    Attack("above the limit of the operation that is named", _large(1_100_000, declared=True, action="ListServices"),
           "TOO_LARGE", 413),
    Attack("waiting for leave to send a gigabyte", lambda _: Sent(length=str(1 << 30), lines=("Expect: 100-continue",)),
           "TOO_LARGE", 413),
    Attack("one header of 600 kB", _lines("X-A: " + "a" * 600_000), None, 431),
    Attack("200 headers", _lines(*(f"X-{i}: 1" for i in range(200))), None, 431),
    Attack("a header without a colon", _lines("Nothing"), None, 400),
    Attack("a folded header", _lines("X-A: 1", " 2"), None, 400),
    Attack("a header of zeros", _lines("X-A: \0"), None, 400),
    Attack("a header of Latin-1", lambda v: _lines("X-A: b")(v).raw(v).replace(b"X-A: b", b"X-A: \xff"), ""),
    Attack("HTTP/0.9", lambda v: f"POST {v.root}/journal\r\n\r\n".encode(), None, 400),
    Attack("HTTP/3.0", lambda v: Sent(envelope(v), protocol="HTTP/3.0"), None, 400),
    Attack("HTTP/1.0 without a length", lambda _: Sent(b"", length="", protocol="HTTP/1.0")),
    Attack("no HTTP", lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), None, 400),
    Attack("HTTP/2 in clear text", lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(100), None, CLOSED),
]  # fmt: skip


def _token(header: str) -> Callable[[Version], Sent]:
    return lambda v: Sent(envelope(v, LIST, header), authorization="")


def _as(value: str) -> Callable[[Version], Sent]:
    return lambda v: Sent(envelope(v, element("ListServices", PERSON)), authorization=value)


CALLERS: Final = [
    Attack("nobody", _as(""), _UNKNOWN, 401),
    Attack("Bearer", _as("Bearer eyJhbGciOiJub25lIn0.e30."), _UNKNOWN, 401),
    Attack("Digest", _as('Digest username="mis"'), _UNKNOWN, 401),
    Attack("Basic that is no base64", _as("Basic ???"), _UNKNOWN),
    Attack("Basic without a colon", _as("Basic bWlz"), _UNKNOWN),
    Attack("Basic that is no UTF-8", _as("Basic /zr/"), _UNKNOWN),
    Attack("Basic of an unknown person", _as(basic(SURNAME, PERSON)), _UNKNOWN),
    Attack("Basic of a login of zeros", _as(basic("mis\0", "x" * 20)), _UNKNOWN),
    Attack("Basic of a password of 40 kB", _as(basic("nobody", "x" * 30_000)), _UNKNOWN),
    Attack("Basic twice", lambda v: Sent(envelope(v), lines=(f"Authorization: {BASIC}",)), _UNKNOWN),
    Attack("a token of an unknown person", _token(token(SURNAME, PERSON)), _UNKNOWN),
    Attack("a token without a password", _token(token().replace("w:Password", "w:Other")), _UNKNOWN),
    Attack("a token with a digest", _token(token().replace("<w:Password>", f'<w:Password Type="{_DIGEST}">')),
           _UNKNOWN),
    Attack("a token of yesterday", _token(token(more="<u:Created>2020-01-01T00:00:00Z</u:Created>")), _UNKNOWN),
    Attack("a token of tomorrow", _token(token(more="<u:Created>2099-01-01T00:00:00Z</u:Created>")), _UNKNOWN),
    Attack("a token of no time", _token(token(more=f"<u:Created>{PERSON}</u:Created>")), _UNKNOWN),
    Attack("a token with two names", _token(token(more="<w:Username>admin</w:Username>")), _UNKNOWN),
    Attack("a token with two passwords", _token(token(more="<w:Password>x</w:Password>")), _UNKNOWN),
    Attack("two tokens", _token(token(beside="<w:UsernameToken/>")), _UNKNOWN),
    Attack("a signature nobody checks", _token(token(beside='<d:Signature xmlns:d="urn:d"/>')), _UNKNOWN),
    Attack("a certificate in the message", _token(token(beside="<w:BinarySecurityToken/>")), _UNKNOWN),
    Attack("a token in the Body", lambda v: Sent(envelope(v, token()), authorization=""), _UNKNOWN, 401),
    Attack("a token beside another Basic", lambda v: Sent(envelope(v, LIST, token("other"))), _UNKNOWN),
    Attack("an empty Security header", _token('<w:Security xmlns:w="urn:x"/>'), _UNKNOWN, 401),
    Attack("a forged certificate", _lines("X-Client-Certificate: CN=mis", authorization=""), _UNKNOWN, 401),
    Attack("a forged certificate with underscores", _lines("X_Client_Certificate: CN=mis", authorization=""), _UNKNOWN,
           401),
    Attack("a forged hop", _lines("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"), _UNKNOWN, 403),
]  # fmt: skip
