"""Long flat documents, read record by record: a dictionary of twenty thousand entries never stands in memory whole."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, Final

from lxml import etree

from gateway.domain.errors import TooLarge
from gateway.xml.limits import MIB
from gateway.xml.parser import codec_of, invalid, syntax_error

MAX_BYTES: Final = 512 * MIB
MAX_DEPTH: Final = 16
_CHUNK_BYTES: Final = 64 * 1024


def iter_records(stream: BinaryIO, names: frozenset[str]) -> Iterator[etree._Element]:
    """Yield every element whose local name, in small letters, is in ``names``; it is emptied when the next is asked.

    Encodings are those of ``parse``; no DTD, no entities, no network. At most 512 MiB and 16 levels.

    Raises:
        InvalidXml: as ``parse``, also in the middle of the document, after records were yielded.
        TooLarge: more bytes than the limit.
    """
    parser = etree.XMLPullParser(
        ("start", "end"),
        encoding="utf-8",
        no_network=True,
        resolve_entities=False,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    depth = 0
    for chunk in utf8_chunks(stream):
        try:
            parser.feed(chunk)
        except etree.XMLSyntaxError:
            raise syntax_error(parser.feed_error_log) from None
        for event, element in parser.read_events():
            depth += 1 if event == "start" else -1
            if event == "start":
                _check(element, depth)
            elif etree.QName(element).localname.lower() in names:
                yield element
                _forget(element)
    try:
        parser.close()
    except etree.XMLSyntaxError:
        raise syntax_error(parser.feed_error_log) from None


def _check(element: etree._Element, depth: int) -> None:
    if depth == 1 and element.getroottree().docinfo.internalDTD is not None:
        raise invalid("Объявление DOCTYPE не допускается.")
    if depth > MAX_DEPTH:
        raise invalid(f"Вложенность элементов больше допустимых {MAX_DEPTH}.", element.sourceline)


def _forget(element: etree._Element) -> None:
    parent = element.getparent()
    element.clear(keep_tail=True)
    if parent is not None:
        for before in list(element.itersiblings(preceding=True)):
            parent.remove(before)


def utf8_chunks(stream: BinaryIO, max_bytes: int = MAX_BYTES) -> Iterator[bytes]:
    """Yield the document in UTF-8, chunk by chunk.

    Raises:
        InvalidXml: an encoding that ``parse`` does not know, or bytes that are not of it.
        TooLarge: more bytes than the limit.
    """
    chunk = stream.read(_CHUNK_BYTES)
    codec = codec_of(chunk)
    decoder = None if codec == "utf-8" else codecs.getincrementaldecoder(codec)()
    chunk, read = chunk.removeprefix(codecs.BOM_UTF8), 0
    while chunk:
        read += len(chunk)
        if read > max_bytes:
            raise TooLarge(f"Документ больше допустимых {max_bytes // MIB} МиБ.")
        yield chunk if decoder is None else _decoded(decoder, chunk)
        chunk = stream.read(_CHUNK_BYTES)


def _decoded(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bytes:
    try:
        return decoder.decode(chunk).encode()
    except UnicodeError:
        raise invalid("Байты документа не соответствуют его кодировке.") from None
