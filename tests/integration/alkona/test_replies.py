"""What a peer may put into the folder of replies: none of it bars the rest, each word means what the contract says."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from uuid import uuid4

import pytest
from sqlalchemy import text

from gateway.catalog.registry import Exchange
from gateway.operations.baseline import import_baseline
from tests.support.alkona import DN, FIRST, SECOND, SLUG, AlkonaHouse, sound
from tests.support.packet_house import small_catalog
from workers.demo.parts.alkona_data import branches, observations, plans
from workers.exchange import FileUnusable
from workers.exchanges.alkona.answer import PASSED
from workers.runs.answers import UNREADABLE
from workers.transports.folder import FolderTransport

KEPT: Final = "Сохранены ответы на неизвестные пакеты"
LEFT: Final = "Оставлены ответы на пакеты другого сервиса"
MADE: Final = {"DEP": branches, "DN": observations, "PRF": plans}
PATIENT: Final = "/ZL_LIST/ZAP[2]/PERS/DR"


def waiting(house: AlkonaHouse, number: int) -> list[Any]:
    """Packets that were sent and that the stand-in leaves to us to answer."""
    house.submit(DN, FIRST.oid, sound(number=number))
    house.sandbox.switches.update({"answer_delay_s": 3600})
    launch_id = house.start()
    house.finish(launch_id, house.worker(catalog=small_catalog(SLUG, answer_window_s=0)))
    return house.packets_of(launch_id)


def poll(house: AlkonaHouse) -> None:
    """Another launch, which looks for replies once."""
    house.finish(house.start(), house.worker(catalog=small_catalog(SLUG, answer_window_s=0)))


def lay(house: AlkonaHouse, name: str, content: str | bytes) -> Path:
    """Put a file into the folder of replies."""
    file = Path(house.sandbox.settings["in"]) / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def reply(packet: Any, result: str, *words: str) -> str:
    """A reply with a word on each record: OSHIB of a refusal, or nothing."""
    records = "".join(
        f"<ZAP><N_ZAP>{n}</N_ZAP><RPL>{int(not word)}</RPL>{word and f'<OSHIB>{word}</OSHIB><COMMENTR>Нет</COMMENTR>'}"
        "</ZAP>"
        for n, word in enumerate(words, 1)
    )
    return (
        f"<ZL_LIST><ZGLV><VERSION>1.0</VERSION><DATA>2026-04-01</DATA><FILENAME>R{packet.name}</FILENAME>"
        f"<FILENAME_1>{packet.name}</FILENAME_1><ID>{packet.id}</ID><RESULT>{result}</RESULT></ZGLV>{records}</ZL_LIST>"
    )


def items(house: AlkonaHouse, packet: Any) -> list[str | None]:
    """Outcomes of the records of a packet."""
    statement = "SELECT outcome FROM packet_items WHERE packet_id = :id ORDER BY position"
    return [row.outcome for row in house.rows(statement, id=packet.id)]


def test_no_reply_bars_those_behind_it_and_each_is_told_once(
    house: AlkonaHouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    *poisoned, good = waiting(house, 18)
    large, denied, junk = poisoned
    monkeypatch.setattr("workers.transports.folder.MAX_FILE_BYTES", 4096)
    lay(house, f"R{large.name}.xml", b" " * 4097)
    lay(house, f"R{junk.name}.zip", b"PK not an archive")
    lay(house, f"R{denied.name}.xml", reply(denied, "OK"))
    lay(house, f"RDNM{'9' * 220}.xml", "a name longer than we take")
    stray = lay(house, "RDNM999999T99_26010100001.xml", "nobody's")
    lay(house, os.fsdecode(b"RDNM\xcf\xee.xml"), "a name in another encoding")
    lay(house, f"R{good.name}.XML", reply(good, "OK"))
    deny(monkeypatch, denied.name)
    with caplog.at_level(logging.WARNING):
        poll(house)
        first = len(caplog.records)
        told = house.rows("SELECT result_text, changed_at FROM packets WHERE status = 'SENT' ORDER BY id")
        poll(house)
    assert house.statuses() == {"SENT": 3, "ACCEPTED": 1, "REFUSED": 1}
    assert not stray.exists(), "it is kept in the journal"
    assert [row.result_text for row in told] == [UNREADABLE] * 3
    assert told == house.rows("SELECT result_text, changed_at FROM packets WHERE status = 'SENT' ORDER BY id")
    assert (first, len(caplog.records)) == (3, 3)
    assert good.name not in caplog.text


def deny(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """A file that is not for us to read: the rights of a folder do not bind the user that tests run as."""
    read = FolderTransport.read

    def refuse(self: FolderTransport, name: str) -> bytes:
        if part in name:
            raise FileUnusable("Файл в папке обмена не читается: код ошибки 13.")
        return read(self, name)

    monkeypatch.setattr(FolderTransport, "read", refuse)


def test_a_reply_of_no_packet_is_kept_and_taken_away_and_one_of_two_packets_waits(house: AlkonaHouse) -> None:
    first, second = waiting(house, 10)
    of_both = lay(house, f"R{first.name}.xml", reply(second, "OK"))
    of_a_stranger = lay(house, "RDNM999999T99_26010100001.xml", reply(second, "OK"))
    empty = lay(house, "RDNM999999T99_26010100002.xml", "")
    stranger = reply(SimpleNamespace(id=uuid4(), name="DNM999999T99_26010100003"), "OK")
    stray = lay(house, "RDNM999999T99_26010100003.xml", stranger)
    for told in (f"{KEPT}: 1", None):
        launch_id = house.start()
        house.finish(launch_id, house.worker(catalog=small_catalog(SLUG, answer_window_s=0)))
        assert house.rows("SELECT result_counts FROM launches WHERE id = :id", id=launch_id)[0][0] == told
    assert [file.exists() for file in (of_both, of_a_stranger, empty, stray)] == [True, True, True, False]
    assert house.statuses() == {"SENT": 2, "REFUSED": 1}
    (kept,) = house.rows("SELECT * FROM packets WHERE direction = 'IMPORT'")
    assert house.body(kept.id) == stranger


def test_a_reply_for_another_service_that_shares_the_folder_is_left_to_it(house: AlkonaHouse) -> None:
    (ours,) = waiting(house, 3)
    catalog = small_catalog(SLUG, answer_window_s=0)
    shared = {code: see_everything(each) for code, each in catalog.exchanges.items()}
    house.submit("alkona-dep", FIRST.oid, list(branches(FIRST, 2, 1)))
    worker = house.worker(catalog=replace(catalog, exchanges=shared))
    house.finish(house.start("alkona-dep"), worker)
    (theirs,) = house.rows("SELECT * FROM packets WHERE service_code = 'alkona-dep'")
    with house.engine.begin() as connection:
        connection.execute(text("DELETE FROM outbox"))
    fault = "<PR><OSHIB>003</OSHIB><IM_POL>FILENAME</IM_POL><COMMENT>Имя файла</COMMENT></PR>"
    protocol = f"<FLK_P><FNAME>V{theirs.name[1:]}</FNAME><FNAME_I>{theirs.name}</FNAME_I>{fault}</FLK_P>"
    file = lay(house, f"V{theirs.name[1:]}.xml", protocol)
    lay(house, f"R{ours.name}.xml", reply(ours, "OK"))
    launch_id = house.start()
    house.finish(launch_id, worker)
    assert (house.statuses(), file.exists()) == ({"ACCEPTED": 1, "SENT": 1}, True)
    (told,) = house.rows("SELECT result_counts FROM launches WHERE id = :id", id=launch_id)
    assert told.result_counts == f"{LEFT}: 1"
    house.finish(house.start("alkona-dep"), worker)
    assert (house.statuses(), file.exists()) == ({"ACCEPTED": 1, "REJECTED": 1}, False)


def see_everything(exchange: Exchange) -> Exchange:
    """The exchange of a folder whose manifests do not tell whose a file is."""
    transport = exchange.manifest.transport.model_copy(update={"incoming": ()})
    return replace(exchange, manifest=exchange.manifest.model_copy(update={"transport": transport}))


def test_a_reply_that_cannot_be_removed_bars_none(house: AlkonaHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = waiting(house, 10)
    stays = lay(house, f"R{first.name}.xml", reply(first, "OK"))
    goes = lay(house, f"R{second.name}.xml", reply(second, "OK"))
    remove = FolderTransport.remove

    def refuse(self: FolderTransport, name: str) -> None:
        if name == stays.name:
            raise FileUnusable("Файл из папки обмена не удаляется: код ошибки 13.")
        remove(self, name)

    monkeypatch.setattr(FolderTransport, "remove", refuse)
    poll(house)
    assert house.statuses() == {"ACCEPTED": 2}
    assert (stays.exists(), goes.exists()) == (True, False)


def test_an_error_refuses_every_record_whatever_is_said_of_it(house: AlkonaHouse) -> None:
    (packet,) = waiting(house, 3)
    lay(house, f"R{packet.name}.xml", reply(packet, "ERROR", "", "103", ""))
    poll(house)
    (row,) = house.packets_of(packet.launch_id)
    assert (row.status, row.items_total, row.items_not_accepted) == ("REJECTED", 3, 3)
    assert "ACCEPTED" not in items(house, packet)
    assert house.rows("SELECT 1 FROM source_objects WHERE accepted_hash IS NOT NULL") == []


def test_a_protocol_with_one_reason_for_the_whole_file_refuses_every_record(house: AlkonaHouse) -> None:
    (packet,) = waiting(house, 3)
    protocol = (
        f"<FLK_P><FNAME>V{packet.name[1:]}</FNAME><FNAME_I>{packet.name}</FNAME_I>"
        "<PR><OSHIB>002</OSHIB><IM_POL>DR</IM_POL><BAS_EL>PERS</BAS_EL><N_ZAP>2</N_ZAP><COMMENT>Не дата</COMMENT></PR>"
        "<PR><OSHIB>003</OSHIB><IM_POL>FILENAME</IM_POL><COMMENT>Имя файла</COMMENT></PR></FLK_P>"
    )
    lay(house, f"V{packet.name[1:]}.xml", protocol)
    poll(house)
    (row,) = house.packets_of(packet.launch_id)
    assert (row.status, row.items_not_accepted) == ("REJECTED", 3)
    found = house.rows("SELECT path, line FROM packet_findings WHERE packet_id = :id ORDER BY position", id=packet.id)
    assert [f.path for f in found] == [PATIENT, "/ZL_LIST/ZGLV/FILENAME"]
    sent = house.body(packet.id).splitlines()
    birthday, name = (sent[f.line - 1].strip() for f in found)
    assert (birthday[:4], name) == ("<DR>", f"<FILENAME>{packet.name}</FILENAME>")
    assert f"({PATIENT}, строка {found[0].line})" in row.result_text


def test_a_protocol_without_errors_is_taken_and_the_reply_is_still_awaited(house: AlkonaHouse) -> None:
    (packet,) = waiting(house, 3)
    protocol = f"<FLK_P><FNAME>V{packet.name[1:]}</FNAME><FNAME_I>{packet.name}</FNAME_I></FLK_P>"
    file = lay(house, f"V{packet.name[1:]}.xml", protocol)
    poll(house)
    (row,) = house.packets_of(packet.launch_id)
    assert (row.status, row.result_text, row.items_not_accepted) == ("SENT", PASSED, None)
    assert house.body(packet.id, "ANSWER") == protocol
    assert not file.exists()
    lay(house, f"R{packet.name}.xml", reply(packet, "PART", "", "103", ""))
    poll(house)
    (row,) = house.packets_of(packet.launch_id)
    assert (row.status, row.items_not_accepted) == ("PARTIAL", 1)
    late = lay(house, f"V{packet.name[1:]}.xml", protocol)
    waiting(house, 4)
    assert not late.exists(), "nothing more is awaited of this packet"


@pytest.mark.parametrize(("result", "status"), [("OK", "ACCEPTED"), ("PART", "PARTIAL"), ("ERROR", "REJECTED")])
def test_a_protocol_without_errors_does_not_take_the_place_of_a_reply_that_lies_beside_it(
    house: AlkonaHouse, result: str, status: str
) -> None:
    (packet,) = waiting(house, 3)
    lay(house, f"R{packet.name}.xml", reply(packet, result, "", "" if result == "OK" else "103", ""))
    protocol = f"<FLK_P><FNAME>V{packet.name[1:]}</FNAME><FNAME_I>{packet.name}</FNAME_I></FLK_P>"
    lay(house, f"V{packet.name[1:]}.xml", protocol)
    poll(house)
    assert [row.status for row in house.packets_of(packet.launch_id)] == [status]


def test_after_a_part_each_object_goes_on_by_its_own_state(house: AlkonaHouse) -> None:
    """Two are accepted, three are not; then one of each kind changes and one of each kind goes, one stays as it is."""
    accepted, refused = sound(number=2), [next(observations(FIRST, 1, first)) for first in (4, 22, 31)]
    house.submit(DN, FIRST.oid, [*accepted, *refused])
    (packet,) = house.packets_of(house.launch())
    assert (packet.status, items(house, packet)) == ("PARTIAL", ["ACCEPTED"] * 2 + ["REJECTED"] * 3)
    changed = [
        (kind, key, content.replace(b"<DN_PRVS>76", b"<DN_PRVS>41")) for kind, key, content in (accepted[0], refused[0])
    ]
    gone = [(kind, key, b"") for kind, key, _ in (accepted[1], refused[1])]
    house.submit(DN, FIRST.oid, [*changed, *gone])
    launch_id = house.launch()
    sent = house.rows(
        "SELECT p.operation, i.object_id FROM packets p JOIN packet_items i ON i.packet_id = p.id"
        " WHERE p.launch_id = :id ORDER BY p.id, i.position",
        id=launch_id,
    )
    assert [tuple(row) for row in sent] == [
        ("Insert", "observation-4"),
        ("Insert", "observation-31"),
        ("Update", "observation-1"),
        ("Delete", "observation-2"),
    ]


@pytest.mark.parametrize("kind", ["DEP", "DN", "PRF"])
def test_what_the_peer_holds_already_goes_as_a_change(house: AlkonaHouse, tmp_path: Path, kind: str) -> None:
    service = f"alkona-{kind.lower()}"
    made = list(MADE[kind](FIRST, 3, 1))
    rows = [f"{FIRST.oid};{object_type};{object_id};01.03.2026" for object_type, object_id, _ in made[:2]]
    file = tmp_path / "held.csv"
    file.write_text("\r\n".join(["oid;object_type;object_id;accepted_at", *rows]), encoding="utf-16")
    import_baseline(house.engine, small_catalog(SLUG), service, file, who="испытание")
    house.submit(service, FIRST.oid, made)
    house.submit(service, SECOND.oid, list(MADE[kind](SECOND, 1, 1)))
    packets = house.packets_of(house.launch(service))
    assert [(p.operation, p.items_total) for p in packets if p.organization_id == house.organizations[FIRST.oid]] == [
        ("Insert", 1),
        ("Update", 2),
    ]
    others = {p.operation for p in packets if p.organization_id == house.organizations[SECOND.oid]}
    assert others == {"Insert"}
