"""Bytes of a document: the canonical form that is hashed and the form that is sent."""

from __future__ import annotations

import hashlib

from lxml import etree

from gateway.domain.errors import Finding, InvalidXml


def canonical(element: etree._Element) -> bytes:
    """Exclusive canonical XML 1.0 without comments, in UTF-8; text that follows the element is left out.

    Source: W3C Exclusive XML Canonicalization 1.0 (http://www.w3.org/2001/10/xml-exc-c14n#).

    Raises:
        InvalidXml: a namespace name is a relative reference, for which the canonical form is not defined.
    """
    try:
        return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
    except etree.C14NError:
        message = "Имя пространства имён должно быть полным адресом (URI), а не относительной ссылкой."
        raise InvalidXml(message, (Finding("/", None, "XML", message),)) from None


def content_digest(element: etree._Element) -> bytes:
    """SHA-256 (32 bytes) over the canonical form.

    Equal for documents that differ only in attribute order, comments, CDATA, encoding, quoting or unused
    namespace declarations; white space between elements counts. Raises as ``canonical``.
    """
    return hashlib.sha256(canonical(element)).digest()


def serialize(element: etree._Element, *, encoding: str = "utf-8", standalone: bool = False) -> bytes:
    """Write the element as a document of its own, with an XML declaration; the same bytes for the same tree.

    A character that ``encoding`` lacks is written as a numeric reference. ``standalone`` says in the declaration that
    the document needs no other (XML 1.0, 2.9).

    Raises:
        LookupError: Python does not know ``encoding``; encodings come from our own manifests.
    """
    # Encoded by Python, for the iconv behind libxml2 silently drops some characters that windows-1251 lacks.
    text = etree.tostring(element, encoding="unicode", with_tail=False)
    alone = " standalone='yes'" if standalone else ""
    return f"<?xml version='1.0' encoding='{encoding}'{alone}?>\n{text}".encode(encoding, "xmlcharrefreplace")


def serialize_lines(element: etree._Element, *, encoding: str = "utf-8", standalone: bool = False) -> bytes:
    """Write the element as ``serialize`` does, with every element on a line of its own.

    What is said of one field of one record then names a line that people find. The white space goes where a schema of
    elements or of text alone allows it: between elements, never into a text. Changes the layout of the tree it is
    given; the same bytes for the same content, however that was laid out before.
    """
    etree.indent(element, space=" ")
    return serialize(element, encoding=encoding, standalone=standalone)
