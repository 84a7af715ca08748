"""Every page of a big journal is read by index, reads little, and is what a plain filter in Python finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, event, text

from gateway.domain.identifiers import uuid7_floor, uuid7_moment
from gateway.domain.launches import LaunchResult
from gateway.journal.engine import new_ids
from gateway.journal.launch_queries import LaunchQuery, count_launches, page_of_launches
from gateway.journal.packet_queries import PacketQuery, count_packets, page_of_packets

MOST_ROWS_READ = 5_000
"""By one walk of an index, for a page of 50; search by text reads all of what the other filters leave."""
LIMIT = 50


@contextmanager
def statements(connection: Connection) -> Iterator[list[tuple[str, Any]]]:
    """Gather the statements that reach the driver, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    yield seen
    event.remove(connection, "before_cursor_execute", note)


def plan_of(connection: Connection, statement: str, parameters: Any) -> dict[str, Any]:
    explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
    plan: dict[str, Any] = explained[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def rows_read(plan: dict[str, Any]) -> int:
    """Rows that the scans of a plan took up, those thrown away included."""
    kinds = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    scans = [node for node in nodes(plan) if "Relation Name" in node]
    total: float = sum(node["Actual Loops"] * sum(node.get(kind, 0) for kind in kinds) for node in scans)
    return round(total)


def assert_by_index(plan: dict[str, Any]) -> None:
    """The partitions of coming months are empty; walking them whole is right."""
    walked = {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan" and rows_read(node)}
    assert not [name for name in walked if name.startswith(("packets", "launch"))]


@pytest.fixture(scope="module")
def connection(filled: Engine) -> Iterator[Connection]:
    with filled.connect() as opened:
        yield opened


@pytest.fixture(scope="module")
def packets(connection: Connection) -> list[Any]:
    return list(connection.execute(text("SELECT * FROM packets ORDER BY id DESC")))


@pytest.fixture(scope="module")
def launches(connection: Connection) -> list[Any]:
    return list(connection.execute(text("SELECT * FROM launches ORDER BY id DESC")))


@pytest.fixture(scope="module")
def seen_in(connection: Connection) -> dict[UUID, set[int]]:
    """МО that have packets in a launch."""
    rows = connection.execute(text("SELECT launch_id, organization_id FROM launch_counters"))
    found: dict[UUID, set[int]] = {}
    for launch_id, organization_id in rows:
        found.setdefault(launch_id, set()).add(organization_id)
    return found


SCOPES: dict[str, dict[str, Any]] = {
    "launch": {"service_codes": None, "organization_ids": None, "launch_id": "of the first"},
    "launch of three": {"service_codes": None, "organization_ids": {1, 3, 5}, "launch_id": "of the first"},
    "service": {"service_codes": ("service-1",), "organization_ids": None},
    "service of one": {"service_codes": ("service-1",), "organization_ids": {2}},
    "service of three": {"service_codes": ("service-1",), "organization_ids": {1, 3, 5}},
    "two services of two": {"service_codes": ("service-1", "service-3"), "organization_ids": {1, 5}},
    "one organization": {"service_codes": None, "organization_ids": {4}},
    "everything": {"service_codes": None, "organization_ids": None},
    "nothing": {"service_codes": ("service-1",), "organization_ids": set()},
}
FILTERS: dict[str, dict[str, Any]] = {
    "no filter": {},
    "type": {"packet_type": "Motion"},
    "operation": {"operation": "Delete"},
    "type and operation": {"packet_type": "Motion", "operation": "Delete"},
    "a status": {"statuses": ("SEND_ERROR",)},
    "the usual status": {"statuses": ("ACCEPTED",)},
    "statuses": {"statuses": ("FORM_ERROR", "SEND_ERROR", "REJECTED")},
    "status and type": {"statuses": ("REJECTED",), "packet_type": "Stay"},
    "status and operation": {"statuses": ("SENT",), "operation": "Update"},
    "held": {"held": True},
    "not held": {"held": False},
    "held and status": {"held": True, "statuses": ("ACCEPTED", "REJECTED")},
    "object": {"object_id": "of the first"},
    "absent object": {"object_id": "object-none"},
    "changed": {"changed_since": "of the first"},
    "text": {"fragment": "ЗАМЕЧАНИЕ 77"},
    "text of a status": {"fragment": "замечание 77", "statuses": ("REJECTED", "FORM_ERROR")},
    "text that is an id": {"fragment": "of the first"},
    "period": {"since": "of the last", "before": "of the first"},
    "period and status": {"since": "of the last", "before": "of the first", "statuses": ("REJECTED",)},
}


def query_of(packets: list[Any], scope: str, chosen: str) -> PacketQuery:
    """A query about a packet of the middle, so that no filter finds by luck what is newest."""
    told = {**SCOPES[scope], **FILTERS[chosen]}
    first, last = packets[20_000], packets[24_000]
    if "launch_id" in told:
        told["launch_id"] = first.launch_id
    if told.get("object_id") == "of the first":
        told["object_id"] = first.object_id
    if told.get("fragment") == "of the first":
        told["fragment"] = f" {str(first.id).upper()} "
    if "changed_since" in told:
        told["changed_since"] = packets[1_000].changed_at
    if "since" in told or scope == "everything":
        told |= {"since": uuid7_floor(uuid7_moment(last.id)), "before": uuid7_floor(uuid7_moment(first.id))}
        told["before"] = UUID(int=first.id.int + 1) if "fragment" in told else told["before"]
    organizations = told.pop("organization_ids")
    smallest = min(p.organization_id for p in packets)
    return PacketQuery(
        **told, organization_ids=None if organizations is None else frozenset(smallest + i for i in organizations)
    )


def walks(query: PacketQuery) -> int:
    axes = (query.service_codes, query.organization_ids, query.statuses or None)
    return max(1, prod(len(axis) for axis in axes if axis is not None))


def naive(packets: list[Any], query: PacketQuery) -> list[UUID]:
    equal = ("launch_id", "packet_type", "operation", "object_id", "held")
    asked = {name: {value} for name in equal if (value := getattr(query, name)) is not None}
    within: dict[str, Any] = {"organization_id": query.organization_ids, "service_code": query.service_codes}
    asked |= {name: set(values) for name, values in within.items() if values is not None}
    asked |= {"status": set(query.statuses)} if query.statuses else {}
    found = [p for p in packets if query.since <= p.id < query.before]
    for name, values in asked.items():
        found = [p for p in found if getattr(p, name) in values]
    if query.changed_since is not None:
        found = [p for p in found if p.changed_at >= query.changed_since]
    if query.fragment is not None:
        word = query.fragment.lower()
        texts = {p.id: f"{p.result_text or ''}\n{p.object_id or ''}".lower() for p in found}
        found = [p for p in found if word in texts[p.id] or word.strip() == str(p.id)]
    return [p.id for p in found]


def test_pages_by_key_meet_every_packet_once_while_new_ones_come(filled: Engine, packets: list[Any]) -> None:
    launch_id, met = packets[20_000].launch_id, []
    query = PacketQuery(None, None, launch_id=launch_id, limit=97)
    with filled.connect() as reader:
        while page := page_of_packets(reader, query):
            met += [row.id for row in page]
            query = replace(query, before=page[-1].id)
            reader.execute(
                text(
                    "INSERT INTO packets (id, launch_id, service_code, organization_id, packet_type, operation, status)"
                    " SELECT :id, launch_id, service_code, organization_id, packet_type, operation, status FROM packets"
                    " WHERE id = :first"
                ),
                {"id": next(new_ids(reader)), "first": met[0]},
            )
        reader.rollback()
    assert met == naive(packets, PacketQuery(None, None, launch_id=launch_id))


def test_a_page_read_often_is_still_planned_for_its_values(filled: Engine, packets: list[Any]) -> None:
    query = query_of(packets, "service of three", "a status")
    with filled.connect() as reader:
        for _ in range(16):
            page_of_packets(reader, query)
        plans = reader.execute(text("SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements")).one()
    assert plans[0] == 0
    assert plans[1] > 0


VIEWERS: dict[str, dict[str, Any]] = {
    "sees all": {"visible": None},
    "sees all, asks for one": {"visible": None, "organization_id": 3},
    "sees three": {"visible": {1, 2, 5}},
    "sees three, asks for one": {"visible": {1, 2, 5}, "organization_id": 2},
    "sees three, asks for another": {"visible": {1, 2, 5}, "organization_id": 7},
    "sees none": {"visible": set()},
}


def shown(launch: Any, query: LaunchQuery, seen_in: dict[UUID, set[int]]) -> bool:
    """A launch is there for whoever sees a МО with packets in it, or started it."""
    there, asked = seen_in.get(launch.id, set()), query.organization_id
    if launch.service_code != query.service_code or not query.since <= launch.id < query.before:
        return False
    if query.result is not None and launch.result != query.result:
        return False
    visible = there if query.visible is None else there & query.visible
    of_asked = asked is None or asked in visible or launch.organization_id == asked
    own = query.visible if asked is None else frozenset({asked})
    started = launch.account_id == query.account_id and launch.scope is not None and set(launch.scope) <= (own or set())
    seen = query.visible is None or started
    if asked is None:
        return seen or bool(visible)
    return of_asked and (seen or asked in visible)


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("result", [None, *LaunchResult])
@pytest.mark.parametrize("viewer", VIEWERS)
def test_a_page_of_launches_is_right_and_cheap(
    connection: Connection,
    launches: list[Any],
    seen_in: dict[UUID, set[int]],
    viewer: str,
    result: LaunchResult | None,
    bounded: bool,
) -> None:
    smallest, account = (
        min(getattr(row, name) or 10**9 for row in launches) for name in ("organization_id", "account_id")
    )
    visible, asked = VIEWERS[viewer]["visible"], VIEWERS[viewer].get("organization_id")
    query = LaunchQuery(
        "service-1",
        account,
        None if visible is None else frozenset(smallest + i for i in visible),
        None if asked is None else smallest + asked,
        result,
        **({"since": launches[6_000].id, "before": launches[4_000].id} if bounded else {}),
    )
    with statements(connection) as seen:
        page = [row.id for row in page_of_launches(connection, query)]
    expected = [launch.id for launch in launches if shown(launch, query, seen_in)]
    assert page == expected[:LIMIT]
    plan = plan_of(connection, *seen[0])
    assert_by_index(plan)
    assert rows_read(plan) <= MOST_ROWS_READ * (1 + len(query.visible or ()))
    assert count_launches(connection, query) == len(expected)


@pytest.mark.parametrize("chosen", FILTERS)
@pytest.mark.parametrize("scope", SCOPES)
def test_a_page_of_packets_is_right_and_cheap(
    connection: Connection, packets: list[Any], scope: str, chosen: str
) -> None:
    query = replace(query_of(packets, scope, chosen), limit=LIMIT)
    with statements(connection) as seen:
        page = [row.id for row in page_of_packets(connection, query)]
    expected = naive(packets, query)
    assert page == expected[:LIMIT]
    plan = plan_of(connection, *seen[0])
    assert_by_index(plan)
    assert rows_read(plan) <= MOST_ROWS_READ * walks(query) or query.fragment
    assert count_packets(connection, query) == min(len(expected), 10_001)
