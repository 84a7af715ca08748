"""The enveloped signature of a document of any size (XML-Signature, W3C 2008; ГОСТ by draft-chudov-cpxmldsig).

The document is canonicalised and digested as it is read; only the signature itself stands in memory. One form alone is
taken: one ``Signature``, the child of the root, with one ``Reference`` to the whole document (``URI=""``), enveloped
and exclusively canonicalised. Whatever else there may be could sign another thing than what is read.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Collection, Mapping
from typing import Any, BinaryIO, Final

from lxml import etree

from gateway.domain.errors import GatewayError
from gateway.gost import Gost, Hasher
from gateway.xml.canonical import canonical
from gateway.xml.limits import DOCUMENT_LIMITS, MIB
from gateway.xml.namespaces import DSIG, ENVELOPED, EXCLUSIVE_C14N, GOST_DIGEST, GOST_SIGNATURE
from gateway.xml.parser import invalid, syntax_error
from gateway.xml.records import MAX_BYTES, utf8_chunks

MAX_SIGNATURE_BYTES: Final = MIB
_SIGNATURE: Final = f"{{{DSIG}}}Signature"
_WRITE_BYTES: Final = 64 * 1024


class WrongSignature(GatewayError):
    """The document is not what its signer signed, or nobody trusted signed it."""


def verify_enveloped(stream: BinaryIO, gost: Gost, trusted: Collection[bytes], *, max_bytes: int = MAX_BYTES) -> None:
    """Check the signature of a document, read from where the stream stands; ``trusted`` are certificates in DER.

    Raises:
        WrongSignature: there is none, it is not of the one form, it is wrong, or its certificate is not trusted.
        InvalidXml, TooLarge: the document cannot be read.
    """
    limit = min(max_bytes, gost.max_bytes or max_bytes)
    digests = {bits: gost.hasher(bits) for bits in _named_bits(stream, limit)}
    signature = _read(stream, digests, limit)
    info = _one(signature, "SignedInfo")
    bits = _bits(_one(info, "SignatureMethod"), GOST_SIGNATURE)
    wanted_bits, wanted = _reference(info)
    if wanted_bits not in digests or not hmac.compare_digest(digests[wanted_bits].digest(), wanted):
        raise WrongSignature("Подпись файла неверна: содержимое не то, что было подписано.")
    certificate = _certificate(signature, trusted)
    value = _bytes(_one(signature, "SignatureValue"))
    if not gost.verifies(certificate, bits, canonical(info), value):
        raise WrongSignature("Подпись файла неверна.")


def _named_bits(stream: BinaryIO, limit: int) -> set[int]:
    """The digests that the document names anywhere: the signature stands at its end, and one pass must do.

    Raises:
        InvalidXml: it has a DOCTYPE; nothing of it is parsed then.
    """
    begun, found, before = stream.tell(), set[int](), b""
    for chunk in utf8_chunks(stream, limit):
        text = before + chunk
        if b"<!DOCTYPE" in text:
            raise invalid("Объявление DOCTYPE не допускается.")
        found |= {bits for bits in (256, 512) if f"{GOST_DIGEST}{bits}".encode() in text}
        before = text[-len(GOST_DIGEST) - 3 :]
    stream.seek(begun)
    return found


def _read(stream: BinaryIO, digests: Mapping[int, Hasher], limit: int) -> etree._Element:
    """Digest the canonical form of all but the signature, and return that."""
    target: Any = _Enveloped(digests)  # calls what there is of it
    parser: Any = etree.XMLParser(
        target=target, encoding="utf-8", no_network=True, resolve_entities="internal", load_dtd=False, huge_tree=False
    )  # without DTD there are only the five entities of XML, which a target gets rightly only when they are resolved
    try:
        for chunk in utf8_chunks(stream, limit):
            parser.feed(chunk)
        parser.close()
    except etree.XMLSyntaxError:
        raise syntax_error(parser.feed_error_log) from None
    if len(target.found) != 1:
        raise WrongSignature("Файл не подписан." if not target.found else "В файле больше одной подписи.")
    signature: etree._Element = target.found[0]
    return signature


class _Enveloped:
    """A parser's target: what is outside of the signature goes to the digests, the signature itself is built."""

    def __init__(self, digests: Mapping[int, Hasher]) -> None:
        self.found: list[etree._Element] = []
        self._digests = digests
        self._pending: list[bytes] = []
        self._size = 0
        self._writer: Any = etree.C14NWriterTarget(self._write, with_comments=False)
        self._declared: list[tuple[str, str]] = []
        self._spaces: list[dict[str | None, str]] = [{}]
        self._builder: Any = None
        self._built_bytes = 0

    def _write(self, text: str) -> None:
        data = text.encode()
        self._pending.append(data)
        self._size += len(data)
        if self._size >= _WRITE_BYTES:
            self._digest()

    def _digest(self) -> None:
        data = b"".join(self._pending)
        for each in self._digests.values():
            each.update(data)
        self._pending, self._size = [], 0

    def start_ns(self, prefix: str, uri: str) -> None:
        self._declared.append((prefix, uri))

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        depth = len(self._spaces)
        if depth > DOCUMENT_LIMITS.max_depth:
            raise invalid(f"Вложенность элементов больше допустимых {DOCUMENT_LIMITS.max_depth}.")
        declared: dict[str | None, str] = {prefix or None: uri for prefix, uri in self._declared}
        self._spaces.append({**self._spaces[-1], **declared} if declared else self._spaces[-1])
        if self._builder is None and depth == 2 and tag == _SIGNATURE:
            self._builder = etree.TreeBuilder()
            declared = {prefix: uri for prefix, uri in self._spaces[-1].items() if uri}
        if self._builder is not None:
            self._builder.start(tag, dict(attributes), declared)
        else:
            for prefix, uri in self._declared:
                self._writer.start_ns(prefix, uri)
            self._writer.start(tag, _sortable(attributes))
        self._declared = []

    def data(self, text: str) -> None:
        if self._builder is None:
            self._writer.data(text)
            return
        self._built_bytes += len(text)
        if self._built_bytes > MAX_SIGNATURE_BYTES:
            raise WrongSignature("Подпись файла слишком велика.")
        self._builder.data(text)

    def end(self, tag: str) -> None:
        self._spaces.pop()
        if self._builder is None:
            self._writer.end(tag)
            return
        self._builder.end(tag)
        if len(self._spaces) == 2:
            self.found.append(self._builder.close())
            self._builder = None

    def pi(self, target: str, data: str | None = None) -> None:
        if self._builder is None:
            self._writer.pi(target, data)

    def close(self) -> None:
        self._digest()


def _sortable(attributes: Mapping[str, str]) -> Mapping[str, str]:
    """The writer sorts attributes by ``{uri}name``, which puts a name without URI behind when it begins after ``{``."""
    if any(name[0] == "{" for name in attributes) and any(name[0] > "{" for name in attributes):
        raise _unsupported("порядок атрибутов")
    return attributes


def _reference(info: etree._Element) -> tuple[int, bytes]:
    """Bits and value of the digest of the one thing that is signed, which must be the whole document."""
    if _one(info, "CanonicalizationMethod").get("Algorithm") != EXCLUSIVE_C14N:
        raise _unsupported("канонизация")
    reference = _one(info, "Reference")
    if reference.get("URI") != "":
        raise _unsupported("подписана часть документа, ссылка")
    transforms = _one(reference, "Transforms")
    named = [each.get("Algorithm") for each in transforms]
    if named != [ENVELOPED, EXCLUSIVE_C14N] or any(len(each) for each in transforms):
        raise _unsupported("преобразования")
    return _bits(_one(reference, "DigestMethod"), GOST_DIGEST), _bytes(_one(reference, "DigestValue"))


def _bits(method: etree._Element, family: str) -> int:
    bits = {family + "256": 256, family + "512": 512}.get(method.get("Algorithm", ""))
    if bits is None:
        raise _unsupported("алгоритм")
    return bits


def _certificate(signature: etree._Element, trusted: Collection[bytes]) -> bytes:
    """The trusted one of the certificates that the signature brings."""
    path = "/".join(f"{{{DSIG}}}{name}" for name in ("KeyInfo", "X509Data", "X509Certificate"))
    brought = {_bytes(each) for each in signature.iterfind(path)}
    found = [each for each in trusted if each in brought]
    if not found:
        raise WrongSignature("Файл подписан не тем сертификатом, которому доверяет настройка signer.")
    return found[0]


def _one(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(f"{{{DSIG}}}{name}")
    if len(found) != 1:
        raise WrongSignature(f"Подпись файла составлена неверно: элементов {name} {len(found)}, нужен один.")
    return found[0]


def _bytes(element: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except ValueError:
        raise WrongSignature("Подпись файла составлена неверно: значение не в Base64.") from None


def _unsupported(what: str) -> WrongSignature:
    return WrongSignature(f"Подпись файла не проверяется: {what} не из тех, что здесь поддерживаются.")
