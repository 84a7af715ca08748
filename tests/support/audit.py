"""What must be true after every story, whatever died in it: nothing lost, nothing doubled, the books agree."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, text

from tests.support.houses import House

VERDICTS = {"OK": "ACCEPTED", "ERROR": "REJECTED"}


def check_books(house: House) -> None:
    """Compare the journal with the peer's ledger and with itself; every object must have its verdict."""
    with house.engine.connect() as connection:
        check_objects(connection)
        check_against_ledger(connection, house)
        check_counters(connection)
        check_attempts(connection)


def check_objects(connection: Connection) -> None:
    """No object is lost: each valid one ended with the peer's verdict, by one packet."""
    statuses = dict(_pairs(connection, "SELECT last_status, count(*) FROM source_objects GROUP BY 1"))
    assert statuses.keys() <= {"ACCEPTED", "REJECTED"}, statuses
    assert statuses.get("ACCEPTED"), "the peer took nothing"
    doubled = "SELECT source_object_id, count(*) FROM packets GROUP BY 1 HAVING count(*) <> 1"
    assert _pairs(connection, doubled) == []
    unanswered = """
        SELECT id, status FROM packets p
        WHERE 2 <> (SELECT count(*) FROM packet_bodies b WHERE b.packet_id = p.id)"""
    assert _pairs(connection, unanswered) == []


def check_against_ledger(connection: Connection, house: House) -> None:
    """The peer holds exactly the journal's packets, with the verdicts the journal shows, and no Insert twice."""
    ledger = house.sandbox.ledger()
    said = {entry.id: VERDICTS[entry.verdict] for entry in ledger}
    assert len(said) == len(ledger)
    journal = {str(key): status for key, status in _pairs(connection, "SELECT id, status FROM packets")}
    assert journal == said
    inserts = Counter(
        (e.organisation, e.type, e.object_id) for e in ledger if e.operation == "Insert" and e.verdict == "OK"
    )
    assert [key for key, times in inserts.items() if times > 1] == []
    tried = {str(key): times for key, times in _pairs(connection, "SELECT id, attempts FROM packets")}
    assert [e.id for e in ledger if e.receptions > tried[e.id]] == [], "the peer got more than the journal knows of"
    assert [e.id for e in ledger if not e.confirmed] == []


def check_counters(connection: Connection) -> None:
    """Counters kept by deltas equal a recount."""
    kept = "SELECT launch_id, organization_id, packets_total, packets_with_errors FROM launch_counters"
    counted = """
        SELECT launch_id, organization_id, count(*),
          count(*) FILTER (WHERE status IN ('FORM_ERROR', 'SEND_ERROR', 'REJECTED'))
        FROM packets GROUP BY launch_id, organization_id"""
    (ours, recounted) = (sorted(connection.execute(text(each)).all(), key=str) for each in (kept, counted))
    assert ours == recounted


def check_attempts(connection: Connection) -> None:
    """Every attempt is closed, numbered without a gap, and a cut one says why."""
    left = "SELECT packet_id, number FROM attempts WHERE finished_at IS NULL OR outcome IS NULL"
    assert _pairs(connection, left) == []
    unexplained = (
        "SELECT packet_id, number FROM attempts WHERE outcome IN ('IN_DOUBT', 'FORMED') AND error_text IS NULL"
    )
    assert _pairs(connection, unexplained) == []
    uncounted = """
        SELECT p.id, p.attempts FROM packets p JOIN attempts a ON a.packet_id = p.id
        GROUP BY p.id, p.attempts HAVING count(*) <> p.attempts OR max(a.number) <> p.attempts"""
    assert _pairs(connection, uncounted) == []


def _pairs(connection: Connection, statement: str) -> list[tuple[Any, Any]]:
    return [(row[0], row[1]) for row in connection.execute(text(statement))]
