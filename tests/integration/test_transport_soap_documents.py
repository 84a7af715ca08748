"""Documents as the bodies of SOAP 1.2: what leaves, who signed it, and what each answer means."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError
from gateway.xml.namespaces import SOAP12, WSA, WSSE, WSU
from gateway.xml.parser import parse
from tests.support.canned import Script, peer, read_request, vanishing
from workers.exchange import Element, InDoubt, NotSent, PeerRefused, SignInRefused
from workers.transports import open_transport
from workers.transports.soap_documents import DocumentTransport

WSDL = Path(__file__).parents[2] / "wsdl" / "fri_ipra.wsdl"
DOCUMENTS = manifest.Transport(kind="soap_documents", settings=("address",))
NS = {"s": SOAP12, "a": WSA, "w": WSSE, "f": "urn:ours:fri:ipra:1"}
DOCUMENT = b"<SubmitIpraExecution xmlns='urn:ours:fri:ipra:1'><PackageId>1</PackageId></SubmitIpraExecution>"
SURNAME = "Примерова-Проверкина"
GOOD = (
    "<SubmitIpraExecutionResponse xmlns='urn:ours:fri:ipra:1'>"
    f"<PackageId>{UUID(int=1)}</PackageId><ReceivedAt>2026-03-20T12:00:00Z</ReceivedAt><Status>ACCEPTED</Status>"
    "</SubmitIpraExecutionResponse>"
)


def sign(envelope: Element) -> None:
    """A signer of the site: puts a mark where a signature would stand."""
    security = envelope.find("s:Header/w:Security", NS)
    assert security is not None
    body = envelope.find("s:Body", NS)
    assert body is not None
    etree.SubElement(security, "Signature").text = f"#{body.get(f'{{{WSU}}}Id')}"


def fail(_envelope: Element) -> None:
    raise RuntimeError(SURNAME)


def open_to(address: str, **settings: str) -> DocumentTransport:
    site = {"address": f"http://{address}/ipra", "read_timeout_s": "2", **settings}
    opened: DocumentTransport = open_transport(DOCUMENTS, site, WSDL)
    return opened


def answering(body: str, status: int = 200, header: str = "", media: str = "application/soap+xml") -> Script:
    text = f'<e:Envelope xmlns:e="{SOAP12}"><e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>'

    def script(connection: socket.socket) -> None:
        read_request(connection)
        data = text.encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {media}\r\nContent-Length: {len(data)}\r\n\r\n"
        connection.sendall(head.encode() + data)

    return script


def fault(code: str) -> str:
    return (
        f'<e:Fault><e:Code><e:Value>{code}</e:Value></e:Code><e:Reason><e:Text xml:lang="ru">{SURNAME}</e:Text>'
        "</e:Reason></e:Fault>"
    )


def submit(script: Script, **settings: str) -> bytes:
    with peer(script) as address, closing(open_to(address, **settings)) as transport:
        return transport.submit("SubmitIpraExecution", DOCUMENT).data


def captured(**settings: str) -> tuple[bytes, Element]:
    """The head and the envelope of one request."""
    seen: list[bytes] = []

    def script(connection: socket.socket) -> None:
        seen.append(read_request(connection))

    with pytest.raises(InDoubt):
        submit(script, **settings)
    head, _, body = seen[0].partition(b"\r\n\r\n")
    return head, parse(body)


def test_the_document_leaves_as_it_is_addressed_and_by_nobody() -> None:
    head, envelope = captured()
    assert b'Content-Type: application/soap+xml; charset=utf-8; action="urn:ours:fri:ipra:1/SubmitIpra' in head
    assert envelope.findtext("s:Header/a:Action", "", NS) == "urn:ours:fri:ipra:1/SubmitIpraExecution"
    assert envelope.findtext("s:Header/a:To", "", NS).endswith("/ipra")
    assert envelope.findtext("s:Header/a:MessageID", "", NS).startswith("urn:uuid:")
    body = envelope.find("s:Body/f:SubmitIpraExecution", NS)
    assert body is not None
    assert etree.tostring(body, method="c14n", exclusive=True) == etree.tostring(
        parse(DOCUMENT), method="c14n", exclusive=True
    )
    assert envelope.find("s:Header/w:Security", NS) is None


def test_every_attempt_has_a_message_id_of_its_own() -> None:
    first, second = (captured()[1].findtext("s:Header/a:MessageID", "", NS) for _ in range(2))
    assert first != second


def test_a_signer_of_the_site_signs_the_body() -> None:
    _, envelope = captured(username="fri", password="invented", signature_provider=f"{__name__}:sign")
    assert envelope.findtext("s:Header/w:Security/w:UsernameToken/w:Username", "", NS) == "fri"
    assert envelope.findtext("s:Header/w:Security/Signature", "", NS) == "#body"


def test_a_signer_that_fails_lets_nothing_leave_and_its_text_is_not_told() -> None:
    opened = closing(open_to("127.0.0.1:1", signature_provider=f"{__name__}:fail"))
    with opened as transport, pytest.raises(NotSent) as caught:
        transport.submit("SubmitIpraExecution", DOCUMENT)
    assert caught.value.__cause__ is None
    assert str(caught.value) == "Сообщение не подписано: RuntimeError."


@pytest.mark.parametrize("given", [{"signature_provider": "no.such:signer"}, {"read_timeout_s": "0"}])
def test_a_wrong_setting_is_told_before_anything_is_sent(given: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        open_to("127.0.0.1:1", **given)


def test_a_transport_of_documents_needs_a_wsdl() -> None:
    with pytest.raises(ConfigurationError):
        open_transport(DOCUMENTS, {"address": "http://127.0.0.1:1/"}, None)


def test_an_answer_is_the_bytes_of_its_element() -> None:
    assert parse(submit(answering(GOOD))).findtext("f:Status", "", NS) == "ACCEPTED"


STRANGE = {
    "nothing": (vanishing, InDoubt),
    "a fault of the caller": (answering(fault("e:Sender"), 400), PeerRefused),
    "a fault of the peer": (answering(fault("e:Receiver"), 500), NotSent),
    "a fault of sign-in": (answering(fault("w:FailedAuthentication"), 400), SignInRefused),
    "a fault without a code": (answering("<e:Fault/>", 500), InDoubt),
    "another element": (answering("<x/>"), InDoubt),
    "against its schema": (answering(GOOD.replace("ACCEPTED", "MAYBE")), InDoubt),
    "to another question": (answering(GOOD, header=f'<a:RelatesTo xmlns:a="{WSA}">urn:x</a:RelatesTo>'), InDoubt),
    "cut": (answering("<x>"), InDoubt),
    "a page": (answering(GOOD, media="text/html"), InDoubt),
    "not there": (answering("", 404, media="text/html"), PeerRefused),
    "not now": (answering("", 429, media="text/plain"), NotSent),
    "no entry": (answering("", 403, media="text/plain"), SignInRefused),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_an_answer_means(name: str) -> None:
    script, expected = STRANGE[name]
    with pytest.raises(expected) as caught:
        submit(script)
    assert SURNAME not in str(caught.value)


def test_a_closed_port_has_nothing() -> None:
    with closing(open_to("127.0.0.1:1")) as transport, pytest.raises(NotSent):
        transport.submit("SubmitIpraExecution", DOCUMENT)
