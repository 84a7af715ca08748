"""No bytes whatever sent to a service address give anything but a well-formed SOAP answer or a plain HTTP error."""

from __future__ import annotations

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.soap.versions import SOAP11, VERSIONS, Version
from gateway.xml.parser import parse
from tests.attacks.requests import (
    BASIC,
    CHUNKED,
    LIST,
    POLICY,
    SNILS,
    SURNAME,
    Sent,
    chunked,
    element,
    envelope,
    token,
)
from tests.attacks.serving import CLOSED, Reply, Site

PERSON: Final = (SURNAME, SNILS, POLICY)
PIECES: Final = (
    "<a>",
    "</a>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x?>",
    "<!DOCTYPE s>",
    "&lt;",
    "&x;",
    "\0",
    *PERSON,
)
REQUESTS: Final = (
    LIST,
    element("GetPacketData", f"<packetId>{SNILS}</packetId>"),
    element("ListLaunches", "<serviceCode>tfoms-hosp</serviceCode><page><limit>5</limit></page>"),
)

versions = st.sampled_from(VERSIONS)
visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)


@st.composite
def envelopes(draw: st.DrawFn) -> tuple[Version, bytes]:
    """Right envelopes with something wrong put in at a few places."""
    version = draw(versions)
    body = draw(st.sampled_from(REQUESTS))
    data = envelope(version, body, draw(st.sampled_from(("", token(), "<x/>"))))
    for _ in range(draw(st.integers(0, 3))):
        at, end = (draw(st.integers(0, len(data))) for _ in range(2))
        wrong = draw(st.sampled_from(PIECES).map(str.encode) | st.binary(max_size=8))
        data = data[:at] + wrong + data[max(at, end) if draw(st.booleans()) else at :]
    return version, data


@st.composite
def requests(draw: st.DrawFn) -> tuple[Version, bytes]:
    """Requests that are HTTP, more or less, and whose every part may be wrong."""
    version, body = draw(envelopes() | st.tuples(versions, st.binary(max_size=200)))
    parts = Sent(
        chunked(body, 50) if (in_chunks := draw(st.booleans())) else body,
        draw(st.sampled_from(("journal", "control", "intake"))),
        draw(st.sampled_from(("POST", "POST", "POST", "GET", "PUT"))),
        media_type=draw(st.sampled_from((version.content_type, "text/xml", "", "text/xml; charset=utf-16")) | visible)
        .replace("{", "")
        .replace("}", ""),
        authorization=draw(st.sampled_from((BASIC, BASIC, "", "Basic bWlz"))),
        action=draw(st.none() | st.sampled_from(("ListServices", "GetLaunch"))),
        length="" if in_chunks else None,
        lines=CHUNKED if in_chunks else (),
    )
    return version, parts.raw(version)


def check(reply: Reply) -> None:
    """The answer is a SOAP envelope, or an error of HTTP that says nothing."""
    for word in PERSON:
        assert word.encode() not in reply.body
    if reply.status == CLOSED:
        return
    media_type = reply.headers.get("content-type", "").partition(";")[0]
    version = next((v for v in VERSIONS if v.media_type == media_type), None)
    if version is None:
        assert 400 <= reply.status < 500
        assert reply.body == b""
    else:
        assert parse(reply.body).tag == f"{{{version.envelope}}}Envelope"


@given(requests())
@settings(max_examples=400)
def test_whatever_is_sent_the_answer_is_soap(site: Site, request: tuple[Version, bytes]) -> None:
    check(site.send(request[1], hang_up=True))


@given(st.binary(max_size=300))
@settings(max_examples=150)
def test_whatever_follows_the_request_line_the_answer_is_soap(site: Site, data: bytes) -> None:
    check(site.send(b"POST /soap/journal HTTP/1.1\r\n" + data, hang_up=True))


@given(st.binary(max_size=300))
@settings(max_examples=150)
def test_whatever_the_body_is_the_answer_is_soap(site: Site, data: bytes) -> None:
    reply = site.send(Sent(data).raw(SOAP11))
    assert reply.status in {400, 500}
    check(reply)


def test_nothing_of_all_that_is_in_the_log(site: Site) -> None:
    log = site.log.read_text(encoding="utf-8")
    assert [word for word in (*PERSON, "Traceback", " ERROR ") if word in log] == []
