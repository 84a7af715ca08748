"""Who and what the stand-in ТФОМС lets in."""

from __future__ import annotations

import pytest
import requests
import zeep

from gateway.xml.namespaces import SOAP11, WSSE
from gateway.xml.parser import parse
from tests.support.tfoms_client import PASSWORD, REFERRAL, USER, Client, packet
from workers.sandbox.soap import PLAIN_TEXT
from workers.sandbox.tfoms import TfomsSandbox


def test_wsdl_names_the_address_it_was_asked_at(sandbox: TfomsSandbox) -> None:
    url = sandbox.url.replace("127.0.0.1", "localhost")
    description = requests.get(f"{url}?wsdl", timeout=5)
    assert f'location="{url}"' in description.text


@pytest.mark.parametrize(("username", "password"), [(USER, "other"), ("other", PASSWORD), ("", "")])
def test_wrong_credentials(username: str, password: str, sandbox: TfomsSandbox) -> None:
    client = Client(sandbox.url, username, password)
    with pytest.raises(zeep.exceptions.Fault) as caught:
        client.send("<broken")
    assert caught.value.code == "wsse:FailedAuthentication"
    assert sandbox.ledger() == ()
    client.session.close()


ENVELOPE = f'<e:Envelope xmlns:e="{SOAP11}"><e:Header>%s</e:Header><e:Body>%s</e:Body></e:Envelope>'
SEND_PACKETS = '<SendPackets xmlns="urn:service-journal:tfoms:ws:1"><packets>%s</packets></SendPackets>'
GET_INBOUND = '<GetInbound xmlns="urn:service-journal:tfoms:ws:1"><limit>%s</limit></GetInbound>'


SECURITY = (
    f'<w:Security xmlns:w="{WSSE}"><w:UsernameToken><w:Username>{USER}</w:Username>'
    f'<w:Password Type="{PLAIN_TEXT}">{PASSWORD}</w:Password></w:UsernameToken></w:Security>'
)
STRANGE = '<x xmlns="urn:x" xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" e:mustUnderstand="1"/>'
ENVELOPES = {
    "right": (ENVELOPE % (SECURITY, GET_INBOUND % 1), ""),
    "no security": (ENVELOPE % ("", GET_INBOUND % 1), "wsse:FailedAuthentication"),
    "digest": (
        ENVELOPE % (SECURITY.replace("#PasswordText", "#PasswordDigest"), GET_INBOUND % 1),
        "wsse:FailedAuthentication",
    ),
    "limit 0": (ENVELOPE % (SECURITY, GET_INBOUND % 0), "soap:Client"),
    "limit 1001": (ENVELOPE % (SECURITY, GET_INBOUND % 1001), "soap:Client"),
    "101 packets": (ENVELOPE % (SECURITY, SEND_PACKETS % ("<packet/>" * 101)), "soap:Client"),
    "two in the body": (ENVELOPE % (SECURITY, GET_INBOUND % 1 * 2), "soap:Client"),
    "empty body": (ENVELOPE % (SECURITY, ""), "soap:Client"),
    "unknown operation": (ENVELOPE % (SECURITY, "<Nothing/>"), "soap:Client"),
    "not understood": (ENVELOPE % (SECURITY + STRANGE, GET_INBOUND % 1), "soap:MustUnderstand"),
    "other version": ("<Envelope/>", "soap:VersionMismatch"),
    "DTD": ("<!DOCTYPE a>" + ENVELOPE % (SECURITY, GET_INBOUND % 1), "soap:Client"),
    "not XML": ("{}", "soap:Client"),
}


@pytest.mark.parametrize("case", ENVELOPES)
def test_envelope(case: str, sandbox: TfomsSandbox) -> None:
    text, code = ENVELOPES[case]
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    response = requests.post(sandbox.url, data=text.encode(), headers=headers, timeout=5)
    assert response.status_code == (500 if code else 200)
    assert (parse(response.content).findtext(".//faultcode") or "") == code


def test_http_door(sandbox: TfomsSandbox) -> None:
    wrong = {"Content-Type": "text/xml", "SOAPAction": '"urn:service-journal:tfoms:ws:1/GetAnswers"'}
    body = (ENVELOPE % (SECURITY, GET_INBOUND % 1)).encode()
    assert requests.post(sandbox.url, data=body, headers=wrong, timeout=5).status_code == 500
    plain = {"Content-Type": "application/json"}
    assert requests.post(sandbox.url, data=body, headers=plain, timeout=5).status_code == 415
    refused = requests.get(sandbox.url, timeout=5)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    assert requests.get(sandbox.url + "s", timeout=5).status_code == 404
    assert requests.post(sandbox.url, data=iter([b"x"]), timeout=5).status_code == 411


def test_a_packet_of_no_canonical_form_harms_no_other(sandbox: TfomsSandbox, client: Client) -> None:
    unhashable = packet(REFERRAL).replace("<ZGLV>", '<ZGLV xmlns:a="relative">')
    receipts = client.send(unhashable, packet(REFERRAL))
    assert [(each.result, each.code) for each in receipts] == [("REFUSED", "001"), ("ACK", None)]
    assert len(sandbox.ledger()) == 1
