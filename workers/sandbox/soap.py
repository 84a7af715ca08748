"""What SOAP peers of both versions share: a WSDL, WS-Security, the checks of an envelope, faults.

The order is the contract: HTTP, well-formedness, version, credentials, and only then the body. A request that
does not follow the schema of the WSDL never reaches an operation.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, Final

from lxml import etree

from gateway.domain.errors import GatewayError, InvalidRequest, NotAuthenticated, Unavailable
from gateway.xml.canonical import serialize
from gateway.xml.limits import XmlLimits
from gateway.xml.namespaces import WSSE
from gateway.xml.parser import parse
from workers.sandbox.server import MAX_BODY_BYTES, Request, Response

Element = etree._Element
Operation = Callable[[Element], Element]
"""Takes the request element, returns what the answer is made of; commits what it changes."""

LIMITS: Final = XmlLimits(max_bytes=MAX_BODY_BYTES, max_depth=64, max_elements=200_000)
PLAIN_TEXT: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
FAILED_AUTHENTICATION: Final = "wsse:FailedAuthentication"


class VersionMismatch(InvalidRequest):
    """The envelope is not one of the peer's version of SOAP."""


class NotUnderstood(InvalidRequest):
    """A header that must be understood is not."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The one account the peer knows."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Version:
    """What one version of SOAP calls things; a fault blames its ``sender`` or its ``receiver``.

    ``binding`` is the namespace of the address in a WSDL, ``true`` are the spellings of a true attribute, ``declared``
    the prefixes of an envelope besides its own.
    """

    title: str
    namespace: str
    binding: str
    media_type: str
    sender: str
    receiver: str
    true: frozenset[str]
    declared: Mapping[str, str]

    def name(self, local: str) -> str:
        """Name of an element or attribute of the envelope."""
        return f"{{{self.namespace}}}{local}"

    def envelope(self, content: Element, header: Element | None = None) -> Element:
        """An envelope around the content of its body."""
        envelope = etree.Element(self.name("Envelope"), nsmap={"soap": self.namespace, **self.declared})
        if header is not None:
            envelope.append(header)
        etree.SubElement(envelope, self.name("Body")).append(content)
        return envelope

    def response(self, status: HTTPStatus, envelope: Element) -> Response:
        """An envelope on its way out."""
        return Response(status, serialize(envelope), f"{self.media_type}; charset=utf-8")


class SoapPeer(ABC):
    """A peer described by a WSDL of ours: one service, document/literal, one declared fault.

    ``operations`` maps the local name of each request element to its handler; ``submissions`` names those
    that hand over documents; ``fault`` is the local name of the fault element.
    """

    version: ClassVar[Version]
    fault_fields: ClassVar[tuple[str, str]]
    """What the fault calls its code and its message."""
    kinds: ClassVar[Mapping[str, str]] = {
        "NOT_AUTHENTICATED": "NOT_AUTHENTICATED",
        "UNAVAILABLE": "UNAVAILABLE",
        "INTERNAL": "INTERNAL",
    }
    """What the fault calls an error; every other one is INVALID_REQUEST."""

    def __init__(
        self,
        wsdl: Path,
        path: str,
        credentials: Credentials,
        operations: Mapping[str, Operation],
        submissions: Set[str],
        fault: str,
    ) -> None:
        self._wsdl = wsdl.read_bytes()
        description = parse(self._wsdl, LIMITS)
        self.namespace: Final = description.get("targetNamespace", "")
        self._path = path
        self._credentials = credentials
        self._operations = operations
        self._submissions = submissions
        self._fault = fault
        self._learn_schema(description, wsdl.parent)

    @abstractmethod
    def _learn_schema(self, description: Element, folder: Path) -> None:
        """Take what requests are judged by from the WSDL, which lies in ``folder``; it may be changed."""

    @abstractmethod
    def _reads(self, content_type: str) -> bool:
        """Tell whether a body of this type may hold an envelope."""

    @abstractmethod
    def _action(self, headers: Mapping[str, str]) -> str:
        """The action that the HTTP headers name, empty where they name none."""

    @abstractmethod
    def _understands(self, block: Element) -> bool:
        """Tell whether a block of the header that must be understood is."""

    @abstractmethod
    def _perform(self, name: str, body: Element, header: Element | None, request: Request) -> Element:
        """Check the body of an operation that there is, do it, and return the envelope of its answer.

        Raises:
            GatewayError: the request is refused.
        """

    @abstractmethod
    def _refused(self, error: GatewayError, code: str, subcode: str) -> tuple[HTTPStatus, Element]:
        """The status and the fault that tell an error."""

    def submits(self, headers: Mapping[str, str]) -> bool:
        """See ``server.Application``."""
        return self._action(headers).rpartition("/")[2] in self._submissions

    def failure(self, *, outage: bool) -> Response:
        """See ``server.Application``."""
        if outage:
            return self._fault_response(Unavailable("Сервис временно недоступен."))
        return self._fault_response(GatewayError("Внутренняя ошибка."))

    def handle(self, request: Request) -> Response:
        """See ``server.Application``."""
        if request.path != self._path:
            return Response(HTTPStatus.NOT_FOUND, b"", "text/plain")
        if request.method == "GET" and request.query.lower() == "wsdl":
            return Response(HTTPStatus.OK, serialize(self._described(request.address)))
        if request.method != "POST":
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, b"", "text/plain", allow="POST")
        if not self._reads(request.headers.get("content-type", "").lower()):
            return Response(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, b"", "text/plain")
        try:
            return self.version.response(HTTPStatus.OK, self._answer(request))
        except GatewayError as error:
            return self._fault_response(error)

    def _described(self, address: str) -> Element:
        """The WSDL as a caller at this address reads it."""
        description = parse(self._wsdl, LIMITS)
        for place in description.iter(f"{{{self.version.binding}}}address"):
            place.set("location", address + self._path)
        return description

    def _answer(self, request: Request) -> Element:
        version = self.version
        envelope = parse(request.body, LIMITS)
        if envelope.tag != version.name("Envelope"):
            raise VersionMismatch(f"Ожидается конверт {version.title}.")
        header = envelope.find(version.name("Header"))
        authenticate(header, self._credentials)
        for block in () if header is None else header:
            if block.get(version.name("mustUnderstand")) in version.true and not self._understands(block):
                raise NotUnderstood("Заголовок, обязательный для понимания, не поддерживается.")
        body = only_child(envelope.find(version.name("Body")))
        name = etree.QName(body)
        if name.namespace != self.namespace or name.localname not in self._operations:
            raise InvalidRequest("Такой операции нет.")
        return self._perform(name.localname, body, header, request)

    def _fault_response(self, error: GatewayError) -> Response:
        status, fault = self._refused(error, *self._codes(error))
        return self.version.response(status, self.version.envelope(fault))

    def _codes(self, error: GatewayError) -> tuple[str, str]:
        """Code and subcode; there is no subcode but that of credentials."""
        if isinstance(error, VersionMismatch):
            return "soap:VersionMismatch", ""
        if isinstance(error, NotUnderstood):
            return "soap:MustUnderstand", ""
        if isinstance(error, NotAuthenticated):
            return self.version.sender, FAILED_AUTHENTICATION
        ours = isinstance(error, Unavailable) or type(error) is GatewayError
        return (self.version.receiver if ours else self.version.sender), ""

    def _new_fault(self) -> Element:
        return etree.Element(self.version.name("Fault"), nsmap={"soap": self.version.namespace, "wsse": WSSE})

    def _add_detail(self, parent: Element, error: GatewayError) -> None:
        """Tell an error in the fault that the WSDL declares."""
        detail = etree.SubElement(parent, f"{{{self.namespace}}}{self._fault}")
        told = (self.kinds.get(error.code, "INVALID_REQUEST"), error.message)
        for field, text in zip(self.fault_fields, told, strict=True):
            etree.SubElement(detail, f"{{{self.namespace}}}{field}").text = text


def authenticate(header: Element | None, credentials: Credentials) -> None:
    """Check the UsernameToken of a header.

    Raises:
        NotAuthenticated: there is none, or it is not of the account.
    """
    token = None if header is None else header.find(f"{{{WSSE}}}Security/{{{WSSE}}}UsernameToken")
    if token is None:
        raise NotAuthenticated("Нужен заголовок WS-Security с UsernameToken.")
    password = token.find(f"{{{WSSE}}}Password")
    if password is None or password.get("Type", PLAIN_TEXT) != PLAIN_TEXT:
        raise NotAuthenticated("Пароль передаётся в виде PasswordText.")
    known = (credentials.username, credentials.password)
    given = (token.findtext(f"{{{WSSE}}}Username", ""), password.text or "")
    same = [hmac.compare_digest(a.encode(), b.encode()) for a, b in zip(known, given, strict=True)]
    if not all(same):
        raise NotAuthenticated("Имя или пароль неверны.")


def only_child(body: Element | None) -> Element:
    """The one element of a body.

    Raises:
        InvalidRequest: it holds none or several.
    """
    if body is None or len(body) != 1:
        raise InvalidRequest("В теле запроса должен быть ровно один элемент.")
    return body[0]
