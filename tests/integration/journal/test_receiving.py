"""Documents of peers in the journal: objects found by whom they are about, closed by a document, their trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from psycopg.errors import UniqueViolation
from sqlalchemy import Connection, Engine, text

from gateway.domain.lookups import comparable
from gateway.domain.statuses import Operation, PacketStatus
from gateway.journal import objects, receiving, trails
from gateway.journal.bodies import pack, unpack
from gateway.journal.engine import new_ids
from gateway.journal.objects import Arrival
from gateway.journal.receiving import ReceivedPacket
from tests.support.journaling import EPOCH, SERVICE, TYPE, add_organizations, digest, due, form, launch

IMPORT = "invented-import"


def arrive(connection: Connection, organization_id: int, object_id: str, who: Sequence[str], minute: int = 0) -> None:
    """Submit an object about somebody; nobody means its removal."""
    changed_at, content = EPOCH + timedelta(minutes=minute), f"<a>{object_id} {minute}</a>"
    packed, found_by = (pack(content.encode()), comparable(who)) if who else (b"", None)
    arrival = Arrival(TYPE, object_id, changed_at, not who, packed, digest(content) if who else b"", found_by)
    objects.submit(connection, SERVICE, organization_id, [arrival], None)


def found(connection: Connection, *who: str) -> list[str]:
    wanted = comparable(who)
    assert wanted is not None
    return [row.object_id for row in receiving.find_objects(connection, [SERVICE], TYPE, wanted)]


def receive(connection: Connection, organization_id: int | None, key: str, *closes: str) -> UUID:
    """Journal a document that ends the exchange of objects."""
    (seal,) = receiving.seal_documents(connection, [(key, b"<ticket/>")])
    packet_id = next(new_ids(connection))
    head = (
        packet_id,
        seal,
        organization_id,
        "TICKET",
        Operation.INSERT,
        PacketStatus.PROCESSED,
        "Принят",
        b"<ticket/>",
    )
    packet = ReceivedPacket(*head, closes=tuple((TYPE, each) for each in closes))
    receiving.journal_received(connection, IMPORT, launch(connection, service=IMPORT), [packet], [SERVICE, IMPORT])
    return packet_id


def test_an_object_is_found_however_the_name_is_written(connection: Connection) -> None:
    (organization,) = add_organizations(connection, 1)
    arrive(connection, organization, "1", ["Королёва ", "Анна  Мария", ""])
    assert found(connection, "КОРОЛЕВА", "анна мария", " ") == ["1"]
    assert found(connection, "Королева", "Анна", "Мария") == []
    assert list(receiving.find_objects(connection, [IMPORT], TYPE, comparable(["КОРОЛЕВА"]) or "")) == []


def test_the_newest_comes_first_and_what_changed_or_went_is_found_as_it_is_now(connection: Connection) -> None:
    one, other = add_organizations(connection, 2)
    arrive(connection, one, "1", ["Иванова"])
    arrive(connection, other, "1", ["Иванова"], minute=1)
    arrive(connection, one, "2", ["Иванова"], minute=2)
    assert found(connection, "Иванова") == ["2", "1", "1"]
    arrive(connection, one, "2", ["Петрова"], minute=3)
    arrive(connection, one, "1", [], minute=3)
    assert found(connection, "Иванова") == ["1"]
    assert found(connection, "Петрова") == ["2"]


def test_of_many_namesakes_every_one_is_found_once(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    (organization,) = add_organizations(connection, 1)
    monkeypatch.setattr(receiving, "FOUND_AT_ONCE", 3)
    for number in range(9):
        arrive(connection, organization, str(number), ["Иванова"], minute=number // 4)
    assert found(connection, "Иванова") == ["8", "7", "6", "5", "4", "3", "2", "1", "0"]


def test_namesakes_are_read_as_they_were_when_the_first_was_asked_for(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "FOUND_AT_ONCE", 3)
    with engine.begin() as connection:
        (organization,) = add_organizations(connection, 1)
        for number in range(9):
            arrive(connection, organization, str(number), ["Иванова"], minute=number)
    with engine.connect() as reader, engine.connect() as writer:
        rows = receiving.find_objects(reader, [SERVICE], TYPE, comparable(["Иванова"]) or "")
        read = [next(rows)]
        arrive(writer, organization, "0", ["Иванова"], minute=20)  # now before what is read already
        arrive(writer, organization, "1", ["Петрова"], minute=21)
        arrive(writer, organization, "2", [], minute=22)
        arrive(writer, organization, "9", ["Иванова"], minute=23)
        writer.commit()
        read += rows
        assert [(row.object_id, unpack(row.content).decode()) for row in read] == [
            (str(number), f"<a>{number} {number}</a>") for number in range(8, -1, -1)
        ]
        assert found(reader, "Иванова")[:2] == ["9", "0"]


def test_what_is_not_asked_for_is_not_held(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "FOUND_AT_ONCE", 3)
    (organization,) = add_organizations(connection, 1)
    for number in range(9):
        arrive(connection, organization, str(number), ["Иванова"], minute=number)
    open_cursors = text("SELECT count(*) FROM pg_cursors WHERE name <> ''")
    rows = receiving.find_objects(connection, [SERVICE], TYPE, comparable(["Иванова"]) or "")
    assert next(rows).object_id == "8"
    assert connection.execute(open_cursors).scalar() == 1
    del rows
    assert connection.execute(open_cursors).scalar() == 0


def test_the_index_holds_no_name(connection: Connection) -> None:
    (organization,) = add_organizations(connection, 1)
    arrive(connection, organization, "1", ["Королёва"])
    (lookup,) = connection.execute(text("SELECT lookup FROM source_objects")).scalars()
    assert len(lookup) == 32
    assert "КОРОЛЕВА".encode() not in lookup


def test_the_trail_of_an_object_shows_the_document_that_closed_it_and_the_other_way_round(
    connection: Connection,
) -> None:
    (organization,) = add_organizations(connection, 1)
    for object_id in ("1", "2", "3"):
        arrive(connection, organization, object_id, [f"Человек {object_id}"])
    packets = dict(zip(("1", "2", "3"), form(connection, launch(connection), due(connection)), strict=True))
    ticket = receive(connection, organization, "t-1", "2", "1")
    row = connection.execute(text("SELECT object_id, direction FROM packets WHERE id = :id"), {"id": ticket}).one()
    assert tuple(row) == ("2", "IMPORT")
    closed = connection.execute(text("SELECT object_id FROM source_objects WHERE closed_by IS NOT NULL ORDER BY 1"))
    assert list(closed.scalars()) == ["1", "2"]
    assert set(trails.packets_of_closings(connection, [ticket], 10)) >= {packets["1"], packets["2"]}
    assert trails.packets_of_closings(connection, [packets["1"]], 10) == [ticket]
    assert trails.packets_of_closings(connection, [packets["3"]], 10) == []


def test_a_document_is_journaled_once_for_ever(connection: Connection) -> None:
    receive(connection, None, "t-1")
    with pytest.raises(UniqueViolation):
        receive(connection, None, "t-1")


def test_a_document_of_no_organization_closes_nothing_and_is_counted_apart(connection: Connection) -> None:
    (organization,) = add_organizations(connection, 1)
    arrive(connection, organization, "1", ["Иванова"])
    receive(connection, None, "t-1")
    receive(connection, None, "t-2")
    counted = connection.execute(text("SELECT organization_id, packets_total FROM launch_counters")).all()
    assert [tuple(row) for row in counted] == [(None, 1), (None, 1)]
    assert connection.execute(text("SELECT count(*) FROM source_objects WHERE closed_by IS NOT NULL")).scalar() == 0
