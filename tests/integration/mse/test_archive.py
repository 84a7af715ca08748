"""`gateway archive`: the documents of a launch as files, to be carried over by hand."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from gateway.domain.roles import Role
from tests.support.mse import EXPORT, FIRST, SECOND, SLUG, MseHouse
from tests.support.running import add_account, gateway_command
from workers.demo.parts.mse_data import referrals


@pytest.fixture
def launched(house: MseHouse) -> str:
    """A launch whose files were not taken: the disk of the peer is full."""
    house.submit(EXPORT, FIRST.oid, referrals(FIRST, 5))
    house.submit(EXPORT, SECOND.oid, referrals(SECOND, 2))
    house.sandbox.switches.update({"disk_full": True})
    launch_id = house.start()
    house.finish(launch_id)
    add_account(house.engine, "centre", Role.DC_ADMIN)
    add_account(house.engine, "first", Role.MO_ADMIN, [house.organizations[FIRST.oid]])
    return str(launch_id)


def archived(house: MseHouse, database_url: str, launch_id: str, account: str, folder: Path) -> str:
    given = {"GATEWAY_DATABASE_URL": database_url, "GATEWAY_SERVICES": json.dumps({SLUG: house.settings})}
    done = gateway_command("archive", launch_id, "--account", account, "--output", str(folder), **given)
    assert done.returncode == 0, done.stderr
    assert house.rows("SELECT count(*) FROM audit_events WHERE action = 'archive-launch'")[0][0] == 1
    return done.stdout + done.stderr


def names(path: Path) -> list[str]:
    with ZipFile(path) as archive:
        return archive.namelist()


def test_sound_and_faulty_documents_are_told_apart(
    house: MseHouse, database_url: str, launched: str, tmp_path: Path
) -> None:
    assert archived(house, database_url, launched, "centre", tmp_path) == "Документов: 7, с ошибками: 1\n"
    packets = house.rows("SELECT name, status FROM packets ORDER BY id")
    assert names(tmp_path / "good.zip") == [p.name for p in packets if p.status == "SEND_ERROR"]
    assert names(tmp_path / "bad.zip") == [p.name for p in packets if p.status == "FORM_ERROR"]
    protocol = (tmp_path / "protocol.txt").read_text(encoding="utf-8")
    assert [p.name for p in packets if f"{p.name}: Ошибка" not in protocol] == [], protocol
    assert "имеет ошибки" in protocol
    assert protocol.endswith("Всего: 7, с ошибками: 1\n")


def test_an_account_gets_what_it_may_see(house: MseHouse, database_url: str, launched: str, tmp_path: Path) -> None:
    assert archived(house, database_url, launched, "first", tmp_path) == "Документов: 5, с ошибками: 1\n"
    assert len(names(tmp_path / "good.zip")) == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.zip", "good.zip", "protocol.txt"]
