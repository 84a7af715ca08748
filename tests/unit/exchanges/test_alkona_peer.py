"""Алькона's verbs over any transport of files, and how its replies are read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from uuid import UUID

import pytest

from gateway.xml.parser import parse
from workers.exchange import (
    MAX_NAMES,
    InDoubt,
    NotSent,
    Operation,
    Outgoing,
    PacketStatus,
    TransportError,
    Verdict,
    archives,
)
from workers.exchanges.alkona.answer import PASSED, read
from workers.exchanges.alkona.peer import connect
from workers.runs.answers import SHOWN, outcome_of

NAME = "DNM340001T34_26032000001"
REPLY = b"<ZL_LIST><ZGLV><ID>00000000-0000-0000-0000-000000000007</ID></ZGLV></ZL_LIST>"


class Files:
    """Files in memory; ``failing`` puts succeed before the transport fails."""

    def __init__(self, failing: int = 100, error: TransportError | None = None) -> None:
        self.out: dict[str, bytes] = {}
        self.came: dict[str, bytes] = {}
        self._left = failing
        self._error = error or NotSent("нет")

    def reach(self) -> None:
        """It is always there."""

    def put(self, name: str, data: bytes) -> None:
        if not self._left:
            raise self._error
        self._left -= 1
        self.out[name] = data

    def has(self, name: str) -> bool:
        return name in self.out

    def names(self, suffix: str = "", limit: int = MAX_NAMES) -> Sequence[str]:
        return sorted(name for name in self.came if name.endswith(suffix))[:limit]

    def read(self, name: str) -> bytes:
        return self.came[name]

    def remove(self, name: str) -> None:
        self.came.pop(name, None)


def packet(number: int) -> Outgoing:
    return Outgoing(UUID(int=number), "DN", Operation.INSERT, b"<ZL_LIST/>", f"{NAME[:-1]}{number}")


def zipped(name: str, data: bytes, *more: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for each in (name, *more):
            archive.writestr(each, data)
    return target.getvalue()


def test_a_packet_goes_as_an_archive_of_its_name_the_same_every_time() -> None:
    files = Files()
    receipts = connect(files).send([packet(1)])
    assert [(r.packet_id, r.verdict.status) for r in receipts] == [(UUID(int=1), PacketStatus.SENT)]
    first = dict(files.out)
    connect(files).send([packet(1)])
    assert files.out == first
    with zipfile.ZipFile(io.BytesIO(first[f"{NAME}.zip"])) as archive:
        assert {each: archive.read(each) for each in archive.namelist()} == {f"{NAME}.xml": b"<ZL_LIST/>"}


@pytest.mark.parametrize("reply", [f"R{NAME}.zip", f"R{NAME}.xml", f"V{NAME[1:]}.xml"])
def test_what_has_its_reply_is_not_put_again(reply: str) -> None:
    files = Files()
    files.came[reply] = b""
    assert len(connect(files).send([packet(1), packet(2)])) == 2
    assert set(files.out) == {f"{NAME[:-1]}2.zip"}


@pytest.mark.parametrize("error", [NotSent("нет"), InDoubt("неизвестно")])
def test_a_failure_in_the_middle_tells_of_what_went_before(error: TransportError) -> None:
    receipts = connect(Files(1, error)).send([packet(1), packet(2)])
    assert [r.packet_id for r in receipts] == [UUID(int=1)]
    with pytest.raises(type(error)):
        connect(Files(0, error)).send([packet(1), packet(2)])


def test_replies_are_known_by_their_names_and_removed_by_them() -> None:
    files = Files()
    files.came = {
        f"R{NAME}.zip": zipped(f"R{NAME}.xml", REPLY),
        f"V{NAME[1:]}.xml": b"<FLK_P/>",
        "readme.txt": b"",
        "RXX.xml": b"",
    }
    peer = connect(files)
    replies = peer.take_answers(10)
    assert [(r.packet_id, r.name, r.answer) for r in replies] == [
        (UUID(int=7), NAME, REPLY),
        (None, NAME, b"<FLK_P/>"),
    ]
    assert peer.take_answers(10) == []
    assert len(connect(files).take_answers(1)) == 1
    peer.confirm([r.confirm_id for r in replies])
    assert set(files.came) == {"readme.txt", "RXX.xml"}


@pytest.mark.parametrize(
    "data", [b"junk", zipped("a", b"a", "b"), zipped("a", REPLY)[:60], b""], ids=["junk", "two files", "cut", "empty"]
)
def test_an_archive_that_is_none_is_left_to_whoever_reads_the_answer(data: bytes) -> None:
    files = Files()
    files.came = {f"R{NAME}.zip": data}
    (reply,) = connect(files).take_answers(10)
    assert reply.answer == data


@pytest.mark.parametrize("large", [b" " * 5, zipped("a", b" " * 5)], ids=["plain", "archive"])
def test_a_file_that_could_not_be_read_is_not_removed_whoever_confirms_it(
    monkeypatch: pytest.MonkeyPatch, large: bytes
) -> None:
    monkeypatch.setattr(archives, "MAX_REPLY_BYTES", 4)
    files = Files()
    files.came = {f"R{NAME}.{'zip' if large.startswith(b'PK') else 'xml'}": large}
    peer = connect(files)
    (taken,) = peer.take_answers(10)
    assert taken.answer == b""
    peer.confirm([taken.confirm_id])
    assert list(files.came.values()) == [large]


def reply(result: str, *words: str) -> PacketStatus:
    return read(parse(document(result, *words).encode())).status


def document(result: str, *words: str) -> str:
    records = "".join(f"<ZAP><N_ZAP>{n}</N_ZAP>{word}</ZAP>" for n, word in enumerate(words, 1))
    return f"<ZL_LIST><ZGLV><RESULT>{result}</RESULT></ZGLV>{records}</ZL_LIST>"


NO = "<RPL>0</RPL><OSHIB>103</OSHIB><COMMENTR>Полис закрыт</COMMENTR>"
YES = "<RPL>1</RPL>"


def test_the_result_of_a_file_is_the_status_of_its_packet() -> None:
    assert reply("OK") is PacketStatus.ACCEPTED
    assert reply("PART", NO, YES) is PacketStatus.PARTIAL
    assert reply("ERROR", NO) is PacketStatus.REJECTED
    assert reply("OK", YES, NO) is PacketStatus.PARTIAL


def test_every_record_has_its_word_and_the_refused_their_reason() -> None:
    verdict = read(parse(document("PART", YES, NO, "<RPL>0</RPL>").encode()))
    assert {n: (w.accepted, w.text) for n, w in verdict.items.items()} == {
        1: (True, ""),
        2: (False, "103: Полис закрыт"),
        3: (False, "RPL: Причина не указана."),
    }
    assert [(r.code, r.comment, r.locators) for r in verdict.refusals] == [
        ("103", "Полис закрыт", (("N_ZAP", "2"),)),
        ("RPL", "", (("N_ZAP", "3"),)),
    ]


def test_of_many_refused_records_only_the_first_have_a_line_and_all_have_their_place() -> None:
    verdict = read(parse(document("ERROR", *[NO] * 33).encode()))
    sent = document("", *[""] * 33).encode()
    outcome = outcome_of(UUID(int=7), verdict, None, sent)
    told = (outcome.text or "").splitlines()
    assert told[0] == "103: Полис закрыт (/ZL_LIST/ZAP[1], строка 1)."
    assert (len(told), told[-1]) == (SHOWN + 1, "и ещё 13")
    assert [f.path for f in outcome.findings] == [f"/ZL_LIST/ZAP[{n}]" for n in range(1, 34)]


def test_a_protocol_refuses_the_file_and_names_the_records_it_can() -> None:
    errors = "<PR><OSHIB>002</OSHIB><IM_POL>DR</IM_POL><ZN_POL>1.1.1</ZN_POL><BAS_EL>PERS</BAS_EL><N_ZAP>3</N_ZAP>"
    protocol = f"<FLK_P>{errors}<COMMENT>Не дата</COMMENT></PR><PR><OSHIB>5</OSHIB></PR></FLK_P>"
    verdict = read(parse(protocol.encode()))
    assert verdict.status is PacketStatus.REJECTED
    assert [(r.code, r.parent, r.field) for r in verdict.refusals] == [("002", "PERS", "DR"), ("5", "", "")]
    assert {n: (w.accepted, w.text) for n, w in verdict.items.items()} == {3: (False, "002: PERS/DR: Не дата")}
    assert read(parse(b"<FLK_P/>")) == Verdict(PacketStatus.SENT, PASSED)
