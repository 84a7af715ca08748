"""Making a report: from an order, over one snapshot of the journal, to pieces of bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection

from gateway.catalog.registry import Catalog
from gateway.journal.engine import database_now
from gateway.reports.heading import Heading, Made
from gateway.reports.kinds import ReportFormat
from gateway.reports.sources import SOURCES
from gateway.reports.writers import write, write_xml

CHUNK_BYTES: Final = 128 * 1024

_HEADING: Final = TypeAdapter(Heading)


@dataclass(frozen=True, slots=True)
class Order:
    """A report of a list that is read from the database; ``query`` is of the type that the list's source takes."""

    heading: Heading
    query: Any

    def to_json(self) -> dict[str, Any]:
        """Form in which an order waits for its worker."""
        query = TypeAdapter(SOURCES[self.heading.kind].query).dump_python(self.query, mode="json")
        return {"heading": _HEADING.dump_python(self.heading, mode="json"), "query": query}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Order:
        """Read what :meth:`to_json` made."""
        heading = _HEADING.validate_python(data["heading"])
        return cls(heading, TypeAdapter(SOURCES[heading.kind].query).validate_python(data["query"]))


def make(connection: Connection, catalog: Catalog, order: Order) -> Iterator[bytes]:
    """Yield the document in pieces of ``CHUNK_BYTES`` and a little more.

    The connection must be one snapshot of the journal until the last of them: the totals come first.
    """
    source = SOURCES[order.heading.kind]
    made = Made.now(database_now(connection), source.totals(connection, order.query), order.heading.time_zone)
    if source.xml is not None and order.heading.format is ReportFormat.XML:
        return gathered(write_xml(order.heading, made, source.xml(connection, order.query, catalog, made)))
    return gathered(write(order.heading, made, source.records(connection, order.query, catalog)))


def gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join small pieces into pieces of ``CHUNK_BYTES`` and a little more."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= CHUNK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
