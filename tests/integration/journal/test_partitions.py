from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy import table as sql_table

from gateway.domain.identifiers import milliseconds, uuid7
from gateway.journal.engine import database_now
from gateway.journal.partitions import ensure_partitions, month_start
from gateway.journal.tables import PARTITIONED

CHILDREN = ("packet_bodies", "packet_findings", "packet_items", "attempts")
BODY = "INSERT INTO packet_bodies (packet_id, kind, media_type, content) VALUES (:id, 'DATA', 'application/xml', '')"
PACKET = """
    INSERT INTO packets (id, launch_id, service_code, organization_id, packet_type, operation, status)
    VALUES (:id, :id, 'invented-service', 1, 'Referral', 'Insert', 'FORMED')
"""


def months(connection: Connection) -> list[datetime]:
    """Starts of the months a fresh journal covers: the last, this one and three ahead."""
    now = database_now(connection)
    return [month_start(now, offset) for offset in range(-1, 4)]


def add_packet(connection: Connection, packet_id: UUID) -> None:
    connection.execute(text(PACKET), {"id": packet_id})
    connection.execute(text(BODY), {"id": packet_id})


def test_month_start_counts_over_the_turn_of_the_year() -> None:
    day = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    expected = [(2025, 12), (2026, 10), (2026, 11), (2026, 12), (2027, 1), (2027, 12)]
    found = [month_start(day, offset) for offset in (-11, -1, 0, 1, 2, 13)]
    assert [(start.year, start.month) for start in found] == expected
    assert {(start.day, start.hour, start.utcoffset()) for start in found} == {(1, 0, UTC.utcoffset(None))}


def test_every_growing_table_has_its_months_ahead(connection: Connection) -> None:
    statement = text("SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE c.relkind = 'r'")
    there = set(connection.execute(statement).scalars())
    assert there == {f"{table.name}_{start:%Y_%m}" for table in PARTITIONED for start in months(connection)}
    assert {"packets", "audit_events", "session_events", *CHILDREN} <= {table.name for table in PARTITIONED}


def test_a_row_goes_to_the_month_of_its_id(connection: Connection) -> None:
    for start in months(connection):
        first = milliseconds(start)
        last = milliseconds(month_start(start, 1)) - 1
        for moment in (first, last):
            add_packet(connection, uuid7(moment))
    statement = "SELECT tableoid::regclass::text AS part, count(*) FROM {} GROUP BY 1 ORDER BY 1"
    for table in ("packets", "packet_bodies"):
        found = [tuple(row) for row in connection.execute(text(statement.format(table)))]
        assert found == [(f"{table}_{start:%Y_%m}", 2) for start in months(connection)]


def test_a_missing_month_is_made_again_once_by_any_number_of_processes(engine: Engine) -> None:
    def make(_number: int) -> int:
        with engine.begin() as connection:
            return ensure_partitions(connection, months_ahead=5)

    with ThreadPoolExecutor(4) as pool:
        made = sorted(pool.map(make, range(4)))
    assert made == [0, 0, 0, 2 * len(PARTITIONED)]


def test_a_month_detaches_children_first_and_keeps_the_others(engine: Engine) -> None:
    with engine.begin() as connection:
        last, this = months(connection)[:2]
        for start in (last, this):
            add_packet(connection, uuid7(milliseconds(start)))
    month = f"{last:%Y_%m}"
    with engine.begin() as connection:
        for table in CHILDREN:
            connection.execute(text(f"ALTER TABLE {table} DETACH PARTITION {table}_{month}"))
            connection.execute(text(f"ALTER TABLE {table}_{month} DROP CONSTRAINT {table}_packet_id_fkey"))
        connection.execute(text(f"ALTER TABLE packets DETACH PARTITION packets_{month}"))
    with engine.connect() as connection:
        for table in ("packets", "packet_bodies"):
            for name in (table, f"{table}_{month}"):
                assert connection.execute(select(func.count()).select_from(sql_table(name))).scalar_one() == 1
