"""Changes of insurance come from ТФОМС: journaled, answered, kept for the МИС, whatever is wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from gateway.journal import launches
from gateway.journal.bodies import unpack
from gateway.resources import resource_dir
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from tests.support.receiving import CODES, STRANGER, Receiver, receiver
from workers.exchanges.tfoms_hosp import peer
from workers.runs.surroundings import Point
from workers.sandbox.switches import Outage

ANSWER_XSD = resource_dir("xsd") / "tfoms" / "1.0" / "ANSWER.xsd"


@pytest.fixture
def desk(engine: Engine) -> Iterator[Receiver]:
    with receiver(engine) as made:
        yield made


def results_of_answers(desk: Receiver) -> list[str]:
    """RESULT, or the codes of an ERROR, of what the peer holds as our answers."""
    told = []
    for entry in desk.sandbox.inbound():
        root = parse((entry.answer or "").encode())
        assert validate(root, ANSWER_XSD) == ()
        told.append(",".join(e.text or "" for e in root.iter("{*}OSHIB")) or root.findtext(".//{*}RESULT", ""))
    return told


def test_what_came_is_journaled_byte_for_byte_with_the_answer_and_kept_for_the_mis(desk: Receiver) -> None:
    desk.sandbox.queue_inbound(CODES[0], 3)
    assert desk.launch() == ("SUCCESS", None)
    rows = desk.rows("SELECT direction, packet_type, operation, status, result_text, attempts FROM packets")
    assert rows == [("IMPORT", "PERSCHANGE", "Insert", "PROCESSED", "Сведения переданы для МИС", 0)] * 3
    bodies = desk.rows("SELECT kind, content FROM packet_bodies ORDER BY packet_id")
    came = {entry.content for entry in desk.sandbox.inbound()}
    assert {unpack(content).decode() for kind, content in bodies if kind == "DATA"} == came
    told = {entry.answer for entry in desk.sandbox.inbound()}
    assert {unpack(content).decode() for kind, content in bodies if kind == "ANSWER"} == told
    waiting = desk.rows("SELECT document_type, service_code, confirmed_at FROM inbound_documents")
    assert waiting == [("PERSCHANGE", "tfoms-insurance", None)] * 3
    assert results_of_answers(desk) == ["OK"] * 3
    assert desk.rows("SELECT count(*) FROM received_documents WHERE confirmed_at IS NULL") == [(0,)]


def test_several_pages_are_taken_in_one_launch_and_nothing_comes_twice(desk: Receiver) -> None:
    desk.sandbox.queue_inbound(CODES[0], 150)
    desk.sandbox.queue_inbound(CODES[1], 70)
    assert desk.launch() == ("SUCCESS", None)
    counted = desk.rows("SELECT packets_total, packets_with_errors FROM launch_counters ORDER BY 1")
    assert counted == [(70, 0), (150, 0)]
    assert {entry.receptions for entry in desk.sandbox.inbound()} == {1}
    assert desk.launch() == ("SUCCESS", None)
    assert desk.statuses() == {"PROCESSED": 220}


def test_each_fault_of_a_document_is_told_in_the_answer_by_its_code(desk: Receiver) -> None:
    (good,) = desk.sandbox.queue_inbound(CODES[0])
    (content,) = (entry.content for entry in desk.sandbox.inbound())
    for spoilt in (
        content[:-20],
        content.replace("PERSCHANGE", "PERSVANISH"),
        content.replace("<W>1</W>", "<W>7</W>"),
        content.replace(good, str(uuid4())),
        content.replace(f"<CODE_MO>{CODES[0]}", f"<CODE_MO>{STRANGER}"),
    ):
        message_id = str(uuid4())
        keeps_foreign_id = spoilt.count(good) == 0
        desk.sandbox.offer_inbound(message_id, spoilt if keeps_foreign_id else spoilt.replace(good, message_id))
    assert desk.launch() == ("SUCCESS", None)
    assert results_of_answers(desk) == ["OK", "001", "003", "002,002", "002", "101"]
    assert desk.statuses() == {"PROCESSED": 1, "REFUSED": 5}
    assert desk.rows("SELECT count(*) FROM inbound_documents") == [(1,)]


def test_an_id_that_comes_again_is_answered_as_it_was_and_with_other_content_refused(desk: Receiver) -> None:
    (message_id,) = desk.sandbox.queue_inbound(CODES[0])
    assert desk.launch() == ("SUCCESS", None)
    ((content, answer),) = ((entry.content, entry.answer) for entry in desk.sandbox.inbound())
    desk.sandbox.offer_again(message_id, content)
    assert desk.launch() == ("SUCCESS", None)
    assert [entry.answer for entry in desk.sandbox.inbound()] == [answer]
    assert desk.statuses() == {"PROCESSED": 1}
    desk.sandbox.offer_again(message_id, content.replace("<W>1</W>", "<W>2</W>", 1))
    assert desk.launch() == ("SUCCESS", None)
    assert results_of_answers(desk) == ["004"]
    assert desk.statuses() == {"PROCESSED": 1, "REFUSED": 1}
    assert desk.rows("SELECT count(*) FROM inbound_documents") == [(1,)]


def test_documents_of_no_organization_are_counted_apart(desk: Receiver) -> None:
    desk.sandbox.queue_inbound(STRANGER, 2)
    desk.sandbox.queue_inbound(CODES[0])
    desk.sandbox.offer_inbound(str(uuid4()), "это не XML")
    assert desk.launch() == ("SUCCESS", None)
    counted = desk.rows("SELECT organization_id IS NULL, packets_total FROM launch_counters ORDER BY 1")
    assert counted == [(False, 1), (True, 3)]
    assert desk.rows("SELECT media_type FROM packet_bodies WHERE kind = 'DATA' ORDER BY 1") == [
        ("application/octet-stream",),
        *[("application/xml",)] * 3,
    ]


@pytest.mark.parametrize("outage", [Outage.REFUSE, Outage.FAULT])
def test_a_peer_that_is_away_fails_the_launch_and_loses_nothing(desk: Receiver, outage: Outage) -> None:
    desk.sandbox.queue_inbound(CODES[0], 2)
    desk.sandbox.switches.update({"outage": outage})
    assert desk.launch() == ("FAILED", "ТФОМС недоступен")
    desk.sandbox.switches.reset()
    assert desk.launch() == ("SUCCESS", None)
    assert desk.statuses() == {"PROCESSED": 2}


def test_an_answer_lost_on_its_way_is_repeated_as_it_was(desk: Receiver) -> None:
    desk.sandbox.queue_inbound(CODES[0], 2)
    desk.sandbox.switches.update({"take_and_drop_next": 1})
    assert desk.launch() == ("SUCCESS", None)
    desk.sandbox.queue_inbound(CODES[1], 2)
    desk.sandbox.switches.update({"drop_before_next": 2})
    assert desk.launch() == ("SUCCESS", None)
    assert desk.statuses() == {"PROCESSED": 4}
    assert results_of_answers(desk) == ["OK"] * 4


def test_documents_journaled_and_not_confirmed_are_told_of_when_the_peer_is_away(desk: Receiver) -> None:
    desk.sandbox.queue_inbound(CODES[0], 2)
    desk.sandbox.switches.update({"drop_before_next": 50})
    assert desk.launch() == ("FAILED", "ТФОМС недоступен, ждут подтверждения: 2")
    desk.sandbox.switches.reset()
    assert desk.launch() == ("SUCCESS", None)
    assert desk.rows("SELECT count(*) FROM received_documents WHERE confirmed_at IS NULL") == [(0,)]


def test_an_operators_stop_ends_the_launch_between_documents(desk: Receiver) -> None:
    desk.sandbox.queue_inbound(CODES[0], 3)
    launch_id = desk.start()

    def stop(point: Point) -> None:
        if point is Point.ANSWERS_TAKEN:
            with desk.engine.begin() as connection:
                launches.request_stop(connection, launch_id)

    desk.step(desk.process(stop))
    assert desk.finish(launch_id) == ("FAILED", "Остановлен оператором")
    assert desk.statuses() == {}
    assert desk.launch() == ("SUCCESS", None)
    assert desk.statuses() == {"PROCESSED": 3}


def test_the_index_of_known_documents_tells_no_id_and_no_mark(desk: Receiver) -> None:
    desk.sandbox.queue_inbound(CODES[0])
    desk.launch()
    (message_id,) = (entry.id for entry in desk.sandbox.inbound())
    with desk.engine.connect() as connection:
        kept = connection.execute(text("SELECT document, mark FROM received_documents, received_marks")).one()
    assert {len(bytes(each)) for each in kept} == {32}
    assert all(message_id.encode() not in bytes(each) for each in kept)


def test_a_peer_that_does_not_heed_our_answers_bars_none_of_its_documents(
    desk: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.sandbox.queue_inbound(CODES[0], 150)
    monkeypatch.setattr(peer._Inbound, "confirm", lambda *_: {})
    for _ in range(2):
        assert desk.launch() == ("SUCCESS", None)
        assert desk.statuses() == {"PROCESSED": 150}


def test_one_whose_id_is_none_bars_none_of_the_others(desk: Receiver) -> None:
    desk.sandbox.offer_inbound("no-guid", "<PERSCHANGE/>")
    desk.sandbox.queue_inbound(CODES[0], 2)
    result, told = desk.launch()
    assert (result, "не принимает подтверждение" in str(told)) == ("FAILED", True)
    assert desk.statuses() == {"REFUSED": 1, "PROCESSED": 2}
    assert [entry.answer is not None for entry in desk.sandbox.inbound()] == [False, True, True]
