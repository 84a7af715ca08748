"""Who calls is found out before anything of the body is interpreted."""

from __future__ import annotations

import base64
from ipaddress import ip_network
from wsgiref.types import WSGIApplication

import pytest

from gateway.soap.origin import Trust
from gateway.soap.versions import SOAP11, VERSIONS, Version
from gateway.xml import namespaces
from tests.integration.soap.stubbed import BASIC, LOGIN, PASSWORD, Answer, Stub, application, envelope, is_fault, post

LIST = f'<ListServices xmlns="{namespaces.JOURNAL}"/>'
TEXT_TYPE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
SHOWN = PASSWORD.replace("&", "&amp;").replace("<", "&lt;")


def security(
    password: str = SHOWN, *, kind: str = TEXT_TYPE, nonce: str = "", created: str = "", beside: str = ""
) -> str:
    parts = f'<w:Username>{LOGIN}</w:Username><w:Password Type="{kind}">{password}</w:Password>'
    parts += f"<w:Nonce>{nonce}</w:Nonce>" if nonce else ""
    parts += f"<u:Created>{created}</u:Created>" if created else ""
    return (
        f'<w:Security xmlns:w="{namespaces.WSSE}" xmlns:u="{namespaces.WSU}" s:mustUnderstand="1">{beside}'
        f"<w:UsernameToken>{parts}</w:UsernameToken></w:Security>"
    )


PROXY = "198.51.100.7"


def guarded(stub: Stub) -> WSGIApplication:
    return application(stub, trust=Trust((ip_network(PROXY),)))


def behind(certificate: str | None) -> dict[str, str | None]:
    return {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_CLIENT_CERTIFICATE": certificate}


def send(app: WSGIApplication, version: Version, header: str, body: str = LIST, basic: str | None = None) -> Answer:
    return post(app, version, "journal", envelope(version, body, header), HTTP_AUTHORIZATION=basic)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "header",
    [
        security(),
        security(nonce="bm9uY2UtMQ==", created="2026-03-01T12:04:00+03:00"),
        security(beside="<u:Timestamp><u:Expires>2026-03-01T09:05:00Z</u:Expires></u:Timestamp>"),
    ],
)
def test_a_username_token_opens(app: WSGIApplication, stub: Stub, version: Version, header: str) -> None:
    header = header.replace("bm9uY2U", f"bm9u{version.client}")
    assert send(app, version, header).status == 200
    assert len(stub.requests) == 1


REFUSED = {
    "wrong password": security("other"),
    "digest": security(kind=TEXT_TYPE.replace("Text", "Digest")),
    "other kind": security(kind="urn:other"),
    "old": security(created="2026-03-01T08:54:59Z"),
    "from the future": security(created="2026-03-01T09:05:01Z"),
    "no zone": security(created="2026-03-01T09:00:00"),
    "expired": security(beside="<u:Timestamp><u:Expires>2026-03-01T08:54:00Z</u:Expires></u:Timestamp>"),
    "signed": security(beside='<d:Signature xmlns:d="http://www.w3.org/2000/09/xmldsig#"/>'),
    "two tokens": security(beside="<w:UsernameToken/>"),
    "two passwords": security(f"x</w:Password><w:Password>{SHOWN}"),
    "two names": security().replace("<w:Username>", "<w:Username>other</w:Username><w:Username>"),
    "no password": security().replace("w:Password", "w:Other"),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_token_is_a_typed_fault(app: WSGIApplication, stub: Stub, version: Version, case: str) -> None:
    answer = send(app, version, REFUSED[case])
    assert is_fault(answer, version, version.client)
    assert answer.code == "NOT_AUTHENTICATED"
    assert answer.status == (500 if version is SOAP11 else 400)
    assert stub.requests == []
    assert ("PasswordText" in answer.text("gatewayFault/message")) == (case in {"digest", "other kind"})


@pytest.mark.usefixtures("stub")
def test_a_nonce_serves_once(app: WSGIApplication) -> None:
    token = security(nonce="b25jZQ==", created="2026-03-01T09:00:00Z")
    assert [send(app, SOAP11, token).code for _ in range(2)] == ["", "NOT_AUTHENTICATED"]


@pytest.mark.usefixtures("stub")
def test_a_refused_token_spends_no_nonce(app: WSGIApplication) -> None:
    wrong, right = (security(word, nonce="dHdpY2U=") for word in ("other", SHOWN))
    assert [send(app, SOAP11, token).code for token in (wrong, right)] == ["NOT_AUTHENTICATED", ""]


@pytest.mark.parametrize("version", VERSIONS)
def test_without_credentials_http_asks_for_them(app: WSGIApplication, stub: Stub, version: Version) -> None:
    answer = send(app, version, "", body="<anything/>")
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert is_fault(answer, version, version.client)
    assert stub.requests == []


@pytest.mark.parametrize("basic", ["Basic ???", "Basic " + base64.b64encode(b"nobody").decode(), BASIC[:-8]])
def test_wrong_basic_credentials_are_refused_before_the_body_is_parsed(app: WSGIApplication, basic: str) -> None:
    answer = post(app, SOAP11, "journal", b"not xml", HTTP_AUTHORIZATION=basic)
    assert answer.code == "NOT_AUTHENTICATED"


def test_a_wrong_token_beside_right_basic_credentials_is_refused(app: WSGIApplication, stub: Stub) -> None:
    assert send(app, SOAP11, security("other"), basic=BASIC).code == "NOT_AUTHENTICATED"
    assert stub.requests == []


def test_the_actor_is_claimed_from_the_request(app: WSGIApplication, stub: Stub) -> None:
    actor = "<actor><login>operator</login><role>mo_admin</role></actor>"
    send(app, SOAP11, security(), LIST.replace("/>", f">{actor}</ListServices>"))
    (claim,) = stub.claims
    assert claim is not None
    assert (claim.login, claim.role, claim.organization_oid) == ("operator", "mo_admin", None)


def test_a_certificate_of_another_account_than_basic_is_refused(stub: Stub) -> None:
    given = {"HTTP_AUTHORIZATION": BASIC} | behind(certificate="CN=other")
    answer = post(guarded(stub), SOAP11, "journal", envelope(SOAP11, LIST), **given)
    assert answer.code == "NOT_AUTHENTICATED"
    assert "разные учётные записи" in answer.text("gatewayFault/message")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("certificate", "status"), [(f"CN={LOGIN}", 200), ("CN=nobody", 401), ("", 401), (None, 401)])
def test_a_certificate_opens(stub: Stub, version: Version, certificate: str | None, status: int) -> None:
    given = {"HTTP_AUTHORIZATION": None} | behind(certificate=certificate)
    assert post(guarded(stub), version, "journal", envelope(version, LIST), **given).status == status


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"REMOTE_ADDR": "203.0.113.9"}, 403),
        ({"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_PROTO": "https"}, 403),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.9"}, 403),
        ({"REMOTE_ADDR": ""}, 403),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "198.51.100.7", "HTTP_X_FORWARDED_PROTO": "http"}, 403),
        ({"REMOTE_ADDR": "198.51.100.7"}, 403),
        ({"REMOTE_ADDR": "198.51.100.7", "HTTP_X_FORWARDED_PROTO": "https"}, 200),
        ({"REMOTE_ADDR": "::ffff:198.51.100.7", "HTTP_X_FORWARDED_PROTO": "https"}, 200),
    ],
)
def test_what_crossed_a_network_in_clear_text_is_refused(
    stub: Stub, version: Version, environ: dict[str, str], status: int
) -> None:
    answer = post(guarded(stub), version, "journal", envelope(version, LIST), **environ)
    assert answer.status == status
    assert status == 200 or is_fault(answer, version, version.client)
    assert "WWW-Authenticate" not in answer.headers, "no challenge: the password would cross it too"


def test_plain_http_may_be_allowed(stub: Stub) -> None:
    app = application(stub, trust=Trust(plain_http=True))
    assert post(app, SOAP11, "journal", envelope(SOAP11, LIST), REMOTE_ADDR="203.0.113.9").status == 200


def addressed(header: str, version: Version, role: str) -> str:
    name = "actor" if version is SOAP11 else "role"
    return header.replace("<w:Security ", f'<w:Security s:{name}="{role}" ', 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_token_for_another_station_opens_nothing(app: WSGIApplication, stub: Stub, version: Version) -> None:
    answer = send(app, version, addressed(security(), version, "urn:another-station"))
    assert (answer.status, answer.code) == (401, "NOT_AUTHENTICATED")
    assert stub.requests == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_token_for_another_station_does_not_disturb_ours(app: WSGIApplication, stub: Stub, version: Version) -> None:
    theirs = addressed(security("other", kind="urn:other"), version, "urn:another-station")
    assert send(app, version, theirs + security()).status == send(app, version, security() + theirs).status == 200
    assert len(stub.requests) == 2
    assert send(app, version, security() * 2).code == "INVALID_REQUEST", "two for us are read in two ways"
