"""A big invented journal, made by the database itself in a few seconds."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Engine, text

from gateway.journal.engine import database_now
from gateway.journal.partitions import month_start
from tests.support.journaling import add_organizations

SERVICES: Final = ("service-0", "service-1", "service-2", "service-3")
ORGANIZATIONS: Final = 8
LAUNCHES: Final = 12_000
PACKETS: Final = 60_000

_ID: Final = """CAST(lpad(to_hex(({moment})::bigint), 12, '0') || '7' || substr(md5('i' || n), 1, 3)
    || '8' || substr(md5('i' || n), 4, 15) AS uuid)"""
_SINCE: Final = "(extract(epoch FROM CAST(:since AS timestamptz)) * 1000 + n::numeric * :step)"

_LAUNCHES: Final = f"""
    INSERT INTO launches (id, service_code, started_at, finished_at, result, organization_id, scope,
                          account_id, started_by)
    SELECT {_ID.format(moment=_SINCE)}, 'service-' || n % 4, to_timestamp({_SINCE} / 1000), now(),
      CASE WHEN n % 97 = 0 THEN 'FAILED' WHEN n % 1999 = 0 THEN 'RUNNING' ELSE 'SUCCESS' END,
      CASE WHEN n % 7 = 0 THEN (SELECT min(id) FROM organizations) + n % 8 END,
      CASE WHEN n % 7 = 0 THEN ARRAY[(SELECT min(id) FROM organizations) + n % 8] END,
      CASE WHEN n % 5 < 2 THEN (SELECT min(id) FROM accounts) + n % 5 END, 'придуманный пользователь'
    FROM generate_series(0, :count - 1) AS n
"""  # noqa: S608 (constants of ours)
_COUNTERS: Final = """
    INSERT INTO launch_counters (launch_id, organization_id, service_code, packets_total, packets_with_errors)
    SELECT l.id, o.id, l.service_code, 10, 1 FROM launches l JOIN organizations o
      ON l.organization_id = o.id OR l.organization_id IS NULL AND (hashtext(l.id::text) + o.id) % 3 = 0
"""
_PACKETS: Final = f"""
    INSERT INTO packets (id, launch_id, service_code, organization_id, packet_type, operation, status, held, object_id,
                         result_text, changed_at)
    SELECT {_ID.format(moment=_SINCE)}, l.id, l.service_code, (SELECT min(id) FROM organizations) + h % 8,
      (ARRAY['Referral', 'Referral', 'Referral', 'Stay', 'Motion'])[1 + h % 5],
      (ARRAY['Insert', 'Insert', 'Update', 'Delete'])[1 + h / 8 % 4],
      CASE WHEN h / 64 % 10 > 0 THEN 'ACCEPTED' ELSE (ARRAY['FORMED', 'SENT', 'IN_DOUBT', 'SEND_ERROR', 'FORM_ERROR',
        'REJECTED', 'REJECTED', 'PARTIAL'])[1 + h / 1024 % 8] END,
      h / 64 % 400 = 7, 'object-' || h % 20000, 'Замечание ' || h % 1000, to_timestamp({_SINCE} / 1000 + h % 86400)
    FROM (SELECT n, abs(hashtext('h' || n)) AS h FROM generate_series(0, :count - 1) AS n) numbers
    JOIN (SELECT id, service_code, row_number() OVER (ORDER BY id) - 1 AS number FROM launches) l
      ON l.number = n / (:count / 40) * 299
"""  # noqa: S608 (constants of ours)


def fill(engine: Engine) -> None:
    """Fill an empty journal and let the server gather its statistics."""
    with engine.begin() as connection:
        add_organizations(connection, ORGANIZATIONS)
        for login in ("mis-01", "mis-02"):
            connection.execute(
                text("INSERT INTO accounts (login, password_hash, role) VALUES (:login, '', 'mis')"), {"login": login}
            )
        _insert(connection, _LAUNCHES, LAUNCHES)
        connection.execute(text(_COUNTERS))
        _insert(connection, _PACKETS, PACKETS)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _insert(connection: Connection, statement: str, count: int) -> None:
    since = month_start(database_now(connection), -1)
    passed = database_now(connection) - since
    step = int(passed.total_seconds() * 1000) // count
    connection.execute(text(statement), {"since": since, "step": step, "count": count})
