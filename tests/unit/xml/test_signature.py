"""Enveloped signatures of ГОСТ: the right one passes, whatever else is refused with its reason."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.errors import InvalidXml, TooLarge
from gateway.gost import SlowGost
from gateway.xml import signature
from gateway.xml.signature import WrongSignature, verify_enveloped
from tests.support.gost import C14N, DSIG, Signer

DOCUMENT = (
    '<?xml version="1.0"?><Реестр xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n<Версия>7</Версия>'
    '<УЦ b="2" a="1 &lt;&quot;"><Имя xsi:nil="true"/>&amp; &gt;<![CDATA[<x>]]></УЦ><?note kept?><!-- not -->\n</Реестр>'
).encode()
SIGNER = Signer()
SIGNED = SIGNER.signed(DOCUMENT)


def check(document: bytes, *trusted: Signer) -> None:
    verify_enveloped(BytesIO(document), SlowGost(), [each.certificate for each in trusted or (SIGNER,)])


@pytest.mark.parametrize("bits", [256, 512])
def test_a_document_signed_by_whom_we_trust_is_right(bits: int) -> None:
    signer = Signer(bits)
    check(signer.signed(DOCUMENT), Signer(bits, seed=8), signer)


ENTRY = "<Версия>7</Версия>".encode()
HEAD, END = SIGNED.index(b"<ds:Signature"), SIGNED.index(b"</ds:Signature>") + len(b"</ds:Signature>")
OWN = SIGNED[HEAD:END]
WRONG = {
    "another content": (SIGNED.replace(ENTRY, "<Версия>8</Версия>".encode()), "содержимое не то"),
    "an element added": (SIGNED.replace(ENTRY, ENTRY * 2), "содержимое не то"),
    "an attribute changed": (SIGNED.replace(b'b="2"', b'b="3"'), "содержимое не то"),
    "a blank added": (SIGNED.replace(ENTRY, b" " + ENTRY), "содержимое не то"),
    "no signature": (DOCUMENT, "не подписан"),
    "two signatures": (SIGNED.replace(OWN, OWN * 2), "больше одной подписи"),
    "a signature that is not of the root": (
        SIGNED.replace(OWN, b"").replace("</УЦ>".encode(), OWN + "</УЦ>".encode()),
        "не подписан",
    ),
    "the document inside of another": (
        b"<Outer>" + SIGNED.partition(b"?>")[2] + b"</Outer>",
        "не подписан",
    ),
    "a part referred to": (SIGNER.signed(DOCUMENT, SIGNER.info(uri="#part")), "подписана часть документа"),
    "a transform that lets everything pass": (
        SIGNER.signed(DOCUMENT, SIGNER.info(transforms=(DSIG + "enveloped-signature", "urn:any", C14N))),
        "преобразования",
    ),
    "two references": (
        SIGNER.signed(DOCUMENT, SIGNER.info().replace("</ds:SignedInfo>", '<ds:Reference URI=""/></ds:SignedInfo>')),
        "элементов Reference 2",
    ),
    "another algorithm": (SIGNED.replace(b"gostr34112012-256", b"gostr3411"), "алгоритм"),
    "a value that is none": (SIGNED.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>!"), "Base64"),
    "words that were not signed": (SIGNED.replace(b"<ds:SignedInfo>", b"<ds:SignedInfo> "), "Подпись файла неверна."),
    "a stranger's certificate": (Signer(seed=9).signed(DOCUMENT), "не тем сертификатом"),
}  # fmt: skip


@pytest.mark.parametrize("why", WRONG)
def test_anything_else_is_refused_with_its_reason(why: str) -> None:
    document, reason = WRONG[why]
    with pytest.raises(WrongSignature, match=reason):
        check(document)


def test_a_document_type_and_what_is_too_large_for_the_provider_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidXml):
        check(SIGNED.replace(b"?>", b"?><!DOCTYPE x>", 1))
    with pytest.raises(InvalidXml):
        check(SIGNED[:-5])
    monkeypatch.setattr(SlowGost, "max_bytes", 100)
    with pytest.raises(TooLarge):
        check(SIGNED)


def test_an_order_of_attributes_that_is_not_known_is_not_guessed() -> None:
    document = '<a xmlns:p="urn:one" p:b="1" я="2"/>'.encode()
    with pytest.raises(WrongSignature, match="порядок атрибутов"):
        check(SIGNER.signed(document))


class Kept:
    """Instead of a digest: the bytes that would be digested."""

    def __init__(self) -> None:
        self.data = b""

    def update(self, data: bytes) -> None:
        self.data += data

    def digest(self) -> bytes:
        return self.data


TEXT = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "Z"], include_characters="\n\t<>&\"'"), max_size=9
)
NAMES = st.sampled_from(["a", "b", "{urn:one}a", "{urn:one}c", "{urn:two}Б"])


@st.composite
def trees(draw: st.DrawFn, depth: int = 2) -> etree._Element:
    element = etree.Element(draw(NAMES), draw(st.dictionaries(NAMES, TEXT, max_size=3)), nsmap={"p": "urn:one"})
    element.text = draw(TEXT)
    for child in draw(st.lists(trees(depth - 1), max_size=3)) if depth else []:
        child.tail = draw(TEXT)
        element.append(child)
    return element


@given(trees())
@settings(max_examples=40, deadline=None)
def test_what_is_digested_is_the_exclusive_canonical_form(tree: etree._Element) -> None:
    kept = Kept()
    with pytest.raises(WrongSignature, match="не подписан"):
        signature._read(BytesIO(etree.tostring(tree, encoding="utf-8")), {256: kept}, 10**6)
    assert kept.data == etree.tostring(tree, method="c14n", exclusive=True)
