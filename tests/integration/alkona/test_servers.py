"""The same exports over SFTP and FTP: what the folder does, and what only a connection can spoil."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.catalog.registry import load_catalog
from tests.support.alkona import DN, FIRST, SECOND, AlkonaHouse, alkona_house, check_books, sound
from workers.demo.parts import alkona_data
from workers.sandbox.ftp_door import FtpDoor
from workers.sandbox.uploads import Tree
from workers.transports import open_transport


def over_ftp(house: AlkonaHouse, folder: Path) -> FtpDoor:
    """Another door to the same folders."""
    reached = house.settings
    door = FtpDoor(Tree(folder, "out", "in"), house.sandbox.switches)
    door.start(reached["host"], 0, reached["user"], reached["password"], None)
    house.settings = {**reached, "transport": "ftp", "tls": "no", "port": str(door.port)}
    return door


@pytest.fixture(params=["sftp", "ftp"])
def house(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[AlkonaHouse]:
    with alkona_house(engine, tmp_path) as made:
        made.settings = made.sandbox.sftp_settings
        door = over_ftp(made, tmp_path) if request.param == "ftp" else None
        yield made
        if door is not None:
            door.stop()


def test_three_services_share_one_server_and_take_their_own_replies(house: AlkonaHouse) -> None:
    house.submit(DN, FIRST.oid, sound(number=12))
    house.submit(DN, SECOND.oid, sound(SECOND, number=3))
    house.submit("alkona-prf", FIRST.oid, list(alkona_data.plans(FIRST, 3)))
    house.submit("alkona-dep", FIRST.oid, list(alkona_data.branches(FIRST, 3)))
    ids = [house.start(service) for service in (DN, "alkona-prf", "alkona-dep")]
    worker = house.worker()
    assert [house.finish(each, worker) for each in ids] == ["SUCCESS"] * 3
    assert house.statuses() == {"ACCEPTED": 6}
    assert sorted(e.type for e in house.sandbox.ledger()) == ["DEP", *["DN"] * 4, "PRF"]
    assert list(Path(house.sandbox.settings["in"]).iterdir()) == []


def test_what_was_not_taken_of_a_packet_goes_with_the_next_launch(house: AlkonaHouse) -> None:
    house.submit(DN, FIRST.oid, list(alkona_data.observations(FIRST, 5, first=2)))  # number 4 has a closed policy
    (packet,) = house.packets_of(house.launch())
    assert (packet.status, packet.items_total, packet.items_not_accepted) == ("PARTIAL", 5, 1)
    (again,) = house.packets_of(house.launch())
    assert (again.items_total, again.status) == (1, "REJECTED")


@pytest.mark.parametrize(
    "trouble", [{"cut_at_byte": 100, "cut_next": 1}, {"cut_at_byte": 100, "shorten_next": 1}, {"drop_rename_next": 1}]
)
def test_a_connection_cut_in_the_middle_loses_and_doubles_nothing(house: AlkonaHouse, trouble: dict[str, int]) -> None:
    house.submit(DN, FIRST.oid, sound(number=12))
    house.sandbox.switches.update(trouble)
    house.launch()
    assert house.statuses() == {"ACCEPTED": 3}
    check_books(house)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"password": "не тот"}, "Ошибка при авторизации"),
        ({"export_folder": "/нет"}, "Папки для экспорта не существует или к ней нет доступа"),
        ({"export_folder": ""}, "Не заданы настройки обмена: export_folder (таблица services)"),
    ],
)
def test_a_server_that_does_not_let_us_in_is_told_before_a_packet_is_on_its_way(
    house: AlkonaHouse, changed: dict[str, str], told: str
) -> None:
    house.submit(DN, FIRST.oid, sound(number=2))
    right, house.settings = house.settings, {**house.settings, **changed}
    assert house.finish(house.start()) == "FAILED"
    assert [r.result_text for r in house.rows("SELECT result_text FROM launches")] == [told]
    assert (house.statuses(), house.rows("SELECT 1 FROM attempts")) == ({"FORMED": 1}, [])
    house.settings = right
    house.launch()
    check_books(house)


def test_a_service_sees_no_replies_but_its_own_whatever_the_way(house: AlkonaHouse) -> None:
    replies = Path(house.sandbox.settings["in"])
    for name in ("RDEPM340001T34_26040100001.zip", "RDNM340001T34_26040100001.zip", "VRFM340001T34_26040100001.xml"):
        (replies / name).write_bytes(b"")
    seen = {}
    for code in ("alkona-dep", DN, "alkona-prf"):
        manifest = load_catalog().manifest(code)
        assert manifest is not None
        with closing(open_transport(manifest.transport, house.settings)) as files:
            seen[code] = [name[:4] for name in files.names()]
    assert seen == {"alkona-dep": ["RDEP"], DN: ["RDNM"], "alkona-prf": ["VRFM"]}
