"""Who calls: sign-ins that tell nothing to a guesser, and the trail of what was seen and done."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import text

from gateway.domain.errors import GatewayError, NotAuthenticated, TooMany
from gateway.journal import registry
from gateway.operations import accounts, control, journal, passwords
from gateway.operations.passwords import FREE_FAILURES, PasswordGate, hash_password
from tests.support.region import SERVICE, A, World
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


def test_a_verified_password_costs_nothing_again(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    gate, stored = PasswordGate(), hash_password(PASSWORD)
    seen: list[str] = []
    verify = passwords._verify

    def counted(given: str, password: str) -> bool:
        seen.append(given)
        return verify(given, password)

    monkeypatch.setattr(passwords, "_verify", counted)
    for _ in range(3):
        assert gate.check(stored, None, "mis", PASSWORD, "192.0.2.1")
    assert len(seen) == 1
    clock.now += passwords.REMEMBER_S
    assert gate.check(stored, None, "mis", PASSWORD, "192.0.2.1")
    assert len(seen) == 2


def test_failures_make_the_next_attempt_wait_longer_and_longer(clock: Clock) -> None:
    gate, stored = PasswordGate(), hash_password(PASSWORD)
    for number in range(FREE_FAILURES):
        assert not gate.check(stored, None, "mis", f"guess {number}", f"192.0.2.{number}")
    for wait_s in (1, 2, 4):
        with pytest.raises(TooMany, match=f"через {wait_s} с|через {wait_s + 1} с"):
            gate.check(stored, None, "mis", PASSWORD, "198.51.100.1")
        clock.now += wait_s + 0.01
        assert not gate.check(stored, None, "mis", "one more guess", "198.51.100.2")
    clock.now += passwords.MAX_DELAY_S
    assert gate.check(stored, None, "mis", PASSWORD, "198.51.100.1")
    assert not gate.check(stored, None, "mis", "a slip", "198.51.100.3"), "a right password clears the record"


def test_an_address_is_slowed_too_and_forgiven_after_a_quiet_hour(clock: Clock) -> None:
    gate, stored = PasswordGate(), hash_password(PASSWORD)
    for number in range(FREE_FAILURES):
        gate.check(None, None, f"nobody-{number}", "guess", "192.0.2.1")
    with pytest.raises(TooMany):
        gate.check(stored, None, "mis", PASSWORD, "192.0.2.1")
    clock.now += passwords.FORGET_S + passwords.MAX_DELAY_S
    assert not gate.check(stored, None, "mis", "a slip", "192.0.2.1")
    assert gate.check(stored, None, "mis", PASSWORD, "192.0.2.1")


def test_who_signed_in_before_is_not_locked_out_by_a_guesser(clock: Clock) -> None:
    gate, stored = PasswordGate(), hash_password(PASSWORD)
    assert gate.check(stored, None, "mis", PASSWORD, "192.0.2.1")
    for number in range(FREE_FAILURES):
        gate.check(stored, None, "mis", f"guess {number}", "198.51.100.9")
    assert clock.now
    assert gate.check(stored, None, "mis", PASSWORD, "192.0.2.1")


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
