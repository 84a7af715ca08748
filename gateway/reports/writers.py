"""Writing a report record by record: XML as ``xsd/report`` fixes it, or CSV for a spreadsheet.

Moments are written in the time zone of this machine, with their offset in XML: that is what operators' clocks show.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any, Final

from gateway.reports.heading import Heading, Made
from gateway.reports.kinds import Column, ReportFormat
from gateway.xml.instants import format_instant
from gateway.xml.namespaces import REPORT
from gateway.xml.text import escape, quoted

VERSION: Final = "1.0"
_BATCH: Final = 100
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Values = tuple[Any, ...]
"""One record: texts, numbers, flags, moments or None, in the order of its list's elements."""


def write(heading: Heading, made: Made, records: Iterable[Values]) -> Iterator[bytes]:
    """Yield the document in pieces of a hundred records; only one piece is ever held."""
    pieces = _xml(heading, made, records) if heading.format is ReportFormat.XML else _csv(heading, records)
    for piece in pieces:
        yield piece.encode()


def _local(moment: datetime) -> str:
    return format_instant(moment.astimezone())


_XML_TEXT: Final[dict[type, Callable[[Any], str]]] = {
    str: escape,
    int: str,
    bool: lambda value: "true" if value else "false",
    datetime: _local,
    date: date.isoformat,
}


def _xml(heading: Heading, made: Made, records: Iterable[Values]) -> Iterator[str]:
    listing = heading.listing
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<report xmlns="{REPORT}" version="{VERSION}" kind="{heading.kind}">\n'
        f"{_header(heading, made)}<{listing.wrapper}>\n"
    )
    tags = tuple((f"<{name}>", f"</{name}>") for name in listing.elements)
    start, end = f"<{listing.item}>", f"</{listing.item}>\n"

    def record(values: Values) -> str:
        inner = [
            f"{opening}{_XML_TEXT[type(value)](value)}{closing}"
            for (opening, closing), value in zip(tags, values, strict=True)
            if value is not None
        ]
        return f"{start}{''.join(inner)}{end}"

    for batch in _batches(records):
        yield "".join(map(record, batch))
    yield f"</{listing.wrapper}>\n</report>\n"


def _header(heading: Heading, made: Made) -> str:
    parts = [f"<title>{escape(heading.listing.title)}</title>"]
    if heading.service_code is not None:
        title = escape(heading.service_title or heading.service_code)
        parts.append(f"<service code={quoted(heading.service_code)}>{title}</service>")
    parts += (
        f"<madeAt>{_local(made.at)}</madeAt>",
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


def _csv(heading: Heading, records: Iterable[Values]) -> Iterator[str]:
    places = [heading.listing.elements.index(column.code) for column in heading.columns]
    yield "\ufeff" + _rows([[_safe(title) for title in _titles(heading.columns)]])
    for batch in _batches(records):
        yield _rows([_CSV_TEXT[type(values[i])](values[i]) for i in places] for values in batch)


def _titles(columns: tuple[Column, ...]) -> list[str]:
    return [column.title for column in columns]


def _rows(rows: Iterable[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _safe(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula (OWASP, CSV Injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


_CSV_TEXT: Final[dict[type, Callable[[Any], str]]] = {
    str: _safe,
    int: str,
    bool: lambda value: "да" if value else "нет",
    datetime: lambda value: f"{value.astimezone():%d.%m.%Y %H:%M:%S}",
    date: lambda value: f"{value:%d.%m.%Y}",
    type(None): lambda _: "",
}


def _batches(records: Iterable[Values]) -> Iterator[list[Values]]:
    source = iter(records)
    while batch := list(islice(source, _BATCH)):
        yield batch
