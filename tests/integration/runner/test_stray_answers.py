"""Answers that name no packet of this journal, as after its restoration from an older copy: kept once and confirmed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from gateway.domain.errors import NotFound
from gateway.domain.roles import Account, Role, Viewer
from gateway.domain.statuses import Direction
from gateway.journal.bodies import unpack
from gateway.journal.receiving import count_unconfirmed
from gateway.journal.schema import load_secret
from gateway.operations import journal
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.records import PacketFilter, PageRequest
from tests.integration.runner.conftest import Driver
from tests.integration.runner.test_interruptions import once
from tests.support.audit import check_counters
from tests.support.houses import SERVICE, House, quick_catalog
from workers.exchanges.tfoms_hosp import peer
from workers.runner import process
from workers.runs import answers
from workers.runs.surroundings import Point

KEPT = "Сохранены ответы на неизвестные пакеты"
LEFT = "Оставлены ответы на пакеты другого сервиса"


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer hands out fewer answers at once than there will be strays."""
    for name, value in (("TAKE", 2), ("TAKE_MAX", 6), ("CROWD", 4)):
        monkeypatch.setattr(answers, name, value)
    monkeypatch.setattr(process, "CRASH_PAUSE_S", 0.0)


def execute(home: House, *statements: str, **given: object) -> None:
    """Change the journal by hand."""
    with home.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), given)


def send(home: House, drive: Driver, stays: int = 3) -> int:
    """Launch the packets of so many stays; the peer took them and answers only now. How many they are."""
    home.submit(stays)
    home.sandbox.switches.update({"answer_delay_s": 3600})
    drive(quick_catalog(answer_window_s=0)).launch()
    home.sandbox.switches.update({"answer_delay_s": 0})
    return home.statuses()["SENT"]


def send_and_forget(home: House, drive: Driver) -> int:
    """The same, and then the journal is restored from a copy that has none of it."""
    number = send(home, drive)
    children = ("DELETE FROM packet_bodies", "DELETE FROM packet_findings", "DELETE FROM attempts")
    execute(home, *children, "DELETE FROM packets", "DELETE FROM launch_counters", "DELETE FROM source_objects")
    execute(home, "DELETE FROM outbox")
    assert number > answers.TAKE_MAX
    return number


def strays(home: House) -> list[Any]:
    """What the journal keeps of such answers."""
    statement = (
        "SELECT p.*, b.content, b.media_type FROM packets p"
        " JOIN packet_bodies b ON b.packet_id = p.id AND b.kind = 'DATA' WHERE p.direction = 'IMPORT' ORDER BY p.id"
    )
    with home.engine.connect() as connection:
        assert count_unconfirmed(connection, SERVICE) == 0
        check_counters(connection)
        return list(connection.execute(text(statement)))


def unconfirmed(home: House) -> int:
    """How many answers the peer still keeps."""
    return sum(not entry.confirmed for entry in home.sandbox.ledger())


def test_they_are_kept_told_and_confirmed_and_bar_none_behind_them(home: House, drive: Driver) -> None:
    number, lost = send_and_forget(home, drive), {entry.id for entry in home.sandbox.ledger()}
    home.submit(2)
    assert drive().launch() == ("SUCCESS", f"{KEPT}: {number}")
    assert (home.statuses().get("SENT"), unconfirmed(home)) == (None, 0)
    kept = strays(home)
    for row in kept:
        named = next(each for each in lost if each in row.result_text)
        assert row.result_text.startswith(f"Ответ на неизвестный пакет {named}: ")
        assert f"<MESSAGE_ID>{named}</MESSAGE_ID>" in unpack(row.content).decode()
        lost.remove(named)
    assert (lost, {(r.status, r.packet_type, r.organization_id) for r in kept}) == (
        set(),
        {("REFUSED", "ANSWER", None)},
    )
    assert drive().launch() == ("SUCCESS", None)
    assert strays(home) == kept


@pytest.mark.parametrize("point", [Point.ANSWERS_TAKEN, Point.ANSWERS_JOURNALED, Point.ANSWERS_CONFIRMED])
def test_a_worker_that_dies_on_the_way_keeps_each_once(home: House, drive: Driver, point: Point) -> None:
    number = send_and_forget(home, drive)
    deaths: list[Point] = []

    def die() -> None:
        deaths.append(point)
        raise RuntimeError

    launch_id = home.launch()
    assert drive(reached=once(point, die)).until_over(launch_id) == ("SUCCESS", f"{KEPT}: {number}")
    assert (len(deaths), len(strays(home)), unconfirmed(home)) == (1, number, 0)


def test_a_peer_that_offers_them_again_is_only_told_again(
    home: House, drive: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = send_and_forget(home, drive)
    with monkeypatch.context() as deaf:
        deaf.setattr(peer._Tfoms, "confirm", lambda *_: None)
        deaf.setattr(answers, "TAKE_MAX", 1000)
        assert drive().launch() == ("SUCCESS", f"{KEPT}: {number}")
    assert (len(strays(home)), unconfirmed(home)) == (number, number)
    assert drive().launch() == ("SUCCESS", None)
    assert (len(strays(home)), unconfirmed(home)) == (number, 0)


def test_what_comes_late_is_kept_with_the_newest_launch(home: House, drive: Driver) -> None:
    number = send(home, drive)
    first = home.sandbox.ledger()[0].id
    counted = (
        "UPDATE launch_counters c SET packets_total = packets_total - 1 FROM packets p"
        " WHERE p.id = :id AND c.organization_id = p.organization_id"
    )
    execute(home, counted, "UPDATE outbox SET not_before = now()", id=first)
    execute(
        home, "DELETE FROM packet_bodies WHERE packet_id = :id", "DELETE FROM attempts WHERE packet_id = :id", id=first
    )
    execute(home, "DELETE FROM packets WHERE id = :id", id=first)
    with home.engine.connect() as connection:
        (newest,) = connection.execute(text("SELECT id FROM launches")).scalars()
    drive().step()
    (kept,) = strays(home)
    assert (kept.launch_id, first in kept.result_text, unconfirmed(home)) == (newest, True, 0)
    assert sum(home.statuses().values()) == number


def test_one_of_another_service_is_left_to_it(home: House, drive: Driver) -> None:
    number = send(home, drive, 1)
    execute(home, "UPDATE packets SET service_code = 'tfoms-other'", "DELETE FROM outbox")
    assert drive(quick_catalog(answer_window_s=0)).launch() == ("SUCCESS", f"{LEFT}: {number}")
    assert (strays(home), home.statuses(), unconfirmed(home)) == ([], {"SENT": number}, number)
    execute(home, "UPDATE packets SET service_code = :service", service=SERVICE)
    assert drive().launch() == ("SUCCESS", None)
    assert unconfirmed(home) == 0


def test_whose_packet_it_is_does_not_matter_to_a_launch_of_another_organization(home: House, drive: Driver) -> None:
    send(home, drive)
    execute(home, "DELETE FROM outbox")
    other: UUID = home.launch(frozenset({max(home.organizations.values())}))
    assert drive().until_over(other) == ("SUCCESS", None)
    assert (home.statuses().get("SENT"), strays(home), unconfirmed(home)) == (None, [], 0)


def test_a_process_killed_on_the_way_is_followed_by_one_that_keeps_nothing_twice(home: House, drive: Driver) -> None:
    number, launch_id = send_and_forget(home, drive), home.launch()
    with home.worker(DOOM_POINT=Point.ANSWERS_JOURNALED) as doomed:
        doomed.wait_dead(30)
    assert strays_kept(home)
    execute(home, "UPDATE outbox SET lease_until = now(), not_before = now()")
    assert drive().until_over(launch_id) == ("SUCCESS", f"{KEPT}: {number}")
    assert (strays_kept(home), unconfirmed(home)) == (number, 0)


def strays_kept(home: House) -> int:
    """How many the journal keeps, told of or not."""
    with home.engine.connect() as connection:
        statement = text("SELECT count(*) FROM packets WHERE direction = 'IMPORT'")
        return int(connection.execute(statement).scalar_one())


def test_an_administrator_sees_them_in_the_launch_that_took_them_and_a_mo_does_not(home: House, drive: Driver) -> None:
    number, launch_id = send_and_forget(home, drive), home.launch()
    drive().until_over(launch_id)
    ctx = Context(home.engine, quick_catalog(), Cursors(load_secret(home.engine)))
    admin = Viewer(Account(1, "admin", Role.DC_ADMIN, None))
    told = journal.get_launch(ctx, admin, launch_id)
    assert (told.result_text or "").startswith(f"{KEPT}: {number}.")
    assert (told.packets_total, told.packets_with_errors) == (number, 0)
    shown = journal.list_packets(ctx, admin, PacketFilter(launch_id), PageRequest()).items
    assert {(p.packet_type_title, p.status_title, p.direction, p.can_hold) for p in shown} == {
        ("Ответ на неизвестный пакет", "Отклонен нами", Direction.IMPORT, False)
    }
    assert "<MESSAGE_ID>" in (journal.get_packet_data(ctx, admin, shown[0].id).xml or "")
    mo = Viewer(Account(2, "mo", Role.MO_ADMIN, frozenset(home.organizations.values())))
    with pytest.raises(NotFound):
        journal.get_packet_data(ctx, mo, shown[0].id)
