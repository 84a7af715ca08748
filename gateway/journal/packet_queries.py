"""Reading packets: pages by keyset on the id, one index walk per (МО, status), cut to what the viewer may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, text

from gateway.journal.bodies import unpack
from gateway.journal.launch_queries import COUNT_CAP, FIRST, LAST

COLUMNS: Final = """p.id, p.launch_id, p.service_code, p.organization_id, p.direction, p.packet_type, p.operation,
    p.status, p.result_text, p.held, p.attempts, p.object_id, p.items_total, p.items_not_accepted, p.data_size,
    p.answer_size"""


@dataclass(frozen=True, slots=True)
class PacketQuery:
    """Which packets to read, newest first. Ids bound the time: ``since`` included, ``before`` excluded.

    ``organization_ids`` None means every МО, ``service_codes`` every service; ``fragment`` is a part of «Результат» or
    of an object's id, any case.
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
    equal = {
        "launch_id": query.launch_id,
        "packet_type": query.packet_type,
        "operation": query.operation,
        "object_id": query.object_id,
        "held": query.held,
    }
    for column, value in equal.items():
        if value is not None:
            conditions.append(f"p.{column} = :{column}")
            parameters[column] = value
    if query.held:
        conditions.append("p.held")
    if query.changed_since is not None:
        conditions.append("p.changed_at >= :changed_since")
        parameters["changed_since"] = query.changed_since
    if query.fragment is not None:
        conditions.append("(p.result_text ILIKE :fragment OR p.object_id ILIKE :fragment)")
        escaped = query.fragment.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        parameters["fragment"] = f"%{escaped}%"
    return conditions, parameters


def _streams(query: PacketQuery) -> tuple[str, list[str], dict[str, Any]]:
    """Outer rows of which each gives one index walk: services × МО × statuses."""
    outer, conditions, parameters = [], [], {}
    axes = (
        ("service_code", "text", query.service_codes),
        ("organization_id", "bigint", query.organization_ids),
        ("status", "text", query.statuses or None),
    )
    for column, kind, values in axes:
        if values is None:
            continue
        if len(values) == 1:
            conditions.append(f"p.{column} = :{column}")
            parameters[column] = next(iter(values))
        else:
            outer.append(f"unnest(CAST(:{column} AS {kind}[])) AS s_{column}(value)")
            conditions.append(f"p.{column} = s_{column}.value")
            parameters[column] = sorted(values)
    return " CROSS JOIN ".join(outer), conditions, parameters


def _statement(query: PacketQuery, columns: str) -> tuple[str, dict[str, Any]]:
    conditions, parameters = _conditions(query)
    outer, more, others = _streams(query)
    where = " AND ".join([*conditions, *more])
    inner = f"SELECT {columns} FROM packets p WHERE {where} ORDER BY p.id DESC LIMIT :limit"
    statement = f"SELECT q.* FROM {outer} CROSS JOIN LATERAL ({inner}) q" if outer else inner
    return statement, {**parameters, **others}


def page_of_packets(connection: Connection, query: PacketQuery) -> Sequence[Row[Any]]:
    """Read up to ``limit`` packets, newest first, with the OID of their МО."""
    statement, parameters = _statement(query, COLUMNS)
    page = text(
        f"SELECT f.*, g.oid AS organization_oid FROM ({statement}) f"
        " LEFT JOIN organizations g ON g.id = f.organization_id ORDER BY f.id DESC LIMIT :limit"
    )
    return connection.execute(page, parameters).all()


def count_packets(connection: Connection, query: PacketQuery) -> int:
    """Count packets up to ``COUNT_CAP`` + 1, whatever the page."""
    statement, parameters = _statement(replace(query, before=LAST, limit=COUNT_CAP + 1), "p.id")
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
