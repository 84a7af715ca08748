"""The hardened parser: the one door through which XML from outside becomes a tree.

No DTD, no entities beyond the five of XML, no network, no processing instructions. Comments are dropped, so
that ``<a>1<!-- -->2</a>`` reads "12" for everyone and a digest does not depend on them.

libxml2 only ever sees UTF-8: the declared encoding is resolved here, against a short list, so the byte counts
below and libxml2 can never disagree about where a tag begins.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from lxml import etree

from gateway.domain.errors import Finding, InvalidXml, TooLarge
from gateway.xml.limits import DOCUMENT_LIMITS, LIBXML2_MAX_TEXT_BYTES, XmlLimits
from gateway.xml.messages import syntax_message

CODE: Final = "XML"
MAX_SYNTAX_FINDINGS: Final = 20
GLIMPSE_BYTES: Final = 64 * 1024
_GLIMPSE_STEP: Final = 4 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_DECLARATION_BYTES: Final = 1024

_DECLARATION: Final = re.compile(rb"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"']*)["']""")
# Atomic groups: a hostile prolog is read once, never backtracked.
_PROLOG_DOCTYPE: Final = re.compile(rb"(?>\s+|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<!DOCTYPE", re.DOTALL)

_CODECS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "windows-1251": "cp1251",
    "cp1251": "cp1251",
}
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF32_LE, None),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, None),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\x00?\x00", "utf-16-le"),
    (b"\x00<\x00?", "utf-16-be"),
)


def parse(data: bytes, limits: XmlLimits = DOCUMENT_LIMITS, *, codec: str | None = None) -> etree._Element:
    """Parse a whole document and return its root element; line numbers are those of ``data``.

    Encodings: UTF-8 (the default), UTF-16, windows-1251. ``codec`` is the Python codec of the charset that came with
    the document; it wins over what the document says of itself (RFC 7303, 3).

    Raises:
        InvalidXml: empty, not well-formed, with a DTD or a processing instruction, in another encoding,
            or over a limit of structure; findings name the lines and never quote the document.
        TooLarge: more bytes than ``limits.max_bytes``, or one text longer than libxml2 takes.
    """
    _check_size(len(data), limits)
    return _parse_utf8(_to_utf8(data, codec or codec_of(data)), limits)


def glimpse(data: bytes, depth: int, parent: str, *, codec: str | None = None) -> str | None:
    """Return the tag of the first element at ``depth`` (the root is 1) below a ``parent``, read from the beginning.

    No more than ``GLIMPSE_BYTES`` are read. None when it does not stand there, or what is read is not well-formed:
    :func:`parse` alone judges documents.
    """
    try:
        decoder = codecs.getincrementaldecoder(codec or codec_of(data))("replace")
        text = decoder.decode(data[:GLIMPSE_BYTES]).removeprefix("\ufeff").encode("utf-8")
    except (InvalidXml, UnicodeError):
        return None
    if _PROLOG_DOCTYPE.match(text):
        return None
    parser = etree.XMLPullParser(("start", "end"), encoding="utf-8", no_network=True, resolve_entities=False)
    open_tags: list[str] = []
    for start in range(0, len(text), _GLIMPSE_STEP):
        try:
            parser.feed(text[start : start + _GLIMPSE_STEP])
        except etree.XMLSyntaxError:
            return None
        for event, element in parser.read_events():
            if event == "end":
                open_tags.pop()
            elif len(open_tags) + 1 == depth and open_tags[-1] == parent:
                return str(element.tag)
            else:
                open_tags.append(str(element.tag))
    return None


def parse_text(text: str, limits: XmlLimits = DOCUMENT_LIMITS) -> etree._Element:
    """Parse a document held as text; an encoding named in its XML declaration is ignored.

    The size limit counts the bytes of the text in UTF-8. Raises as ``parse``.
    """
    _check_size(len(text), limits)
    try:
        data = text.removeprefix("\ufeff").encode("utf-8")
    except UnicodeEncodeError:
        raise invalid("В тексте есть символы, недопустимые в XML.") from None
    _check_size(len(data), limits)
    return _parse_utf8(data, limits)


def _check_size(size: int, limits: XmlLimits) -> None:
    if size > limits.max_bytes:
        raise TooLarge(f"Документ больше допустимых {limits.max_bytes} байт.")


def _to_utf8(data: bytes, codec: str) -> bytes:
    if codec == "utf-8":
        return data.removeprefix(codecs.BOM_UTF8)  # libxml2 judges the bytes
    try:
        return data.decode(codec).encode("utf-8")
    except UnicodeError:
        raise invalid("Байты документа не соответствуют его кодировке.") from None


def codec_of(data: bytes) -> str:
    """The Python codec of a document that begins with these bytes, by its mark or its declaration; UTF-8 without.

    Raises:
        InvalidXml: it names an encoding that is not taken.
    """
    for mark, codec in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            if codec is None:
                raise _unknown_encoding()
            return codec
    declared = _DECLARATION.match(data[:_DECLARATION_BYTES])
    if declared is None:
        return "utf-8"
    codec = _CODECS.get(declared[1].decode("ascii", "replace").lower())
    if codec is None:
        raise _unknown_encoding()
    return codec


def _parse_utf8(data: bytes, limits: XmlLimits) -> etree._Element:
    if not data.strip():
        raise invalid("Документ пуст.")
    if _PROLOG_DOCTYPE.match(data):
        raise invalid("Объявление DOCTYPE не допускается.")
    if _may_exceed(data, limits):
        _count(data, limits)
    # libxml2 is told the encoding, whatever the XML declaration still says.
    parser = etree.XMLParser(
        encoding="utf-8",
        no_network=True,
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        raise syntax_error(parser.error_log) from None
    _check_structure(root, data, limits)
    return root


def _may_exceed(data: bytes, limits: XmlLimits) -> bool:
    """Tell from byte counts alone (a fraction of a millisecond) whether the exact counting pass is needed.

    Raises:
        InvalidXml: there are too many elements, and nothing else the brackets could be.
    """
    tags = data.count(b"<") - data.count(b"</")
    if tags - data.count(b"<?") > limits.max_elements and b"<!" not in data:
        raise invalid(f"Элементов больше допустимых {limits.max_elements}.")
    return tags > limits.max_elements or data.count(b"xmlns") > limits.max_namespaces


def _count(data: bytes, limits: XmlLimits) -> None:
    """Count elements and namespaces while reading, and stop at the first one too many."""
    parser = etree.XMLPullParser(
        ("start", "start-ns", "end-ns"), encoding="utf-8", no_network=True, resolve_entities=False
    )
    elements = namespaces = 0
    for start in range(0, len(data), _CHUNK_BYTES):
        try:
            parser.feed(data[start : start + _CHUNK_BYTES])
        except etree.XMLSyntaxError:
            return  # the parse that follows reports every fault with its line
        for event, _ in parser.read_events():
            elements += event == "start"
            namespaces += (event == "start-ns") - (event == "end-ns")
            if elements > limits.max_elements:
                raise invalid(f"Элементов больше допустимых {limits.max_elements}.")
            if namespaces > limits.max_namespaces:
                raise invalid(f"Пространств имён действует больше допустимых {limits.max_namespaces}.")


def _check_structure(root: etree._Element, data: bytes, limits: XmlLimits) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise invalid("Объявление DOCTYPE не допускается.")
    declarations = data.startswith(b"<?xml") and data[5:6].isspace()
    if data.count(b"<?") > declarations and root.xpath("boolean(//processing-instruction())"):
        raise invalid("Инструкции обработки не допускаются.")
    if root.xpath(f"boolean({'/*' * (limits.max_depth + 1)})"):
        raise invalid(f"Вложенность элементов больше допустимых {limits.max_depth}.")
    if data.count(b"=") > limits.max_attributes:
        found = root.xpath(f"//*[@*[{limits.max_attributes + 1}]][1]")
        if isinstance(found, list) and found and isinstance(found[0], etree._Element):
            raise invalid(f"У элемента больше допустимых {limits.max_attributes} атрибутов.", found[0].sourceline)


def syntax_error(log: etree._ListErrorLog) -> InvalidXml | TooLarge:
    """What libxml2 found wrong, with lines and without words of the document."""
    findings: dict[Finding, None] = {}
    for entry in log:
        if entry.type_name == "ERR_RESOURCE_LIMIT" and "ext node too long" in entry.message:
            return TooLarge(f"Одно значение длиннее допустимых {LIBXML2_MAX_TEXT_BYTES} байт.")
        findings[Finding("/", entry.line or None, CODE, syntax_message(entry.type_name))] = None
        if len(findings) == MAX_SYNTAX_FINDINGS:
            break
    found = tuple(findings) or (Finding("/", None, CODE, syntax_message("")),)
    return InvalidXml("Документ не является правильным XML.", found)


def _unknown_encoding() -> InvalidXml:
    return invalid(
        "Кодировка документа не поддерживается или объявлена неверно: допустимы UTF-8, UTF-16, windows-1251.",
        1,
    )


def invalid(message: str, line: int | None = None) -> InvalidXml:
    """One reason why a document is refused, as an error to raise."""
    return InvalidXml(message, (Finding("/", line, CODE, message),))
