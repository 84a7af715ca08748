"""What a SOAP door must refuse, in both versions, and always with a SOAP fault."""

from __future__ import annotations

import io
import logging
from typing import Any
from wsgiref.types import WSGIApplication

import pytest

from gateway.domain.errors import ConfigurationError
from gateway.soap.versions import SOAP11, SOAP12, VERSIONS, Version
from gateway.xml import namespaces
from tests.integration.soap.stubbed import Stub, application, envelope, is_fault, post, request

LIST = f'<ListServices xmlns="{namespaces.JOURNAL}"/>'
SURNAME = "Выдумкина"
DEEP = {"max_depth": 10_000}


def prefixed(version: Version, prolog: str) -> bytes:
    return prolog.encode() + envelope(version, LIST)


def extended(version: Version, addition: str) -> bytes:
    return envelope(version, LIST).replace(b"</s:Envelope>", f"{addition}</s:Envelope>".encode())


def envelopes(version: Version) -> dict[str, tuple[bytes, str]]:
    """Bodies that no operation may see, and the code of the refusal."""
    entity = '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    laughs = '<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    deep = "<a>" * 10_000 + "</a>" * 10_000
    attributes = "<a " + " ".join(f'b{i}="1"' for i in range(1000)) + "/>"
    typed = f'<ListServices xmlns="{namespaces.JOURNAL}" xmlns:i="{namespaces.XSI}" i:type="ListLaunches"/>'
    nil = LIST.replace("/>", f'><groupCode i:nil="true" xmlns:i="{namespaces.XSI}"/></ListServices>')
    return {
        "empty": (b"", "INVALID_XML"),
        "not XML": (b"hello", "INVALID_XML"),
        "cut": (envelope(version, LIST)[:-20], "INVALID_XML"),
        "external entity": (prefixed(version, entity), "INVALID_XML"),
        "doctype": (prefixed(version, "<!DOCTYPE s>"), "INVALID_XML"),
        "billion laughs": (prefixed(version, laughs), "INVALID_XML"),
        "processing instruction": (prefixed(version, "<?php echo 1?>"), "INVALID_XML"),
        "depth": (envelope(version, deep), "INVALID_XML"),
        "attributes": (envelope(version, attributes), "INVALID_XML"),
        "undeclared prefix": (envelope(version, "<x:ListServices/>"), "INVALID_XML"),
        "empty prefix": (envelope(version, "<:ListServices/>"), "INVALID_XML"),
        "two prefixes": (envelope(version, "<a:b:ListServices/>"), "INVALID_XML"),
        "prefix of no namespace": (envelope(version, '<x:ListServices xmlns:x=""/>'), "INVALID_XML"),
        "not an envelope": (b"<a/>", "INVALID_REQUEST"),
        "no body": (f'<s:Envelope xmlns:s="{version.envelope}"/>'.encode(), "INVALID_REQUEST"),
        "empty body": (envelope(version, ""), "INVALID_REQUEST"),
        "second body": (extended(version, "<s:Body/>"), "INVALID_REQUEST"),
        "after the body": (extended(version, "<a/>"), "INVALID_REQUEST"),
        "header after the body": (extended(version, "<s:Header/>"), "INVALID_REQUEST"),
        "text in the envelope": (extended(version, "text"), "INVALID_REQUEST"),
        "text in the body": (envelope(version, LIST + "text"), "INVALID_REQUEST"),
        "two children": (envelope(version, LIST + LIST), "INVALID_REQUEST"),
        "unknown operation": (envelope(version, f'<Launch xmlns="{namespaces.JOURNAL}"/>'), "INVALID_REQUEST"),
        "other namespace": (envelope(version, '<ListServices xmlns="urn:other"/>'), "INVALID_REQUEST"),
        "no namespace": (envelope(version, "<ListServices/>"), "INVALID_REQUEST"),
        "schema": (envelope(version, LIST.replace("/>", "><x/></ListServices>")), "INVALID_REQUEST"),
        "xsi:type": (envelope(version, typed), "INVALID_REQUEST"),
        "nil": (envelope(version, nil), "INVALID_REQUEST"),
        "id and href": (envelope(version, LIST.replace("/>", ' href="#a" id="a"/>')), "INVALID_REQUEST"),
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", envelopes(SOAP11))
def test_a_wrong_envelope_is_a_client_fault(app: WSGIApplication, stub: Stub, version: Version, case: str) -> None:
    body, code = envelopes(version)[case]
    answer = post(app, version, "journal", body)
    assert is_fault(answer, version, version.client)
    assert answer.status == (500 if version is SOAP11 else 400)
    assert answer.code == code
    assert stub.requests == []


@pytest.mark.parametrize("name", ["x:ListServices", ":ListServices", "a:b:ListServices"])
def test_a_prefix_that_is_none_is_told_with_its_line_to_whoever_asks(
    app: WSGIApplication, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = post(app, SOAP11, "journal", envelope(SOAP11, f"\n<{name}/>"), HTTP_AUTHORIZATION=None)
    assert (answer.code, answer.text("findings/finding/line")) == ("INVALID_XML", "2")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("body", "path"),
    [
        ('<ListServices xmlns="urn:other"/>', "/ListServices"),
        ("<ListServices/>", "/ListServices"),
        (f'<StopLaunch xmlns="{namespaces.CONTROL}"/>', "/"),
        (f'<{SURNAME} xmlns="{namespaces.JOURNAL}"/>', "/"),
    ],
)
def test_the_namespace_that_is_expected_is_told(app: WSGIApplication, version: Version, body: str, path: str) -> None:
    answer = post(app, version, "journal", envelope(version, f"\n{body}"))
    assert (answer.text("finding/path"), answer.text("finding/line")) == (path, "2")
    assert namespaces.JOURNAL in answer.text("gatewayFault/message")
    assert SURNAME not in answer.body.decode()


HEADERS: dict[str, tuple[dict[str, Any], int]] = {
    "json": ({"CONTENT_TYPE": "application/json"}, 415),
    "no content type": ({"CONTENT_TYPE": None}, 415),
    "attachments": ({"CONTENT_TYPE": "multipart/related; boundary=x"}, 415),
    "utf-7": ({"CONTENT_TYPE": "{media}; charset=utf-7"}, 415),
    "unknown charset": ({"CONTENT_TYPE": "{media}; charset=foo"}, 415),
    "gzip": ({"HTTP_CONTENT_ENCODING": "gzip"}, 415),
    "length that is none": ({"CONTENT_LENGTH": "-1"}, 400),
    "body cut short": ({"CONTENT_LENGTH": "1000"}, 400),
    "GET": ({"method": "GET"}, 405),
    "PUT": ({"method": "PUT"}, 405),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", HEADERS)
def test_wrong_http_is_a_client_fault(app: WSGIApplication, version: Version, case: str) -> None:
    environ, status = HEADERS[case]
    given = {
        name: value.format(media=version.media_type) if isinstance(value, str) else value
        for name, value in environ.items()
    }
    answer = post(app, version, "journal", envelope(version, LIST), **given)
    assert answer.status == status
    assert is_fault(answer, version, version.client)
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("version", VERSIONS)
def test_action_of_another_operation_is_refused(app: WSGIApplication, version: Version) -> None:
    wrong = f"{namespaces.JOURNAL}:GetLaunch"
    content_type = f'{version.media_type}; charset=utf-8; action="{wrong}"'
    environ = {"HTTP_SOAPACTION": f'"{wrong}"'} if version is SOAP11 else {"CONTENT_TYPE": content_type}
    answer = post(app, version, "journal", envelope(version, LIST), **environ)
    assert is_fault(answer, version, version.client)


def test_two_actions_are_refused(app: WSGIApplication) -> None:
    content_type = f'{SOAP12.media_type}; action="ListServices"'
    environ = {"HTTP_SOAPACTION": "GetLaunch", "CONTENT_TYPE": content_type}
    assert post(app, SOAP12, "journal", envelope(SOAP12, LIST), **environ).code == "INVALID_REQUEST"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("action", ['""', "", "ListServices", f'"{namespaces.JOURNAL}:ListServices"'])
@pytest.mark.usefixtures("stub")
def test_fitting_actions_are_taken(app: WSGIApplication, version: Version, action: str) -> None:
    answer = post(app, version, "journal", envelope(version, LIST), HTTP_SOAPACTION=action)
    assert answer.status == 200


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("value", "refused"), [("1", True), ("true", True), ("0", False)])
@pytest.mark.usefixtures("stub")
def test_headers_that_must_be_understood(app: WSGIApplication, version: Version, value: str, refused: bool) -> None:
    header = f'<x:Route xmlns:x="urn:x" s:mustUnderstand="{value}"/>'
    answer = post(app, version, "journal", envelope(version, LIST, header))
    assert answer.status == (500 if refused else 200)
    assert not refused or is_fault(answer, version, "MustUnderstand")


def test_the_other_version_is_a_mismatch(app: WSGIApplication) -> None:
    newer = request(app, "/soap/journal", envelope(SOAP12, LIST), CONTENT_TYPE=SOAP12.content_type)
    older = request(app, "/soap12/journal", envelope(SOAP11, LIST), CONTENT_TYPE=SOAP11.content_type)
    assert [newer.status, older.status] == [500, 500]
    assert is_fault(newer, SOAP11, "VersionMismatch")
    assert is_fault(older, SOAP11, "VersionMismatch"), "a SOAP 1.1 caller is answered in SOAP 1.1"


HOLD = f'<HoldPackets xmlns="{namespaces.CONTROL}"><packetIds/>{" " * 2000}</HoldPackets>'


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("action", ["HoldPackets", None], ids=["named", "unnamed"])
def test_a_large_body_is_refused_by_the_limit_of_its_operation(
    app: WSGIApplication, version: Version, chunked: bool, action: str | None
) -> None:
    environ = {"CONTENT_LENGTH": None, "wsgi.input_terminated": True} if chunked else {}
    answer = post(app, version, "control", envelope(version, HOLD), HTTP_SOAPACTION=action, **environ)
    assert answer.status == 413
    assert is_fault(answer, version, version.client)
    assert answer.code == "TOO_LARGE"
    assert "2000" in answer.text("gatewayFault/message")


def nested_in(operation: str, count: int) -> str:
    """A request of so many elements, one in another."""
    return f'<{operation} xmlns="{namespaces.INTAKE}">{"<a>" * count}{"</a>" * count}</{operation}>'


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("header", ["", "<x/>" * 20_000], ids=["near", "far"])
@pytest.mark.parametrize("action", ["TakeInbound", "", None], ids=["named", "empty", "unnamed"])
def test_the_depth_and_the_elements_are_those_of_the_operation_however_it_is_named(
    stub: Stub, version: Version, action: str | None, header: str
) -> None:
    """Its neighbour SubmitObjects takes more; a body that begins too far away is held to what any operation takes."""
    app = application(stub, {"TakeInbound": {"max_depth": 6, "max_elements": 20_010}})
    answers = {
        count: post(
            app, version, "intake", envelope(version, nested_in("TakeInbound", count), header), HTTP_SOAPACTION=action
        )
        for count in (2, 5)
    }
    assert [answers[count].code for count in (2, 5)] == ["INVALID_REQUEST", "INVALID_XML"]
    assert "больше допустимых 6" in answers[5].text("gatewayFault/message")
    wider = post(
        app, version, "intake", envelope(version, nested_in("SubmitObjects", 5)), HTTP_SOAPACTION=action and ""
    )
    assert wider.code == "INVALID_REQUEST", "the schema's word, not the parser's"


def carrying(content: str) -> bytes:
    """A request to take over one document, of these characters of base64."""
    inside = (
        "<serviceCode>tfoms-hosp</serviceCode><organizationOid>1.2</organizationOid><objects><object>"
        "<objectId>1</objectId><objectType>Referral</objectType><changedAt>2026-01-01T00:00:00Z</changedAt>"
        f"<contentBase64>{content}</contentBase64></object></objects>"
    )
    return envelope(SOAP11, f'<SubmitObjects xmlns="{namespaces.INTAKE}">{inside}</SubmitObjects>')


@pytest.mark.parametrize("content", ["QU*JD", "QUJDЖ", "QUJD\u00a0", "{QUJD}", "QUJD-_"])
def test_what_is_no_base64_is_not_read_past(app: WSGIApplication, stub: Stub, content: str) -> None:
    answer = post(app, SOAP11, "intake", carrying(content))
    assert (answer.code, stub.requests) == ("INVALID_REQUEST", [])
    assert answer.text("finding/path") == "/SubmitObjects/objects/object/contentBase64"
    assert "посторонние знаки" in answer.text("finding/message")


def test_base64_may_be_written_in_lines(app: WSGIApplication, stub: Stub) -> None:
    post(app, SOAP11, "intake", carrying("&#13;\n\tQU JD\n QUI= "))
    assert [document.content_base64 for document in stub.requests[0].objects] == [b"ABCAB"]


def test_a_declared_length_over_the_limit_is_not_read(app: WSGIApplication) -> None:
    stream = io.BytesIO(b"x" * 3000)
    given = {"CONTENT_LENGTH": "3000", "HTTP_SOAPACTION": "HoldPackets", "wsgi.input": stream}
    assert post(app, SOAP11, "control", b"", **given).status == 413
    assert stream.tell() == 0


@pytest.mark.parametrize("given", [{"Hold": {"max_bytes": 1}}, {"HoldPackets": {"max_bits": 1}}, {"HoldPackets": DEEP}])
def test_limits_of_nothing_are_a_wrong_setting(stub: Stub, given: dict[str, dict[str, int]]) -> None:
    with pytest.raises(ConfigurationError, match=r"limits\.Hold"):
        application(stub, given)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("count", "code"), [(10_001, "TOO_MANY"), (100_000, "INVALID_XML")])
def test_floods_of_items_are_refused(stub: Stub, version: Version, count: int, code: str) -> None:
    body = f'<HoldPackets xmlns="{namespaces.CONTROL}"><packetIds>{"<packetId/>" * count}</packetIds></HoldPackets>'
    answer = post(
        application(stub, {"holdpackets": {"MAX_BYTES": 16 << 20}}), version, "control", envelope(version, body)
    )
    assert is_fault(answer, version, version.client)
    assert answer.code == code


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_of_a_request_is_logged_or_quoted(
    app: WSGIApplication, stub: Stub, version: Version, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> object:
        raise RuntimeError(SURNAME)

    stub.behaviour["ListServices"] = fail
    wrong = LIST.replace("/>", f"><actor><login>{SURNAME}</login></actor></ListServices>")
    with caplog.at_level(logging.DEBUG):
        answers = [
            post(app, version, "journal", envelope(version, LIST)),
            post(app, version, "journal", envelope(version, wrong)),
            post(app, version, "journal", f"<{SURNAME}".encode()),
        ]
    assert [answer.code for answer in answers] == ["INTERNAL", "INVALID_REQUEST", "INVALID_XML"]
    assert is_fault(answers[0], version, version.server)
    assert SURNAME not in caplog.text
    assert all(SURNAME not in answer.body.decode() for answer in answers)
    assert all(answer.headers["X-Correlation-ID"] in caplog.text for answer in answers)
