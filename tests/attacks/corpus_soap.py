"""Attacks on SOAP: envelopes that are read in two ways, headers, actions, contents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.soap.versions import SOAP11, SOAP12, Version
from gateway.xml import namespaces
from tests.attacks.requests import LIST, PERSON, SURNAME, Attack, Sent, element, envelope, token

_BAD: Final = "INVALID_REQUEST"


def _other(version: Version) -> Version:
    return SOAP12 if version is SOAP11 else SOAP11


def _sent(body: str = LIST, header: str = "", after: str = "", service: str = "journal") -> Callable[[Version], Sent]:
    return lambda v: Sent(envelope(v, body, header, after=after), service)


def _text(template: str) -> Callable[[Version], Sent]:
    """An envelope written out: ? stands for its namespace, * for a right request."""
    return lambda v: Sent(template.replace("?", v.envelope).replace("*", LIST).encode())


def _must(value: str = "1", role: str = "", name: str = "{urn:x}Route") -> Callable[[Version], Sent]:
    uri, _, local = name[1:].partition("}")

    def make(version: Version) -> Sent:
        actor = f's:{"actor" if version is SOAP11 else "role"}="{role}"' if role else ""
        block = f'<x:{local} xmlns:x="{uri}" s:mustUnderstand="{value}" {actor}>{PERSON}</x:{local}>'
        return Sent(envelope(version, LIST, block))

    return make


_NEXT: Final = "http://schemas.xmlsoap.org/soap/actor/next"
_RECEIVER: Final = "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver"

ENVELOPES: Final = [
    Attack("no envelope", _text("<a/>"), _BAD),
    Attack("the request without an envelope", _text("*"), _BAD),
    Attack("an envelope without a namespace", _text("<Envelope><Body>*</Body></Envelope>"), _BAD, 500,
           "VersionMismatch"),
    Attack("an envelope of a version to come", _text('<Envelope xmlns="urn:soap:2"><Body>*</Body></Envelope>'), _BAD,
           500, "VersionMismatch"),
    Attack("no Body", _text('<s:Envelope xmlns:s="?"/>'), _BAD),
    Attack("a Header only", _text('<s:Envelope xmlns:s="?"><s:Header/></s:Envelope>'), _BAD),
    Attack("an empty Body", _sent(""), _BAD),
    Attack("a Body of text", _sent(PERSON), _BAD),
    Attack("text beside the request", _sent(LIST + PERSON), _BAD),
    Attack("two requests", _sent(LIST + LIST), _BAD),
    Attack("a request and a change", _sent(LIST + element("StopLaunch", service="control")), _BAD),
    Attack("a second Body", _sent(after=f"<s:Body>{LIST}</s:Body>"), _BAD),
    Attack("a second Body, empty", _sent(after="<s:Body/>"), _BAD),
    Attack("an empty Body first", _text('<s:Envelope xmlns:s="?"><s:Body/><s:Body>*</s:Body></s:Envelope>'), _BAD),
    Attack("Header behind the Body", _sent(after="<s:Header/>"), _BAD),
    Attack("two Headers", _text('<s:Envelope xmlns:s="?"><s:Header/><s:Header/><s:Body>*</s:Body></s:Envelope>'), _BAD),
    Attack("something behind the Body", _sent(after="<a/>"), _BAD),
    Attack("something before the Header", _text('<s:Envelope xmlns:s="?"><a/><s:Body>*</s:Body></s:Envelope>'), _BAD),
    Attack("text in the envelope", _sent(after=PERSON), _BAD),
    Attack("the Body in the Header", _text('<s:Envelope xmlns:s="?"><s:Header><s:Body>*</s:Body></s:Header>'
                                           "</s:Envelope>"), _BAD),
    Attack("wrapping: an envelope in the Body", lambda v: Sent(envelope(v, envelope(v).decode())), _BAD),
    Attack("wrapping: the Body of the other version", lambda v: Sent(
        f'<s:Envelope xmlns:s="{v.envelope}"><o:Body xmlns:o="{_other(v).envelope}">{LIST}</o:Body></s:Envelope>'
        .encode()), _BAD),
    Attack("a Fault", _sent("<s:Fault><faultcode>s:Client</faultcode></s:Fault>"), _BAD),
    Attack("parts of a message (attachments)", lambda v: Sent(envelope(v), media_type="multipart/related; boundary=b"),
           _BAD, 415),
]  # fmt: skip

HEADERS: Final = [
    Attack("mustUnderstand", _must(), _BAD, 500, "MustUnderstand"),
    Attack("mustUnderstand true", _must("true"), _BAD, 500, "MustUnderstand"),
    Attack("mustUnderstand with blanks", _must(" 1 "), _BAD, 500, "MustUnderstand"),
    Attack("mustUnderstand for the next", lambda v: _must("1", _NEXT if v is SOAP11 else _RECEIVER)(v), _BAD, 500,
           "MustUnderstand"),
    Attack("mustUnderstand for another", _must("1", "urn:someone"), ""),
    Attack("mustUnderstand is 0", _must("0"), ""),
    Attack("Security of another namespace", _must(name="{urn:wsse}Security"), _BAD, 500, "MustUnderstand"),
    Attack("WS-Addressing", _must(name="{http://www.w3.org/2005/08/addressing}ReplyTo"), _BAD, 500, "MustUnderstand"),
    Attack("10 000 header blocks", _sent(header="<a/>" * 10_000), ""),
    Attack("two Security headers", lambda v: Sent(envelope(v, LIST, token() * 2), authorization=""), _BAD),
]  # fmt: skip

ACTIONS: Final = [
    Attack("action of another operation", lambda v: Sent(envelope(v), action="GetLaunch"), _BAD),
    Attack("action of a change", lambda v: Sent(envelope(v), action="urn:service-journal:control:1:StopLaunch"), _BAD),
    Attack("action without an operation", lambda v: Sent(envelope(v), action="urn:service-journal:journal:1:"), _BAD),
    Attack("action with another beginning", lambda v: Sent(envelope(v), action="NotListServices"), _BAD),
    Attack("action that is a person", lambda v: Sent(envelope(v), lines=(f"SOAPAction: {SURNAME}",)), ""),
    Attack("two actions", lambda v: Sent(envelope(v), action="ListServices", lines=('SOAPAction: "GetLaunch"',)), _BAD),
    Attack("action of the media type", lambda v: Sent(envelope(v), media_type='{v.media_type}; action="GetLaunch"'),
           _BAD),
    Attack("actions that differ", lambda v: Sent(envelope(v), action="ListServices",
                                                 media_type='{v.media_type}; action="GetLaunch"'), _BAD),
    Attack("the other version's envelope", lambda v: Sent(envelope(_other(v))), _BAD, 500, "VersionMismatch"),
    Attack("the other version altogether", lambda v: Sent(envelope(_other(v)), media_type=_other(v).content_type), _BAD,
           500, "VersionMismatch"),
    Attack("the other version's media type", lambda v: Sent(envelope(v), media_type=_other(v).content_type), _BAD, 415),
]  # fmt: skip


def _packet(value: str) -> Callable[[Version], Sent]:
    return _sent(element("GetPacketData", f"<packetId>{value}</packetId>"))


def _launches(inside: str) -> Callable[[Version], Sent]:
    return _sent(element("ListLaunches", f"<serviceCode>tfoms-hosp</serviceCode>{inside}"))


_XSI: Final = f'xmlns:i="{namespaces.XSI}"'

CONTENTS: Final = [
    Attack("unknown operation", _sent(element("DropTables", PERSON)), _BAD),
    Attack("operation of another service", _sent(element("StopLaunch", service="control")), _BAD),
    Attack("operation of another service, its address", _sent(LIST, service="control"), _BAD),
    Attack("operation without a namespace", _sent("<ListServices/>"), _BAD),
    Attack("an answer", _sent(element("ListServicesResponse", "<result/>")), _BAD),
    Attack("a method of Spyne", _sent(element("__class__")), _BAD),
    Attack("xsi:type", _sent(element("ListServices", attributes=f'{_XSI} i:type="ListLaunches"')), _BAD),
    Attack("xsi:type of a part", _launches(f'<page {_XSI} i:type="Actor"/>'), _BAD),
    Attack("xsi:nil of a part", _launches(f'<page {_XSI} i:nil="true"/>'), _BAD),
    Attack("href and id", _sent(element("ListServices", attributes='href="#a" id="a"')), _BAD),
    Attack("encodingStyle of RPC", _sent(element("ListServices", attributes=f's:encodingStyle="{_NEXT}"')), _BAD),
    Attack("unknown element", _sent(element("ListServices", f"<patient>{PERSON}</patient>")), _BAD),
    Attack("element given twice", _launches("<result>FAILED</result><result>FAILED</result>"), _BAD),
    Attack("elements out of order", _sent(element("ListLaunches", "<page/><serviceCode>a</serviceCode>")), _BAD),
    Attack("element missing", _sent(element("GetLaunch")), _BAD),
    Attack("a person for an enumeration", _launches(f"<result>{PERSON}</result>"), _BAD),
    Attack("a person for an identifier", _packet(PERSON), _BAD),
    Attack("an identifier in braces", _packet("{00000000-0000-0000-0000-000000000000}"), _BAD),
    Attack("an identifier of a megabyte", _packet("0" * 1_000_000), _BAD),
    Attack("SQL for an identifier", _packet("' OR 1=1 --"), _BAD),
    Attack("a packet of nobody", _packet("01930000-0000-7000-8000-000000000000"), "NOT_FOUND"),
    Attack("a moment without a zone", _launches("<startedFrom>2026-01-01T00:00:00</startedFrom>"), _BAD),
    Attack("a moment that never was", _launches("<startedFrom>2026-02-30T00:00:00Z</startedFrom>"), _BAD),
    Attack("hour 24", _launches("<startedFrom>2026-01-01T24:00:00Z</startedFrom>"), ""),
    Attack("the year 99999", _launches("<startedFrom>99999-01-01T00:00:00Z</startedFrom>"), _BAD),
    Attack("a year before Christ", _launches("<startedFrom>-0001-01-01T00:00:00Z</startedFrom>"), _BAD),
    Attack("a limit of 0", _launches("<page><limit>0</limit></page>"), _BAD),
    Attack("a limit of a billion", _launches("<page><limit>1000000000</limit></page>"), _BAD),
    Attack("a limit of 30 digits", _launches(f"<page><limit>{'9' * 30}</limit></page>"), _BAD),
    Attack("a limit of a megabyte of digits", _launches(f"<page><limit>{'9' * 900_000}</limit></page>"), _BAD),
    Attack("a forged cursor", _launches("<page><limit>1</limit><cursor>e30.forged</cursor></page>"), _BAD),
    Attack("acting without leave", _sent(element("ListServices", f"<actor><login>{SURNAME}</login><role>dc_admin</role>"
                                                                 "</actor>")), "NOT_ALLOWED"),
    Attack("base64 that is none", _sent(element(
        "SubmitObjects", "<serviceCode>tfoms-hosp</serviceCode><organizationOid>1.2</organizationOid><objects><object>"
        "<objectId>1</objectId><objectType>Referral</objectType><changedAt>2026-01-01T00:00:00Z</changedAt>"
        f"<deleted>false</deleted><contentBase64>{PERSON}</contentBase64></object></objects>", "intake"),
        service="intake"), _BAD),
]  # fmt: skip
