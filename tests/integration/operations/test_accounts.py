"""Who calls: sign-ins that tell nothing to a guesser, and the trail of what was seen and done."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import text

from gateway.domain.errors import GatewayError, InvalidRequest, NotAllowed, NotAuthenticated
from gateway.journal import registry, sign_ins
from gateway.journal.sign_ins import FORGET_S, FREE_FAILURES, FREE_LOGINS, FREE_OF_LOGIN, MAX_DELAY_S
from gateway.operations import accounts, control, journal, passwords
from gateway.operations.passwords import hash_password
from gateway.operations.records import ActorClaim
from tests.support.region import ACTOR, SERVICE, A, World, open_world
from tests.support.running import PASSWORD


def sign_in(world: World, login: str = "mo_admin", password: str = PASSWORD, address: str = "192.0.2.1") -> str:
    """What comes of a sign-in."""
    try:
        return accounts.authenticate(world.ctx, login, password, address).login
    except GatewayError as error:
        return error.message


def disable(world: World, login: str) -> None:
    with world.engine.begin() as connection:
        assert registry.disable_account(connection, login)


@dataclass
class Clock:
    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(passwords, "time", made)
    return made


def test_wrong_unknown_and_disabled_look_alike(world: World) -> None:
    assert sign_in(world) == "mo_admin"
    disable(world, "statistician")
    answers = {
        sign_in(world, "mo_admin", "wrong"),
        sign_in(world, "nobody", PASSWORD),
        sign_in(world, "statistician", PASSWORD),
        sign_in(world, "mo_admin\0", PASSWORD),
    }
    assert answers == {accounts.REFUSED}
    assert world.audit("sign-in-refused") == [(who, None) for who in ("mo_admin", "nobody", "statistician", "mo_admin")]


def test_a_verified_password_is_forgotten_when_the_account_changes(world: World) -> None:
    assert sign_in(world) == "mo_admin"
    with world.engine.begin() as connection:
        changed = {"hash": hash_password("another-password"), "login": "mo_admin"}
        statement = "UPDATE accounts SET password_hash = :hash, changed_at = clock_timestamp() WHERE login = :login"
        connection.execute(text(statement), changed)
    assert sign_in(world) == accounts.REFUSED
    assert sign_in(world, password="another-password") == "mo_admin"
    disable(world, "mo_admin")
    assert sign_in(world, password="another-password") == accounts.REFUSED


def test_a_verified_password_costs_nothing_again(world: World, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    seen: list[str] = []
    verify = passwords._verify

    def counted(given: str, password: str) -> bool:
        seen.append(given)
        return verify(given, password)

    monkeypatch.setattr(passwords, "_verify", counted)
    assert [sign_in(world) for _ in range(3)] == ["mo_admin"] * 3
    assert len(seen) == 1
    clock.now += passwords.REMEMBER_S
    assert sign_in(world) == "mo_admin"
    assert len(seen) == 2


def elapse(world: World, seconds: float) -> None:
    """Let time pass for those who wait, as far as the journal can tell."""
    with world.engine.begin() as connection:
        query = text("UPDATE sign_in_failures SET until = until - make_interval(secs => :passed)")
        connection.execute(query, {"passed": seconds})


def wait_s(answer: str) -> int:
    """Seconds that a refusal asks to wait; 0 for any other answer."""
    found = re.search(r"повторите через (\d+) с", answer)
    return int(found[1]) if found else 0


def test_failures_make_the_next_attempt_wait_longer_and_longer(world: World) -> None:
    for number in range(FREE_FAILURES):
        assert sign_in(world, password=f"guess {number}") == accounts.REFUSED
    for delay_s in (1, 2, 4, 8):
        assert 0 < wait_s(sign_in(world)) <= delay_s
        elapse(world, delay_s)
        assert sign_in(world, password="one more guess") == accounts.REFUSED
    elapse(world, MAX_DELAY_S)
    assert sign_in(world) == "mo_admin"
    assert sign_in(world, password="a slip") == accounts.REFUSED
    assert sign_in(world, password="a slip") == accounts.REFUSED, "the record was cleared"


def test_the_delay_has_a_limit(world: World) -> None:
    sign_in(world, password="a guess")
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE sign_in_failures SET failures = 2000000000"))
    sign_in(world, password="a guess")
    assert MAX_DELAY_S - 5 < wait_s(sign_in(world)) <= MAX_DELAY_S


def test_every_process_knows_of_the_failures_that_another_saw(world: World) -> None:
    other = open_world(world.engine)
    for number in range(FREE_FAILURES):
        sign_in((world, other)[number % 2], "nobody", f"guess {number}")
    for process in (world, other):
        assert wait_s(sign_in(process, "nobody")) > 0, "an unknown login waits like a known one"
    assert sign_in(other) == "mo_admin"


def test_of_guesses_made_at_once_no_more_are_judged_than_one_after_another(world: World) -> None:
    processes = [world, open_world(world.engine)]

    def guess(number: int) -> str:
        return sign_in(processes[number % 2], password=f"guess {number}")

    began = time.monotonic()
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(guess, range(40)))
    judged = answers.count(accounts.REFUSED)
    waited_out = int(time.monotonic() - began)
    assert FREE_FAILURES <= judged <= FREE_FAILURES + waited_out, "each further guess waits a second at least"
    assert sum(wait_s(answer) > 0 for answer in answers) == 40 - judged


def test_right_passwords_given_at_once_are_all_let_in(world: World) -> None:
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda n: sign_in(world, address=f"192.0.2.{n}"), range(40)))
    assert answers == ["mo_admin"] * 40


@pytest.mark.parametrize(
    ("guesser", "neighbour", "waits"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
    ],
)
def test_an_address_is_slowed_too_and_forgiven_after_a_quiet_hour(
    world: World, guesser: str, neighbour: str, waits: bool
) -> None:
    for number in range(FREE_LOGINS):
        sign_in(world, f"nobody-{number}", "guess", guesser)
    assert (wait_s(sign_in(world, address=neighbour)) > 0) == waits
    elapse(world, FORGET_S + MAX_DELAY_S)
    assert sign_in(world, "mo_admin", "a slip", guesser) == accounts.REFUSED
    assert sign_in(world, address=neighbour) == "mo_admin"


def test_one_client_with_an_old_password_bars_nobody_else(world: World) -> None:
    for _ in range(FREE_OF_LOGIN):
        elapse(world, MAX_DELAY_S)
        assert sign_in(world, "mis", "the old password") == accounts.REFUSED
    assert wait_s(sign_in(world, "mis")) > 0
    assert sign_in(world) == "mo_admin", "a neighbour behind the same address"
    assert sign_in(world, "mis", address="192.0.2.2") == "mis", "the owner at another address"


def test_a_login_guessed_from_many_addresses_waits_at_every_one(world: World) -> None:
    for number in range(FREE_OF_LOGIN):
        address = f"198.51.100.{number // FREE_FAILURES}"
        assert wait_s(sign_in(world, password=f"guess {number}", address=address)) == 0
    assert wait_s(sign_in(world, address="192.0.2.1")) > 0
    elapse(world, MAX_DELAY_S)
    assert sign_in(world, address="192.0.2.1") == "mo_admin"


def test_who_keeps_working_is_refused_as_soon_as_he_is_disabled(world: World) -> None:
    assert [sign_in(world), sign_in(world)] == ["mo_admin"] * 2
    disable(world, "mo_admin")
    assert sign_in(world) == accounts.REFUSED


def test_who_signed_in_before_is_not_locked_out_by_a_guesser(world: World) -> None:
    assert sign_in(world) == "mo_admin"
    for number in range(FREE_FAILURES):
        sign_in(world, password=f"guess {number}")
    assert wait_s(sign_in(open_world(world.engine))) > 0, "the guesser would have to wait"
    assert sign_in(world) == "mo_admin"


def test_failures_are_forgotten_by_housekeeping(world: World) -> None:
    sign_in(world, "nobody", "guess", "192.0.2.1")
    with world.engine.begin() as connection:
        assert sign_ins.forget_failures(connection) == 0
    elapse(world, FORGET_S + 1)
    with world.engine.begin() as connection:
        assert sign_ins.forget_failures(connection) == 3


def test_every_look_and_deed_leaves_a_trace(world: World) -> None:
    packet = world.packet_of(A)
    admin = world.viewer("mo_admin")
    journal.get_packet_data(world.ctx, admin, packet)
    journal.get_packet_answer(world.ctx, admin, packet)
    control.hold_packets(world.ctx, admin, (packet,), "Пациент отказался")
    control.release_packets(world.ctx, admin, (packet,))
    (launch,) = control.start_service(world.ctx, world.viewer("mis_for_mo_admin"), SERVICE, (A,), None)
    for action in ("look-packet-data", "look-packet-answer", "hold-packet", "release-packet"):
        assert world.audit(action) == [("mo_admin", str(packet))]
    assert world.audit("start-service")[-1] == ("mis (для операторА)", str(launch))
    with world.engine.connect() as connection:
        query = "SELECT detail, address FROM audit_events WHERE action = 'hold-packet'"
        row = connection.execute(text(query)).one()
    assert (row.detail, str(row.address)) == ({"reason": "Пациент отказался"}, "192.0.2.7")


def test_what_was_refused_leaves_no_trace_of_a_deed(world: World) -> None:
    packet = world.packet_of(A)
    control.release_packets(world.ctx, world.viewer("mo_admin"), (packet,))
    assert world.audit("release-packet") == []


def test_a_refused_sign_in_is_an_error_of_its_own(world: World) -> None:
    with pytest.raises(NotAuthenticated):
        accounts.authenticate(world.ctx, "x" * 500, "y", None)
    assert world.audit("sign-in-refused") == [("x" * 64, None)]


def test_a_mis_that_acts_for_a_person_is_told_that_both_roles_count(world: World) -> None:
    with pytest.raises(NotAllowed) as caught:
        control.hold_packets(world.ctx, world.viewer(ACTOR), (UUID(int=1),), None)
    assert caught.value.message == (
        "Запрет отправки не разрешён: при действии от имени пользователя нужны права обеих ролей, "
        "«Медицинская информационная система» и «АРМ администратора МО»"
    )
    with pytest.raises(NotAllowed, match="не разрешён вашей роли"):
        control.hold_packets(world.ctx, world.viewer("mis"), (UUID(int=1),), None)


@pytest.mark.parametrize(
    ("login", "role", "told"),
    [
        ("", "dc_admin", "actor/login: не указан логин пользователя"),
        (" \t\u00a0", "mo_admin", "actor/login: не указан логин пользователя"),
        ("operator", "mis", "actor/role: неизвестная роль, допустимы dc_admin, mo_admin, statistician"),
        ("operator", "", "actor/role: неизвестная роль, допустимы dc_admin, mo_admin, statistician"),
    ],
)
def test_a_person_without_a_name_or_a_role_is_nobody_to_act_for(world: World, login: str, role: str, told: str) -> None:
    account = world.viewer("mis_for_mo_admin").account
    with pytest.raises(InvalidRequest) as caught:
        accounts.as_viewer(world.ctx, account, ActorClaim(login, role, A), "192.0.2.7")
    assert caught.value.message == told
