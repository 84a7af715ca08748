"""Writing a report record by record: XML as ``xsd/report`` fixes it, or CSV for a spreadsheet.

Moments are written in the zone of the report, in XML with its offset: that is what operators' clocks show.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any, Final, TypeVar

from gateway.reports.heading import Heading, Made
from gateway.reports.kinds import Listing, ReportFormat
from gateway.xml.namespaces import REPORT
from gateway.xml.text import escape, quoted

VERSION: Final = "1.1"
_BATCH: Final = 100
_MOMENTS: Final = "At"
"""How the names of all moments end, and of nothing else."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Values = tuple[Any, ...]
"""One record: texts, numbers, flags, moments or None, in the order of its list's elements."""


def write(heading: Heading, made: Made, records: Iterable[Values]) -> Iterator[bytes]:
    """Yield the document in pieces of a hundred records; only one piece is ever held."""
    if heading.format is ReportFormat.XML:
        return write_xml(heading, made, map(_element_writer(heading.listing, made), records))
    return map(str.encode, _csv(heading, made, records))


def write_xml(heading: Heading, made: Made, records: Iterable[str]) -> Iterator[bytes]:
    """Yield the XML document of records that are XML already, each ended by a line feed."""
    wrapper = heading.listing.wrapper
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<report xmlns="{REPORT}" version="{VERSION}" kind="{heading.kind}">\n'
        f"{_header(heading, made)}<{wrapper}>\n"
    ).encode()
    for batch in _batches(records):
        yield "".join(batch).encode()
    yield f"</{wrapper}>\n</report>\n".encode()


def _element_writer(listing: Listing, made: Made) -> Callable[[Values], str]:
    texts: dict[type, Callable[[Any], str]] = {
        str: escape,
        int: str,
        bool: lambda value: "true" if value else "false",
        datetime: made.written,
        date: date.isoformat,
    }
    tags = tuple((f"<{name}>", f"</{name}>") for name in listing.elements)
    start, end = f"<{listing.item}>", f"</{listing.item}>\n"

    def write_record(values: Values) -> str:
        inner = [
            f"{opening}{texts[type(value)](value)}{closing}"
            for (opening, closing), value in zip(tags, values, strict=True)
            if value is not None
        ]
        return f"{start}{''.join(inner)}{end}"

    return write_record


def _header(heading: Heading, made: Made) -> str:
    parts = [f"<title>{escape(heading.listing.title)}</title>"]
    if heading.service_code is not None:
        title = escape(heading.service_title or heading.service_code)
        parts.append(f"<service code={quoted(heading.service_code)}>{title}</service>")
    if heading.session_title is not None:
        parts.append(f"<sessionTitle>{escape(heading.session_title)}</sessionTitle>")
    parts += (
        f"<madeAt>{made.written(made.at)}</madeAt>",
        f"<madeBy>{escape(heading.made_by)}</madeBy>",
        f"<role>{escape(heading.role)}</role>",
        "<filter>",
        *(f"<condition{_named(c.code, c.title)}>{escape(c.value)}</condition>" for c in heading.conditions),
        "</filter>",
        "<columns>",
        *(f"<column code={quoted(c.code)}>{escape(c.title)}</column>" for c in heading.columns),
        "</columns>",
        "<totals>",
        *(f"<total{_named(total.code, total.title)}>{total.value}</total>" for total in made.totals),
        "</totals>",
    )
    return f"<header>\n{chr(10).join(parts)}\n</header>\n"


def _named(code: str, title: str) -> str:
    return f" code={quoted(code)} title={quoted(title)}"


def _csv(heading: Heading, made: Made, records: Iterable[Values]) -> Iterator[str]:
    texts: dict[type, Callable[[Any], str]] = {
        str: _safe,
        int: str,
        bool: lambda value: "да" if value else "нет",
        datetime: lambda value: f"{value.astimezone(made.at.tzinfo):%d.%m.%Y %H:%M:%S}",
        date: lambda value: f"{value:%d.%m.%Y}",
        type(None): lambda _: "",
    }
    places = [heading.listing.elements.index(column.code) for column in heading.columns]
    yield "\ufeff" + _rows([_titles(heading, made)])
    for batch in _batches(records):
        yield _rows([texts[type(values[i])](values[i]) for i in places] for values in batch)


def _titles(heading: Heading, made: Made) -> list[str]:
    """Titles of the columns; the first of a moment names the zone of all, which no cell does."""
    titles = [_safe(column.title) for column in heading.columns]
    for place, column in enumerate(heading.columns):
        if column.code.endswith(_MOMENTS):
            titles[place] += f" (UTC{made.zone.removeprefix('Z')})"
            break
    return titles


def _rows(rows: Iterable[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _safe(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula (OWASP, CSV Injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


T = TypeVar("T")


def _batches(records: Iterable[T]) -> Iterator[list[T]]:
    source = iter(records)
    while batch := list(islice(source, _BATCH)):
        yield batch
