"""The SOAP transport against real TCP peers that misbehave in every way a request can fail.

What matters is whether the request may have left: NotSent is repeated by itself, InDoubt never is.
"""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError
from tests.support.tls import CERTIFICATE
from workers.exchange import InDoubt, NotSent, PeerRefused, SignInRefused
from workers.transports import open_transport
from workers.transports.soap import SoapTransport

WSDL = Path(__file__).parents[2] / "wsdl" / "tfoms.wsdl"
SOAP = manifest.Transport(kind="soap", settings=("address", "username", "password"), secrets=("password",))
PASSWORD = "очень-секретно"
SURNAME = "Примерова-Проверкина"

ENVELOPE = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{}</e:Body></e:Envelope>'
ANSWERS = ENVELOPE.format(
    '<GetAnswersResponse xmlns="urn:service-journal:tfoms:ws:1"><result><answers><answer>'
    "<messageId>0198f000-0000-7000-8000-000000000001</messageId><content>ответ</content>"
    "</answer></answers></result></GetAnswersResponse>"
)
FAULT = (
    f'<e:Fault><faultcode xmlns:w="urn:w">{{}}</faultcode><faultstring>не принято: {SURNAME}</faultstring></e:Fault>'
)

DEFAULT_NAMESPACE_FAULT = (
    '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><Fault>'
    '<faultcode xmlns="">Client</faultcode></Fault></Body></Envelope>'
)

Script = Callable[[socket.socket], None]


def transport_to(address: str, **settings: str) -> SoapTransport:
    site = {"address": address, "username": "мо", "password": PASSWORD, "read_timeout_s": "2", **settings}
    opened: SoapTransport = open_transport(SOAP, site, WSDL)
    return opened


def call(address: str, **settings: str) -> Any:
    with closing(transport_to(address, **settings)) as transport:
        return transport.call("GetAnswers", CODE_MO="340001", limit=10)


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def http(body: str, status: int = 200, kind: str = "text/xml; charset=utf-8", length: int | None = None) -> bytes:
    data = body.encode()
    size = len(data) if length is None else length
    return f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode() + data


def answering(*answers: bytes, requests: list[bytes] | None = None) -> Script:
    def script(connection: socket.socket) -> None:
        for answer in answers:
            request = read_request(connection)
            if requests is not None:
                requests.append(request)
            connection.sendall(answer)

    return script


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Serve connections one after another, each by the next script; returns the address."""
    listeners, threads = [], []

    def start(*scripts: Script) -> str:
        listener = socket.create_server(("127.0.0.1", 0))

        def run() -> None:
            for script in scripts:
                connection, _ = listener.accept()
                with connection:
                    script(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        listeners.append(listener)
        threads.append(thread)
        return f"http://127.0.0.1:{listener.getsockname()[1]}/tfoms"

    yield start
    for listener in listeners:
        listener.close()
    for thread in threads:
        thread.join(5)


def test_a_call_carries_the_token_and_the_action_and_reuses_its_connection(serve: Callable[..., str]) -> None:
    requests: list[bytes] = []
    address = serve(answering(http(ANSWERS), http(ANSWERS), requests=requests))
    with closing(transport_to(address)) as transport:
        assert transport.call("GetAnswers", limit=10).answer[0].content == "ответ"
        transport.call("GetAnswers", limit=10)
    assert len(requests) == 2
    assert b'SOAPAction: "urn:service-journal:tfoms:ws:1/GetAnswers"' in requests[0]
    assert b"#PasswordText" in requests[0]
    assert PASSWORD.encode() in requests[0]


def chunked(body: bytes, last: bytes) -> bytes:
    half = len(body) // 2
    parts = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]))
    return b"HTTP/1.1 200 X\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n" + parts + last


def test_an_answer_in_chunks_is_read_and_its_connection_kept(serve: Callable[..., str]) -> None:
    whole = chunked(ANSWERS.encode(), b"0\r\n\r\n")
    with closing(transport_to(serve(answering(whole, whole)))) as transport:
        assert transport.call("GetAnswers", limit=10).answer[0].content == "ответ"
        assert transport.call("GetAnswers", limit=10).answer[0].content == "ответ"
    with pytest.raises(InDoubt, match="прервалась"):
        call(serve(answering(chunked(ANSWERS.encode(), b""))))


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSent, match="Нет соединения"):
        call(f"http://127.0.0.1:{port}/")


def test_the_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotSent, match="не найден"):
        call("http://peer.test/")


def test_nobody_accepts_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        queue = [socket.socket() for _ in range(4)]
        for waiting in queue:
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        started = time.monotonic()
        with pytest.raises(NotSent, match="за отведённое время"):
            call(f"http://127.0.0.1:{listener.getsockname()[1]}/", connect_timeout_s="0.3")
        assert time.monotonic() - started < 2
        for waiting in queue:
            waiting.close()


def test_a_peer_without_tls(serve: Callable[..., str]) -> None:
    address = serve(lambda connection: connection.sendall(b"HTTP/1.1 400 X\r\n\r\n"))
    with pytest.raises(NotSent, match="защищённое соединение"):
        call(address.replace("http:", "https:"))


def test_only_trusted_certificates_are_spoken_to(serve: Callable[..., str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    seen: list[bytes] = []

    def trusted(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            answering(http(ANSWERS), requests=seen)(secured)

    def untrusted(connection: socket.socket) -> None:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)

    address = serve(untrusted, trusted).replace("http:", "https:")
    with pytest.raises(NotSent, match="защищённое соединение"):
        call(address)
    assert seen == []
    assert call(address, ca_bundle=str(CERTIFICATE)).answer[0].content == "ответ"


def test_the_connection_breaks_instead_of_an_answer(serve: Callable[..., str]) -> None:
    def script(connection: socket.socket) -> None:
        read_request(connection)
        reset(connection)

    with pytest.raises(InDoubt, match="прервалась"):
        call(serve(script))


def test_the_connection_breaks_inside_an_answer(serve: Callable[..., str]) -> None:
    with pytest.raises(InDoubt, match="прервалась"):
        call(serve(answering(http(ANSWERS, length=len(ANSWERS.encode()) + 100))))


def test_a_kept_connection_that_broke_meanwhile_is_not_used_again(serve: Callable[..., str]) -> None:
    broken = threading.Event()

    def breaking(connection: socket.socket) -> None:
        answering(http(ANSWERS))(connection)
        connection.close()
        broken.set()

    with closing(transport_to(serve(breaking, answering(http(ANSWERS))))) as transport:
        transport.call("GetAnswers", limit=10)
        assert broken.wait(10)
        transport.call("GetAnswers", limit=10)


def test_nobody_answers(serve: Callable[..., str]) -> None:
    def script(connection: socket.socket) -> None:
        read_request(connection)
        connection.recv(1)

    with pytest.raises(InDoubt, match="не ответил"):
        call(serve(script), read_timeout_s="0.3")


def test_an_answer_that_drips_is_cut_off(serve: Callable[..., str]) -> None:
    def script(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(http("", length=10_000))
        while True:
            try:
                connection.sendall(b" ")
            except OSError:
                return
            time.sleep(0.05)

    started = time.monotonic()
    with pytest.raises(InDoubt, match="целиком"):
        call(serve(script), read_timeout_s="0.5")
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(http("<html>сбой</html>", 500, "text/html"), id="500 page"),
        pytest.param(http("сбой", 502, "text/plain"), id="502 text"),
        pytest.param(http("", 503), id="503 empty"),
        pytest.param(http("", 504, "text/html"), id="504 empty"),
        pytest.param(http("<a/>", 500), id="500 other XML"),
        pytest.param(http("<html>войдите</html>", 200, "text/html"), id="200 page"),
        pytest.param(http("", 200), id="200 empty"),
        pytest.param(http("", 202), id="202 empty"),
        pytest.param(http(ANSWERS[:80]), id="truncated"),
        pytest.param(http("не XML"), id="not XML"),
        pytest.param(http("<a/>"), id="not an envelope"),
        pytest.param(http(ENVELOPE.format("")), id="empty body"),
        pytest.param(http(ENVELOPE.format("<other/>")), id="another element"),
        pytest.param(http(ANSWERS.replace("GetAnswers", "GetInbound")), id="another answer"),
        pytest.param(http("<!DOCTYPE a [<!ENTITY b 'c'>]>" + ANSWERS), id="entities"),
        pytest.param(http("<!DOCTYPE a>" + ANSWERS), id="document type"),
        pytest.param(http(ENVELOPE.format("<e:Fault/>"), 500), id="fault without a code"),
        pytest.param(http(ENVELOPE.format("<a/><b/>")), id="two elements"),
        pytest.param(b"HTTP/1.1 OK\r\n\r\n", id="not HTTP"),
    ],
)
def test_an_answer_that_cannot_be_understood(serve: Callable[..., str], answer: bytes) -> None:
    with pytest.raises(InDoubt):
        call(serve(answering(answer)))


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(http("", 401), SignInRefused, id="401"),
        pytest.param(http(ANSWERS, 403), SignInRefused, id="403"),
        pytest.param(("w:FailedAuthentication", 500), SignInRefused, id="WS-Security"),
        pytest.param(("w:InvalidSecurity", 400), SignInRefused, id="no token"),
        pytest.param(("e:Client", 500), PeerRefused, id="client"),
        pytest.param(("e:Client.Limit", 200), PeerRefused, id="client, 200"),
        pytest.param(("e:MustUnderstand", 500), PeerRefused, id="header"),
        pytest.param(http(DEFAULT_NAMESPACE_FAULT, 500), PeerRefused, id="client, default namespace"),
        pytest.param(http("", 404, "text/html"), PeerRefused, id="404"),
        pytest.param(http("", 302, "text/html"), PeerRefused, id="302"),
        pytest.param(("e:Server", 500), NotSent, id="server"),
        pytest.param(("e:Server.Busy", 503), NotSent, id="server, 503"),
        pytest.param(http("", 429, "text/plain"), NotSent, id="429"),
    ],
)
def test_a_refusal_is_told_apart(
    serve: Callable[..., str], answer: bytes | tuple[str, int], error: type[Exception]
) -> None:
    if isinstance(answer, tuple):
        answer = http(ENVELOPE.format(FAULT.format(answer[0])), answer[1])
    with pytest.raises(error) as caught:
        call(serve(answering(answer)))
    assert type(caught.value) is error
    assert SURNAME not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_neither_password_nor_patient_reaches_a_log(
    serve: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = http(ENVELOPE.format(FAULT.format("e:Server")), 500)
    transport = transport_to(serve(answering(answer)))
    with caplog.at_level(logging.DEBUG), closing(transport), pytest.raises(NotSent) as caught:
        transport.call("SendPackets", packets={"packet": [f"<FAM>{SURNAME}</FAM>"]})
    said = caplog.text + str(caught.value) + str(caught.value.__cause__)
    assert SURNAME not in said
    assert PASSWORD not in said


def test_a_wsdl_reads_nothing_from_the_network(tmp_path: Path) -> None:
    wsdl = tmp_path / "remote.wsdl"
    imported = '<xs:import namespace="urn:x" schemaLocation="http://127.0.0.1:9/x.xsd"/></xs:schema>'
    wsdl.write_text(WSDL.read_text().replace("</xs:schema>", imported))
    with pytest.raises(ConfigurationError):
        open_transport(SOAP, {"address": "http://peer.test/", "username": "a", "password": "b"}, wsdl)


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": ""},
        {"address": "ftp://peer.test/"},
        {"address": "http:///нет-узла"},
        {"password": ""},
        {"read_timeout_s": "скоро"},
        {"connect_timeout_s": "0"},
        {"ca_bundle": "/нет/такого.pem"},
    ],
)
def test_settings_are_checked_before_anything_is_sent(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        transport_to(**{"address": "http://peer.test/", **wrong})


def test_an_unknown_kind_of_transport() -> None:
    with pytest.raises(ConfigurationError, match="пневмопочта"):
        open_transport(manifest.Transport.model_construct(kind="пневмопочта"), {})
