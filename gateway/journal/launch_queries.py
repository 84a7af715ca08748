"""Reading launches: pages by keyset, cut to what the viewer may see, counters summed over its МО."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, text

from gateway.domain.launches import LaunchResult

COUNT_CAP: Final = 10_000
"""Totals are exact up to here; above, a list says «больше 10 000»."""

FIRST: Final = UUID(int=0)
LAST: Final = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class LaunchQuery:
    """Which launches to read, newest first. Ids bound the start: ``since`` included, ``before`` excluded.

    ``visible`` are the МО of the viewer (None: all); with it, a launch is there when one of them has packets in it or
    ``account_id`` started it. ``organization_id`` keeps launches of that МО.
    """

    service_code: str
    account_id: int
    visible: frozenset[int] | None
    organization_id: int | None = None
    result: LaunchResult | None = None
    since: UUID = FIRST
    before: UUID = LAST
    limit: int = 50


_WHERE: Final = """l.service_code = :service AND l.id >= :since AND l.id < :before
    AND (CAST(:result AS text) IS NULL OR l.result = :result)"""

_ALL: Final = f"SELECT l.id FROM launches l WHERE {_WHERE} ORDER BY l.id DESC LIMIT :limit"

_WITH_PACKETS: Final = f"""
    SELECT l.id FROM unnest(CAST(:organizations AS bigint[])) AS o(id) CROSS JOIN LATERAL (
      SELECT l.id FROM launch_counters c JOIN launches l ON l.id = c.launch_id
      WHERE c.organization_id = o.id AND c.service_code = :service AND c.launch_id >= :since AND c.launch_id < :before
        AND {_WHERE} ORDER BY c.launch_id DESC LIMIT :limit) l"""

_STARTED_BY: Final = f"""
    (SELECT l.id FROM launches l WHERE l.account_id = :account AND {_WHERE}
       AND l.scope <@ CAST(:organizations AS bigint[]) ORDER BY l.id DESC LIMIT :limit)"""

_FOR_ORGANIZATION: Final = f"""
    (SELECT l.id FROM launches l WHERE l.organization_id = :single AND {_WHERE} ORDER BY l.id DESC LIMIT :limit)"""


def _candidates(query: LaunchQuery) -> tuple[str, dict[str, Any]]:
    parameters: dict[str, Any] = {
        "service": query.service_code,
        "since": query.since,
        "before": query.before,
        "result": query.result.value if query.result else None,
        "limit": query.limit,
        "account": query.account_id,
        "single": query.organization_id,
    }
    if query.visible is None and query.organization_id is None:
        return _ALL, parameters
    chosen = query.visible if query.organization_id is None else frozenset({query.organization_id})
    if query.visible is not None:
        chosen = query.visible & (chosen or frozenset())
    parameters["organizations"] = sorted(chosen or ())
    other = _FOR_ORGANIZATION if query.visible is None else _STARTED_BY
    return f"{_WITH_PACKETS} UNION {other}", parameters


_COUNTERS: Final = """
    SELECT coalesce(sum(packets_total), 0) AS packets_total,
      coalesce(sum(packets_with_errors), 0) AS packets_with_errors,
      coalesce(sum(error_count), 0) AS error_count, coalesce(sum(notifications_formed), 0) AS notifications_formed,
      coalesce(sum(notifications_sent), 0) AS notifications_sent
    FROM launch_counters WHERE launch_id = l.id
      AND (CAST(:visible AS bigint[]) IS NULL OR organization_id = ANY(CAST(:visible AS bigint[])))"""

_COLUMNS: Final = f"""
    SELECT l.id, l.service_code, l.started_at, l.finished_at, l.result, l.result_text, l.result_counts, l.remark,
      l.scope, l.packet_group_id, l.started_by,
      l.stop_requested_at, l.last_event_code, l.organization_id, g.oid AS organization_oid, g.name AS organization_name,
      c.*
    FROM launches l LEFT JOIN organizations g ON g.id = l.organization_id
    CROSS JOIN LATERAL ({_COUNTERS}) c"""


def _visible(visible: frozenset[int] | None) -> list[int] | None:
    return None if visible is None else sorted(visible)


def page_of_launches(connection: Connection, query: LaunchQuery) -> Sequence[Row[Any]]:
    """Read up to ``limit`` launches with counters, newest first."""
    candidates, parameters = _candidates(query)
    statement = text(
        f"WITH found AS ({candidates}) {_COLUMNS} WHERE l.id IN (SELECT id FROM found) ORDER BY l.id DESC LIMIT :limit"
    )
    return connection.execute(statement, {**parameters, "visible": _visible(query.visible)}).all()


def newest_launches(connection: Connection, query: LaunchQuery, service_codes: Sequence[str]) -> dict[str, Row[Any]]:
    """Read the newest launch of each of the services, in one statement; the query's own service is not looked at."""
    candidates, parameters = _candidates(replace(query, limit=1))
    of_one = candidates.replace(":service", "s.code")
    statement = text(
        f"""WITH found AS (
          SELECT n.id FROM unnest(CAST(:services AS text[])) AS s(code)
          CROSS JOIN LATERAL (SELECT f.id FROM ({of_one}) f ORDER BY f.id DESC LIMIT 1) n)
        {_COLUMNS} WHERE l.id IN (SELECT id FROM found)"""
    )
    parameters |= {"services": list(service_codes), "visible": _visible(query.visible)}
    return {row.service_code: row for row in connection.execute(statement, parameters)}


def count_launches(connection: Connection, query: LaunchQuery) -> int:
    """Count launches up to ``COUNT_CAP`` + 1."""
    candidates, parameters = _candidates(replace(query, limit=COUNT_CAP + 1))
    statement = text(f"SELECT count(*) FROM (SELECT id FROM ({candidates}) f LIMIT :limit) n")
    return int(connection.execute(statement, parameters).scalar_one())


def find_launches(
    connection: Connection, launch_ids: Sequence[UUID], visible: frozenset[int] | None, account_id: int
) -> dict[UUID, Row[Any]]:
    """Read launches with counters by id; those that do not exist for this viewer are absent."""
    statement = text(
        f"""{_COLUMNS} WHERE l.id = ANY(CAST(:launches AS uuid[]))
        AND (CAST(:visible AS bigint[]) IS NULL OR (l.account_id = :account AND l.scope <@ CAST(:visible AS bigint[]))
        OR EXISTS (SELECT 1 FROM launch_counters v WHERE v.launch_id = l.id
                   AND v.organization_id = ANY(CAST(:visible AS bigint[]))))"""
    )
    parameters = {"launches": list(launch_ids), "visible": _visible(visible), "account": account_id}
    return {row.id: row for row in connection.execute(statement, parameters)}


def last_successes(connection: Connection, service_code: str, ids: Sequence[int]) -> dict[int, Any]:
    """«Дата последней успешной выгрузки» by МО."""
    rows = connection.execute(
        text(
            "SELECT organization_id, last_success_at FROM service_organizations"
            " WHERE service_code = :service AND organization_id = ANY(CAST(:ids AS bigint[]))"
        ),
        {"service": service_code, "ids": list(ids)},
    )
    return {row.organization_id: row.last_success_at for row in rows}
