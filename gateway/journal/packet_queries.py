"""Reading packets: pages by keyset on the id, one index walk per (МО, status), cut to what the viewer may see."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, TextClause, text

from gateway.journal.bodies import unpack
from gateway.journal.launch_queries import COUNT_CAP, FIRST, LAST

COLUMNS: Final = """p.id, p.launch_id, p.service_code, p.organization_id, p.direction, p.packet_type, p.operation,
    p.status, p.result_text, p.held, p.attempts, p.object_id, p.items_total, p.items_not_accepted, p.data_size,
    p.answer_size"""


@dataclass(frozen=True, slots=True)
class PacketQuery:
    """Which packets to read, newest first. Ids bound the time: ``since`` included, ``before`` excluded.

    ``organization_ids`` None means every МО, ``service_codes`` every service; ``fragment`` is a part of «Результат» or
    of an object's id, or the packet's whole id, any case. A packet of many is found by the id of any of its objects.
    """

    organization_ids: frozenset[int] | None
    service_codes: tuple[str, ...] | None
    launch_id: UUID | None = None
    packet_type: str | None = None
    operation: str | None = None
    statuses: tuple[str, ...] = ()
    held: bool | None = None
    object_id: str | None = None
    changed_since: datetime | None = None
    fragment: str | None = None
    since: UUID = FIRST
    before: UUID = LAST
    limit: int = 50


def _conditions(query: PacketQuery) -> tuple[list[str], dict[str, Any]]:
    conditions = ["p.id >= :since", "p.id < :before"]
    parameters: dict[str, Any] = {"since": query.since, "before": query.before, "limit": query.limit}
    if query.held is not None:
        conditions.append("p.held" if query.held else "NOT p.held")
    if query.changed_since is not None:
        conditions.append("p.changed_at >= :changed_since")
        parameters["changed_since"] = query.changed_since
    if query.fragment is not None:
        conditions.append("(p.result_text ILIKE :fragment OR p.object_id ILIKE :fragment OR p.id = CAST(:own AS uuid))")
        parameters["own"] = _id_in(query.fragment)
        escaped = query.fragment.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        parameters["fragment"] = f"%{escaped}%"
    return conditions, parameters


def _id_in(fragment: str) -> UUID | None:
    """The packet's id that a text is; None, which equals no id, for any other text."""
    try:
        return UUID(fragment.strip())
    except ValueError:
        return None


_OF_OBJECT: Final = """(SELECT * FROM packets WHERE object_id = :object_id UNION ALL
    SELECT of.* FROM packet_items i JOIN packets of ON of.id = i.packet_id WHERE i.object_id = :object_id)"""

_LEADING: Final = ("launch_id", "organization_id", "service_code")
"""First columns of the indexes that give pages in order, the narrowest first."""


def _axes(query: PacketQuery) -> tuple[list[str], dict[str, str], dict[str, Any]]:
    """Rows of which each gives one index walk (services × МО × statuses), and where each column has its value."""
    one = {
        "launch_id": ("uuid", query.launch_id),
        "packet_type": ("text", query.packet_type),
        "operation": ("text", query.operation),
    }
    many: dict[str, tuple[str, Collection[Any] | None]] = {
        "service_code": ("text", query.service_codes),
        "organization_id": ("bigint", query.organization_ids),
        "status": ("text", query.statuses or None),
        **{column: (kind, None if value is None else (value,)) for column, (kind, value) in one.items()},
    }
    outer: list[str] = []
    values: dict[str, str] = {}
    parameters: dict[str, Any] = {}
    for column, (kind, chosen) in many.items():
        if chosen is None:
            continue
        if len(chosen) == 1:
            values[column], parameters[column] = f"CAST(:{column} AS {kind})", next(iter(chosen))
        else:
            outer.append(f"unnest(CAST(:{column} AS {kind}[])) AS s_{column}(value)")
            values[column], parameters[column] = f"s_{column}.value", sorted(set(chosen))  # a second walk would double
    return outer, values, parameters


def selection(query: PacketQuery, columns: str) -> tuple[str, dict[str, Any]]:
    """SQL that reads these columns of the query's packets (``p``), up to ``limit`` a walk, and its parameters.

    The leading column of the index to walk stands in the order and is compared with an array of one: of a plain
    equality the planner concludes that the id alone gives the order, and then it may walk the primary key past every
    packet of other launches, МО and services.
    """
    outer, values, parameters = _axes(query)
    conditions, others = _conditions(query)
    leading = next((column for column in _LEADING if column in values), None)
    order = "p.id DESC"
    if leading is not None:
        order = f"p.{leading} DESC, p.id DESC"
        values[leading] = f"ANY(ARRAY[{values[leading]}])"
    where = " AND ".join([*conditions, *(f"p.{column} = {value}" for column, value in values.items())])
    source = "packets"
    if query.object_id is not None:
        source, others["object_id"] = _OF_OBJECT, query.object_id
    inner = f"SELECT {columns} FROM {source} p WHERE {where} ORDER BY {order} LIMIT :limit"
    statement = f"SELECT q.* FROM {' CROSS JOIN '.join(outer)} CROSS JOIN LATERAL ({inner}) q" if outer else inner
    return statement, {**parameters, **others}


def page_statement(query: PacketQuery) -> tuple[TextClause, dict[str, Any]]:
    """Statement that reads up to ``limit`` packets, newest first, with the OID of their МО, and its parameters."""
    selected, parameters = selection(query, COLUMNS)
    page = text(
        f"SELECT f.*, g.oid AS organization_oid FROM ({selected}) f"
        " LEFT JOIN organizations g ON g.id = f.organization_id ORDER BY f.id DESC LIMIT :limit"
    )
    return page, parameters


def page_of_packets(connection: Connection, query: PacketQuery) -> Sequence[Row[Any]]:
    """Read up to ``limit`` packets, newest first, with the OID of their МО."""
    statement, parameters = page_statement(query)
    return connection.execute(statement, parameters).all()


def count_packets(connection: Connection, query: PacketQuery) -> int:
    """Count packets up to ``COUNT_CAP`` + 1."""
    statement, parameters = selection(replace(query, limit=COUNT_CAP + 1), "p.id")
    counted = text(f"SELECT count(*) FROM (SELECT id FROM ({statement}) f LIMIT :limit) n")
    return int(connection.execute(counted, parameters).scalar_one())


def find_packets(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Read packets by id, with the OID of their МО; the caller judges who may see them."""
    rows = connection.execute(
        text(
            f"SELECT {COLUMNS}, g.oid AS organization_oid FROM packets p"
            " LEFT JOIN organizations g ON g.id = p.organization_id WHERE p.id = ANY(CAST(:ids AS uuid[]))"
        ),
        {"ids": list(ids)},
    )
    return {row.id: row for row in rows}


def read_body(connection: Connection, packet_id: UUID, kind: str) -> tuple[str, bytes] | None:
    """Return (media type, bytes) of «Данные пакета» (``DATA``) or «Ответ» (``ANSWER``), or None."""
    row = connection.execute(
        text("SELECT media_type, content FROM packet_bodies WHERE packet_id = :id AND kind = :kind"),
        {"id": packet_id, "kind": kind},
    ).one_or_none()
    return None if row is None else (row.media_type, unpack(row.content))
