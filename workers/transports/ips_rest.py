"""REST of ИПС: packets of ФРМО and ФРМР, kept as XML here, sent as JSON over HTTPS.

A packet is ``<operation><request><parameters/><content/></request></operation>``; the answer to it is the same
operation with ``response``, or with ``error`` where the register refused with an HTTP status. A packet that only
reads leaves no doubt, whatever went wrong with it.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from lxml import etree

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError, InvalidXml, TooLarge
from gateway.xml.canonical import serialize
from gateway.xml.parser import parse
from workers.exchange import BadAnswer, Element, Finding, NotSent, PeerRefused, SignInRefused
from workers.ips.checking import findings
from workers.ips.limiter import THIS_PROCESS, Limiter, Turns
from workers.ips.mirror import NotMirrored, from_json, text_of, to_json
from workers.ips.normal import normalise
from workers.ips.register import LIMITS, Operation, find_operation, load
from workers.ips.tokens import KeySigner, TokenSource
from workers.transports.wire import HttpAnswer, Wire, lost, positive

REQUESTS_PER_S: Final = 5.0
LONGEST_TURN_S: Final = 60.0
_ENVELOPE: Final = ("requestId", "errorUserMessage", "offset", "limit", "total")
_ERROR: Final = ("timestamp", "code", "reasonPhrase", "message")

_PROOFS: Final = {
    "one": "response/content",
    "list": "response/content",
    "paged": "response/content",
    "created": "response/content/entityId",
    "done": "response",
}
"""What an answer of each kind must hold, or it says nothing of what was asked."""

_SIGN_IN: Final = {401, 403}
_RETRY_LATER: Final = {408, 425, 429}
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

    @property
    def nothing_there(self) -> bool:
        """The register holds no such thing."""
        return self.document.findtext("error/code") == str(HTTPStatus.NOT_FOUND.value)

    @property
    def entity_id(self) -> str | None:
        """Id of the record that the packet created."""
        return self.document.findtext("response/content/entityId") or None


def open_transport(
    _transport: manifest.Transport,
    settings: Mapping[str, str],
    _wsdl: Path | None = None,
    *,
    limiter: Limiter = THIS_PROCESS,
) -> IpsTransport:
    """Prepare calls; nothing is sent yet.

    Settings: ``address`` (base of the registers), ``client_id`` (identifier of the system in ИПС), ``key`` and
    ``certificate`` (PEM files that sign tokens), optional ``audience`` (root URL of ИПС, else that of the address),
    ``requests_per_s`` (5), and those of ``workers.transports.wire``.

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    wire = Wire(settings)
    if urlsplit(settings["address"]).query or urlsplit(settings["address"]).fragment:
        raise ConfigurationError("Настройка address должна быть адресом без параметров.")
    for key in ("client_id", "key", "certificate"):
        if not settings.get(key):
            raise ConfigurationError(f"Не задана настройка {key}.")
    signer = KeySigner.from_files(Path(settings["key"]), Path(settings["certificate"]))
    tokens = TokenSource(signer, settings["client_id"], settings.get("audience") or wire.root)
    turns = Turns(limiter, 1 / positive(settings, "requests_per_s", REQUESTS_PER_S))
    return IpsTransport(wire, settings["address"].rstrip("/") + "/", tokens, turns)


class IpsTransport:
    """Calls the registers at one address; for one run and one thread at a time."""

    def __init__(self, wire: Wire, base: str, tokens: TokenSource, turns: Turns) -> None:
        self._wire = wire
        self._base = base
        self._tokens = tokens
        self._turns = turns

    def call(self, packet: Element | bytes) -> Answer:
        """Send one packet, once: nothing is repeated here. It is checked against its XSD before it leaves.

        Raises:
            NotSent: the packet did not leave, or the peer cannot serve now, or it only reads: repeating is safe.
            InDoubt: a packet that changes the register may have been taken, and no usable answer came.
            SignInRefused: the peer does not accept our token.
            PeerRefused: the packet breaks its XSD and was not sent, or nobody at the address knows such a call.
        """
        operation, request = _checked(packet)
        data = _body(operation, request)
        self._take_turn()
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self._tokens.token()}"}
        if data:
            headers["Content-Type"] = "application/json; charset=utf-8"
        url = self._url(operation, request)
        answer = self._wire.send(operation.method, url, headers, data)
        if answer.status == HTTPStatus.UNAUTHORIZED:  # the token may have grown old on its way; nothing was done
            self._take_turn()
            headers["Authorization"] = f"Bearer {self._tokens.renewed()}"
            answer = self._wire.send(operation.method, url, headers, data)
        return self._read(operation, answer)

    def packet(self, operation: str, parameters: Mapping[str, str], content: Element | None = None) -> Element:
        """Build the packet of an operation; ``content`` holds the fields of its entity in any order and form.

        Raises:
            PeerRefused: the registers have no such operation.
        """
        known = find_operation(operation)
        if known is None:
            raise PeerRefused("Такой операции у регистра нет.")
        root = etree.Element(operation)
        request = etree.SubElement(root, "request")
        place = etree.SubElement(request, "parameters")
        for name in known.parameters:
            if name in parameters:
                etree.SubElement(place, name).text = parameters[name]
        if content is not None:
            normalise(etree.SubElement(request, "content"), content, known.entity, load(known.register))
        return root

    def data(self, packet: Element) -> bytes:
        """Bytes of a packet, as ``call`` takes them."""
        return serialize(packet)

    def contents(self, answer: Answer) -> Sequence[Element]:
        """Return the entities that an answer holds, each an element ``content`` with its fields in normal form."""
        operation = find_operation(str(answer.document.tag))
        content = answer.document.find("response/content")
        if operation is None or content is None or operation.answer in {"created", "done"}:
            return []
        items = [content] if operation.answer == "one" else content.findall("contentItem")
        register = load(operation.register)
        return [normalise(etree.Element("content"), item, operation.entity, register) for item in items]

    def check(self, packet: Element) -> tuple[Finding, ...]:
        """Tell what is wrong with a packet, without sending it; empty means that ``call`` would send it."""
        operation = find_operation(str(packet.tag))
        if operation is None or packet.find("request") is None:
            return (Finding("/", None, "XSD", "Это не пакет регистра."),)
        return findings(packet, operation)

    def next_page(self, packet: Element, answer: Answer) -> Element | None:
        """Return the packet that reads the page after ``answer``, or None when that was the last one.

        It begins with the last entity of the page before, so that a list that shifts between the two is seen.
        """
        total = self.total(answer)
        if total is None or answer.refusal:
            return None
        taken = len(answer.document.findall("response/content/contentItem"))
        offset = _count(packet.findtext("request/parameters/offset"))
        if not taken or offset + taken >= total:
            return None
        if taken == 1:
            raise BadAnswer(f"{self._wire.peer} отдаёт список по одной записи: так его не прочитать.")
        return _from(packet, offset + taken - 1)

    def total(self, answer: Answer) -> int | None:
        """How many entities the whole list has that ``answer`` is a page of; None when it is no list."""
        total = answer.document.findtext("response/total")
        return None if total is None else _count(total)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def pace_by(self, limiter: Limiter) -> None:
        """See ``workers.ips.limiter.Paced``."""
        self._turns = self._turns.shared_by(limiter)

    def _take_turn(self) -> None:
        wait_s = self._turns.next(self._wire.peer)
        if wait_s > LONGEST_TURN_S:
            raise NotSent(f"Очередь запросов к {self._wire.peer} слишком длинна: повторите позже.")
        if wait_s > 0:
            time.sleep(wait_s)

    def _url(self, operation: Operation, request: Element) -> str:
        parameters = {str(p.tag): text_of(p.text or "") for p in request.iterfind("parameters/*")}
        before, brace, rest = operation.path.partition("{")
        name, _, after = rest.partition("}")
        path = before + quote(parameters.pop(name), safe="") + after if brace else before
        query = urlencode(parameters)
        return f"{self._base}{path}?{query}" if query else self._base + path

    def _read(self, operation: Operation, answer: HttpAnswer) -> Answer:
        peer, status = self._wire.peer, answer.status
        if status in _SIGN_IN:
            raise SignInRefused(f"{peer} не принимает наш токен (HTTP {status}).")
        if status in _RETRY_LATER:
            raise NotSent(f"{peer} просит повторить позже (HTTP {status}).")
        content = _json_object(answer.content)
        if 200 <= status < 300 and content.get("requestId"):
            document = _response(operation, content)
            refusal = document.findtext("response/errorUserMessage", "").strip()
            if refusal or document.find(_PROOFS[operation.answer]) is not None:
                return Answer(document, refusal)
        if status in _VERDICTS and content.get("code") == status:
            return Answer(_error(operation, content), _told(content))
        if 300 <= status < 500:
            raise PeerRefused(f"{peer} не принимает запрос (HTTP {status}): проверьте адрес.")
        error = lost(operation.method, f"{peer} ответил непонятно (HTTP {status}): исход запроса неизвестен.")
        if status == HTTPStatus.INTERNAL_SERVER_ERROR and content.get("code") == status:
            error.answer = Answer(_error(operation, content), _told(content))
        raise error


def _checked(packet: Element | bytes) -> tuple[Operation, Element]:
    """Find the operation of a packet and its request, sure to follow the XSD; ``check`` tells what is wrong."""
    try:
        root = parse(packet, LIMITS) if isinstance(packet, bytes) else packet
    except (InvalidXml, TooLarge):
        raise PeerRefused("Пакет не отправлен: он не читается как XML.") from None
    operation = find_operation(str(root.tag))
    if operation is None:
        raise PeerRefused("Пакет не отправлен: такой операции у регистра нет.")
    request = root.find("request")
    if request is None or findings(root, operation):
        raise PeerRefused("Пакет не отправлен: он не соответствует схеме регистра.")
    return operation, request


def _body(operation: Operation, request: Element) -> bytes:
    content = request.find("content")
    if content is None:
        return b""
    try:
        mirrored = to_json(content, operation.entity, load(operation.register))
    except NotMirrored:
        raise PeerRefused("Пакет не отправлен: он не переводится в JSON.") from None
    return json.dumps(mirrored, ensure_ascii=False, allow_nan=False).encode()


def _response(operation: Operation, content: Mapping[str, Any]) -> Element:
    root = etree.Element(operation.name)
    response = _members(etree.SubElement(root, "response"), content, _ENVELOPE)
    value, register = content.get("content"), load(operation.register)
    entity = "Entity" if operation.answer == "created" else operation.entity
    items = value if isinstance(value, list) else []
    if isinstance(value, dict):
        from_json(etree.SubElement(response, "content"), value, entity, register)
    elif isinstance(value, list):
        place = etree.SubElement(response, "content")
        for item in items:
            if isinstance(item, dict):
                from_json(etree.SubElement(place, "contentItem"), item, entity, register)
    return root


def _error(operation: Operation, content: Mapping[str, Any]) -> Element:
    root = etree.Element(operation.name)
    _members(etree.SubElement(root, "error"), content, _ERROR)
    return root


def _members(parent: Element, content: Mapping[str, Any], names: tuple[str, ...]) -> Element:
    for name in names:
        value = content.get(name)
        if isinstance(value, str | int | float):
            etree.SubElement(parent, name).text = text_of(value)
    return parent


def _told(content: Mapping[str, Any]) -> str:
    told = f"{content['code']} {content.get('reasonPhrase') or ''}".strip()
    return text_of(f"{told}: {content['message']}" if content.get("message") else told)


def _json_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object; anything else reads as an empty one, which no answer is."""
    try:
        content = json.loads(data, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) and _depth(content) <= LIMITS.max_depth else {}


def _depth(value: object) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        inner = [v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        level = [member for members in inner for member in members]
    return depth


def _count(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() else 0


def _from(packet: Element, offset: int) -> Element:
    """Copy a packet of a paged list with another offset, in the place its XSD gives it."""
    page = copy.deepcopy(packet)
    parameters = page.find("request/parameters")
    place = None if parameters is None else parameters.find("offset")
    if parameters is None:
        raise ValueError("not a packet of a list")
    if place is None:
        place = etree.Element("offset")
        limit = parameters.find("limit")
        if limit is None:
            parameters.append(place)
        else:
            limit.addprevious(place)
    place.text = str(offset)
    return page
