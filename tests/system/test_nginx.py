"""The published nginx configuration does what it is there for."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.domain.errors import GatewayError
from gateway.soap.faults import fault
from gateway.soap.versions import SOAP11, SOAP12, VERSIONS, Version
from gateway.xml.parser import parse
from tests.attacks.requests import CHUNKED, LIST, Sent, basic, chunked, envelope, token
from tests.attacks.serving import Reply
from tests.attacks.test_attacks import fault_code, soap_code
from tests.system.proxied import Proxied, without_gateway

ANONYMOUS = Sent(envelope(SOAP11), authorization="")


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.code)
def test_a_password_opens(front: Proxied, version: Version) -> None:
    assert front.send(Sent(envelope(version)).raw(version)).status == 200
    assert front.send(Sent(envelope(version, LIST, token()), authorization="").raw(version)).status == 200


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.code)
def test_a_client_certificate_opens(front: Proxied, version: Version) -> None:
    raw = Sent(envelope(version), authorization="").raw(version)
    assert front.send(raw, "client").status == 200
    assert front.send(raw).status == 401
    assert front.send(raw, "unknown").status == 401, "signed by the authority, but nobody's"


def test_a_certificate_of_a_stranger_opens_nothing(front: Proxied) -> None:
    assert front.send(ANONYMOUS.raw(SOAP11), "stranger").status == 400
    assert front.send(Sent(envelope(SOAP11)).raw(SOAP11), "stranger").status == 400


@pytest.mark.parametrize("name", ["X-Client-Certificate", "X_Client_Certificate", "x-client-certificate"])
@pytest.mark.parametrize("certificate", [None, "unknown"])
def test_a_forged_certificate_header_opens_nothing(front: Proxied, name: str, certificate: str | None) -> None:
    forged = Sent(envelope(SOAP11), authorization="", lines=(f"{name}: {front.subject}",))
    assert front.send(forged.raw(SOAP11), certificate).status == 401


def test_the_audit_knows_the_caller_and_not_what_he_says(front: Proxied) -> None:
    lines = ("X-Forwarded-For: 192.0.2.66", "Forwarded: for=192.0.2.66", "X-Real-IP: 192.0.2.66")
    wrong = Sent(envelope(SOAP11), authorization=basic("nobody", "wrong"), lines=lines)
    assert fault_code(front.send(wrong.raw(SOAP11), source="127.0.7.7"), SOAP11) == "NOT_AUTHENTICATED"
    assert "127.0.7.7" in front.addresses()
    assert "192.0.2.66" not in front.addresses()


def test_past_the_proxy_a_forwarded_request_is_not_private(front: Proxied) -> None:
    lines = ("X-Forwarded-For: 192.0.2.66", "X-Forwarded-Proto: http")
    assert front.gateway.send(Sent(envelope(SOAP11), lines=lines).raw(SOAP11)).status == 403


def assert_fault_of(reply: Reply, version: Version, status: int, code: str, service: str = "journal") -> None:
    """nginx refused in the words of the gateway."""
    ours = fault(GatewayError(""), version, f"urn:service-journal:{service}:1", "")
    assert (reply.status, reply.headers["content-type"]) == (status, ours.content_type)
    assert fault_code(reply, version) == code
    assert [e.tag for e in parse(reply.body).iter()] == [e.tag for e in parse(ours.body).iter()]
    assert parse(reply.body).findtext(".//{*}correlationId") == reply.headers["x-correlation-id"]
    side = version.server if code == "UNAVAILABLE" else version.client
    assert soap_code(reply, version) == f"soap:{side}"


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.code)
@pytest.mark.parametrize("service", ["journal", "control", "intake"])
def test_a_body_beyond_the_limit_of_the_proxy_gets_a_fault(front: Proxied, version: Version, service: str) -> None:
    reply = front.send(Sent(b"", service, length=str(18 << 20)).raw(version))
    assert_fault_of(reply, version, 413, "TOO_LARGE", service)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.code)
def test_a_gateway_that_is_not_there_is_a_fault(front: Proxied, tmp_path: Path, version: Version) -> None:
    with without_gateway(front, tmp_path) as deserted:
        reply = deserted.send(Sent(envelope(version), "intake").raw(version))
    assert_fault_of(reply, version, 502, "UNAVAILABLE", "intake")


def test_slow_bodies_stay_at_the_proxy(front: Proxied) -> None:
    with ExitStack() as stack:
        for _ in range(40):
            connection = stack.enter_context(front.connect(source="127.0.8.8"))
            connection.sendall(Sent(b"<s", length="1000").raw(SOAP11))
        began = time.monotonic()
        assert front.send(Sent(envelope(SOAP11)).raw(SOAP11)).status == 200
        assert time.monotonic() - began < 5
    log = front.gateway.log.read_text(encoding="utf-8")
    assert ": 408," not in log, "the gateway has seen none of them"


def test_too_many_connections_of_one_address_are_refused(front: Proxied) -> None:
    with ExitStack() as stack:
        for _ in range(64):
            connection = stack.enter_context(front.connect(source="127.0.9.9"))
            connection.sendall(Sent(b"<s", length="1000").raw(SOAP11))
        refused = front.send(Sent(envelope(SOAP12)).raw(SOAP12), source="127.0.9.9")
        assert_fault_of(refused, SOAP12, 429, "TOO_MANY")
        assert front.send(Sent(envelope(SOAP11)).raw(SOAP11), source="127.0.9.10").status == 200


def test_a_large_body_gets_the_fault_of_the_gateway(front: Proxied) -> None:
    reply = front.send(Sent(envelope(SOAP11, LIST + " " * 1_100_000)).raw(SOAP11))
    assert (reply.status, fault_code(reply, SOAP11)) == (413, "TOO_LARGE")


def test_chunks_are_taken_and_smuggling_is_not(front: Proxied) -> None:
    body = chunked(envelope(SOAP11))
    assert front.send(Sent(body, length="", lines=CHUNKED).raw(SOAP11)).status == 200
    both: Reply = front.send(Sent(body, length="5", lines=CHUNKED).raw(SOAP11))
    assert both.status == 400
    assert front.send(Sent(body, length="", lines=CHUNKED * 2).raw(SOAP11)).status == 400
