"""Requests as bytes on the wire, right unless told otherwise, and what must be answered to them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.soap.versions import SOAP11, Version
from gateway.xml import namespaces
from tests.attacks.serving import LOGIN
from tests.support.running import PASSWORD

SURNAME: Final = "Выдумкина"
SNILS: Final = "112-233-445 95"
POLICY: Final = "7799999999999999"
"""Of an invented person; no fault and no line of the log may hold them."""

PERSON: Final = f"{SURNAME} {SNILS} {POLICY}"


def basic(login: str = LOGIN, password: str = PASSWORD) -> str:
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()


BASIC: Final = basic()
LIST: Final = f'<ListServices xmlns="{namespaces.JOURNAL}"/>'


def element(name: str, content: str = "", service: str = "journal", attributes: str = "") -> str:
    """A request element of a service."""
    return f'<{name} xmlns="urn:service-journal:{service}:1" {attributes}>{content}</{name}>'


def envelope(version: Version, body: str = LIST, header: str = "", *, prolog: str = "", after: str = "") -> bytes:
    head = f"<s:Header>{header}</s:Header>" if header else ""
    text = f'{prolog}<s:Envelope xmlns:s="{version.envelope}">{head}<s:Body>{body}</s:Body>{after}</s:Envelope>'
    return text.encode()


def token(login: str = LOGIN, password: str = PASSWORD, more: str = "", beside: str = "") -> str:
    """A ``wsse:Security`` header with a UsernameToken."""
    return (
        f'<w:Security xmlns:w="{namespaces.WSSE}" xmlns:u="{namespaces.WSU}">{beside}<w:UsernameToken>'
        f"<w:Username>{login}</w:Username><w:Password>{password}</w:Password>{more}</w:UsernameToken></w:Security>"
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """One request over HTTP; ``length`` None is the length of the body, "" no such line."""

    body: bytes = b""
    service: str = "journal"
    method: str = "POST"
    target: str | None = None
    media_type: str | None = None
    authorization: str = BASIC
    action: str | None = None
    length: str | None = None
    lines: tuple[str, ...] = ()
    protocol: str = "HTTP/1.1"

    def raw(self, version: Version) -> bytes:
        """The bytes of it."""
        media_type = version.content_type if self.media_type is None else self.media_type.format(v=version)
        length = str(len(self.body)) if self.length is None else self.length
        given = {
            "Host": "gateway.test",
            "Authorization": self.authorization,
            "Content-Type": media_type,
            "SOAPAction": "" if self.action is None else f'"{self.action}"',
            "Content-Length": length,
        }
        lines = [f"{name}: {value}" for name, value in given.items() if value]
        target = self.target or f"{version.root}/{self.service}"
        head = "\r\n".join([f"{self.method} {target} {self.protocol}", *lines, *self.lines, "", ""])
        return head.encode() + self.body


def chunked(body: bytes, size: int = 1000, end: bytes = b"0\r\n\r\n") -> bytes:
    """The body in chunks."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end


CHUNKED: Final = ("Transfer-Encoding: chunked",)


@dataclass(frozen=True, slots=True)
class Attack:
    """A request that must come to nothing.

    ``code`` of the typed fault, "" where the request is odd and right, None where HTTP itself refuses and nothing
    of SOAP answers; ``status`` where it is not that of every fault (500 in SOAP 1.1, 400 in SOAP 1.2); ``soap`` the
    fault code where it is not Client or Sender.
    """

    name: str
    make: Callable[[Version], Sent | bytes]
    code: str | None = "INVALID_XML"
    status: int = 0
    soap: str = ""

    def raw(self, version: Version) -> bytes:
        """The bytes of it in one version of SOAP."""
        made = self.make(version)
        return made.raw(version) if isinstance(made, Sent) else made

    def expected_status(self, version: Version) -> int:
        """HTTP status of the answer."""
        if self.code == "":
            return 200
        return self.status or (500 if version is SOAP11 else 400)

    def expected_fault(self, version: Version) -> str:
        """Fault code of the answer."""
        return f"soap:{self.soap or version.client}"
