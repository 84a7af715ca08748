"""XML schemas: the verdict of libxml2, told as findings.

A compiled schema keeps its error log in itself, so every thread compiles its own copy once.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from lxml import etree

from gateway.domain.errors import ConfigurationError, Finding
from gateway.xml.messages import local_name, schema_message
from gateway.xml.namespaces import XSD
from gateway.xml.parser import parse
from gateway.xml.paths import Paths, line_of, local

if TYPE_CHECKING:
    from lxml.etree._docloader import _InputDocument  # the name exists in the type stubs only

CODE: Final = "XSD"
MAX_FINDINGS: Final = 100

_WIDE: Final = 2_000
"""Siblings from which libxml2's own path of each error (it counts them again every time) becomes dear."""

_IS_WIDE: Final = f"boolean(.//*[{_WIDE + 1}])"
_STEP_WITH_PREFIX: Final = re.compile(r"/([^/\[]+:[^/\[]+)")
_SUBJECT: Final = re.compile(r"Element '(?P<element>[^']*)'(?:, attribute '(?P<attribute>[^']*)')?: ")
_SENTENCE: Final = re.compile(r"(.+?)(?:[.;](?:\s|$)|$)", re.DOTALL)
_REFERENCES: Final = ("include", "import", "redefine")


Schema = Path | bytes
"""A schema: its file, beside those it includes, or the text of one that includes none."""


class _Compiled(threading.local):
    def __init__(self) -> None:
        self.schemas: dict[Schema, etree.XMLSchema] = {}


_compiled = _Compiled()


def validate(element: etree._Element, schema: Schema, *, max_findings: int = MAX_FINDINGS) -> tuple[Finding, ...]:
    """Check ``element`` as a document of its own; empty means valid.

    All findings are given up to ``max_findings``; when there are more, one further finding tells how many.
    In a document that is both very wide and wrong nearly everywhere findings have no line and only a
    ``//Name`` for a path: locating each would take time quadratic in its size.

    Raises:
        ConfigurationError: the schema cannot be read or compiled.
    """
    compiled = _schema(schema)
    if element.xpath(_IS_WIDE):
        flood = _errors_without_places(element, compiled)
        if len(flood) > max_findings:
            return _cut([_unplaced(entry, describe(schema)) for entry in flood[:max_findings]], len(flood))
    if compiled.validate(element):
        return ()
    errors = list(_informative(compiled.error_log))
    titles, paths = describe(schema), Paths(element)
    return _cut([_finding(entry, element, paths, titles) for entry in errors[:max_findings]], len(errors))


def describe(schema: Schema) -> Mapping[str, str]:
    """Titles of a schema and what it includes: element name, or ``@`` and attribute name → Russian title.

    A title is the first sentence of the declaration's ``xs:documentation``. A name declared with different
    titles in different places has none, for a wrong title is worse than a bare name.

    Raises:
        ConfigurationError: a file of the schema cannot be read.
    """
    return _describe(_resolved(schema))


def _resolved(schema: Schema) -> Schema:
    return schema.resolve() if isinstance(schema, Path) else schema


def _schema(schema: Schema) -> etree.XMLSchema:
    compiled = _compiled.schemas.get(schema)
    if compiled is None:
        compiled = _compiled.schemas[schema] = _compile(_resolved(schema))
    return compiled


def _compile(schema: Schema) -> etree.XMLSchema:
    tree = _read(schema, schema.parent) if isinstance(schema, Path) else etree.ElementTree(parse(schema))
    try:
        return etree.XMLSchema(tree)
    except etree.XMLSchemaParseError as error:
        entry = next(entry for entry in error.error_log if entry.level >= etree.ErrorLevels.ERROR)
        place = f"{Path(entry.filename).name}, строка {entry.line}"
        raise ConfigurationError(f"Схема не собирается: {place}: {entry.message.strip()}") from error


def _read(path: Path, folder: Path) -> etree._ElementTree:
    try:
        return etree.parse(path, _schema_parser(folder))
    except etree.XMLSyntaxError as error:
        # never error.error_log: it is the log of the whole thread, other documents included
        raise ConfigurationError(f"Схема не собирается: {path.name}, {error.msg}") from None
    except OSError as error:
        raise ConfigurationError(f"Схема не читается: {path.name}: {error}") from error


def _schema_parser(folder: Path) -> etree.XMLParser[etree._Element]:
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
    parser.resolvers.add(_OnlyBelow(folder))
    return parser


class _OnlyBelow(etree.Resolver):
    """Lets a schema read files of its own folder and below, and nothing else."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def resolve(self, system_url: str | None, public_id: str | None, context: object, /) -> _InputDocument | None:
        del public_id
        path = _local_path(system_url or "")
        if path is None or not path.resolve().is_relative_to(self._folder):
            raise OSError(f"вне папки схемы: {system_url}")
        return self.resolve_filename(str(path), context)


def _local_path(url: str) -> Path | None:
    parts = urlsplit(url)
    if parts.scheme not in {"", "file"} or parts.netloc:
        return None
    return Path(unquote(parts.path))


@cache
def _describe(schema: Schema) -> Mapping[str, str]:
    titles: dict[str, str | None] = {}
    for root in _files(schema) if isinstance(schema, Path) else [parse(schema)]:
        for kind, mark in (("element", ""), ("attribute", "@")):
            for declaration in root.iter(f"{{{XSD}}}{kind}"):
                name, title = declaration.get("name"), _title(declaration)
                if name and title:
                    known = titles.setdefault(mark + name, title)
                    titles[mark + name] = title if known == title else None
    return MappingProxyType({name: title for name, title in titles.items() if title})


def _files(path: Path) -> Iterator[etree._Element]:
    waiting, seen = [path], {path}
    while waiting:
        current = waiting.pop()
        root = _read(current, path.parent).getroot()
        yield root
        for reference in root.iterchildren(*(f"{{{XSD}}}{kind}" for kind in _REFERENCES)):
            location = _local_path(reference.get("schemaLocation") or current.name)
            found = (current.parent / location).resolve() if location else current
            if found not in seen:
                seen.add(found)
                waiting.append(found)


def _title(declaration: etree._Element) -> str | None:
    text = declaration.findtext(f"{{{XSD}}}annotation/{{{XSD}}}documentation") or ""
    found = _SENTENCE.match(" ".join(text.split()))
    return found[1].strip(" .;") or None if found else None


def _errors_without_places(element: etree._Element, schema: etree.XMLSchema) -> list[etree._LogEntry]:
    """Validate while reading: linear time, but no error knows its place."""
    parser = etree.XMLParser(schema=schema, no_network=True, resolve_entities=False)
    with suppress(etree.XMLSyntaxError):  # the log tells what was found
        etree.fromstring(etree.tostring(element, encoding="utf-8", with_tail=False), parser)
    return list(_informative(parser.error_log))


def _informative(log: Iterable[etree._LogEntry]) -> Iterator[etree._LogEntry]:
    """Errors of a log, without a list's or a union's echo of the error of its item, told just before."""
    previous: etree._LogEntry | None = None
    for entry in log:
        if entry.level < etree.ErrorLevels.ERROR:
            continue
        echo = (
            previous is not None
            and "_DATATYPE_VALID" in entry.type_name
            and (previous.path, previous.line, _subject(previous)) == (entry.path, entry.line, _subject(entry))
            and entry.path is not None
        )
        if not echo:
            yield entry
        previous = entry


def _subject(entry: etree._LogEntry) -> tuple[str, str]:
    found = _SUBJECT.match(entry.message)
    if found is None:
        return "", ""
    return local_name(found["element"]), local_name(found["attribute"] or "")


def _finding(entry: etree._LogEntry, root: etree._Element, paths: Paths, titles: Mapping[str, str]) -> Finding:
    node = _node(entry.path, root)
    if node is None:
        return _unplaced(entry, titles, entry.line or None)
    attribute = _subject(entry)[1]
    owner = f"@{attribute}" if attribute else local(node)
    path = f"{paths.of(node)}/@{attribute}" if attribute else paths.of(node)
    message = schema_message(entry.type_name, entry.message, owner, titles)
    return Finding(path, line_of(node), CODE, message)


def _unplaced(entry: etree._LogEntry, titles: Mapping[str, str], line: int | None = None) -> Finding:
    element, attribute = _subject(entry)
    path = "/" if not element else f"//{element}/@{attribute}" if attribute else f"//{element}"
    owner = f"@{attribute}" if attribute else element or "Документ"
    return Finding(path, line, CODE, schema_message(entry.type_name, entry.message, owner, titles))


def _node(path: str | None, root: etree._Element) -> etree._Element | None:
    """Element that libxml2's path means; prefixes are the document's, so names are compared as written."""
    if not path:
        return None
    below = _STEP_WITH_PREFIX.sub(r"/*[name()='\1']", "/" + path.lstrip("/")).split("/", 2)[2:]
    if not below:
        return root
    found = root.xpath(below[0])
    node = found[0] if isinstance(found, list) and found else None
    return node if isinstance(node, etree._Element) else None


def _cut(findings: list[Finding], total: int) -> tuple[Finding, ...]:
    if total > len(findings):
        more = f"Показаны не все ошибки: ещё {total - len(findings)}."
        findings.append(Finding("/", None, CODE, more))
    return tuple(findings)
