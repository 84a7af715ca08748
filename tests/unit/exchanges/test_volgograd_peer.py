"""How replies of Волгоград are found and read, and which file they are of."""

from __future__ import annotations

import pytest

from gateway.xml.parser import parse
from tests.unit.exchanges.test_alkona_peer import Files, zipped
from workers.exchange import PacketStatus, Verdict
from workers.exchanges.volgograd.answer import read
from workers.exchanges.volgograd.peer import connect

NAME = "I01T34M340001_26032000001"
ONE, OTHER = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"


def document(*words: str, name: str = f"R{NAME}") -> bytes:
    lines = "".join(f"<PR>{word}</PR>" for word in words)
    return f"<FLK_P><NAME_F>{name}</NAME_F><DATE_F>2026-03-20</DATE_F>{lines}</FLK_P>".encode()


def verdict(*words: str) -> Verdict:
    return read(parse(document(*words)))


def word(code: str, identifier: str = "", place: str = "") -> str:
    return f"<OSHIB>{code}</OSHIB>{place}" + (f"<ID_BAS>{identifier}</ID_BAS>" if identifier else "")


STATUSES = [
    ([], PacketStatus.ACCEPTED),
    ([word("0")], PacketStatus.ACCEPTED),
    ([word("0", ONE), word("0", OTHER)], PacketStatus.ACCEPTED),
    ([word("0", ONE), word("102", OTHER)], PacketStatus.PARTIAL),
    ([word("103", ONE), word("102", OTHER)], PacketStatus.REJECTED),
    ([word("0", ONE), word("2")], PacketStatus.REJECTED),
    ([word("0", ONE), word("102", ONE)], PacketStatus.REJECTED),
]


@pytest.mark.parametrize(("words", "status"), STATUSES, ids=range(len(STATUSES)))
def test_what_is_said_of_the_records_is_the_status_of_the_file(words: list[str], status: PacketStatus) -> None:
    assert verdict(*words).status is status


def test_every_record_has_its_word_by_its_identifier_and_the_refused_their_place() -> None:
    place = "<IM_POL>SURNAME</IM_POL><BAS_EL>PATIENT</BAS_EL>"
    told = verdict(word("0", ONE), word("104", OTHER.upper(), place), word("9", OTHER))
    reason = "104: PATIENT/SURNAME: «Фамилия»: код ошибки по справочнику T008"
    assert {key: (each.accepted, each.text) for key, each in told.named.items()} == {
        ONE: (True, ""),
        OTHER: (False, reason),
    }
    assert [(r.code, r.parent, r.field) for r in told.refusals] == [("104", "PATIENT", "SURNAME"), ("9", "", "")]


def test_replies_are_known_by_their_names_whatever_the_extension() -> None:
    files = Files()
    files.came = {f"R{NAME}.zip": zipped(f"R{NAME}.xml", document()), "RI99.xml": b"", "R.txt": b"", f"{NAME}.xml": b""}
    (reply,) = connect(files).take_answers(10)
    assert (reply.packet_id, reply.name, reply.answer) == (None, NAME, document())
    files.came = {f"R{NAME}.xml": document(name=NAME)}
    (reply,) = connect(files).take_answers(10)
    assert reply.name == NAME


def test_a_reply_that_tells_another_file_than_its_name_is_of_no_packet() -> None:
    files = Files()
    files.came = {f"R{NAME}.xml": document(name=f"R{NAME[:-1]}2")}
    (reply,) = connect(files).take_answers(10)
    assert reply.name != NAME
