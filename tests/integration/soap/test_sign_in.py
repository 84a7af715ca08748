"""Certificates and nonces as the journal keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from gateway.catalog.registry import load_catalog
from gateway.domain.roles import Role
from gateway.journal import registry
from gateway.operations import accounts
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from tests.support.running import PASSWORD, add_account, add_organizations, gateway_command

SUBJECT = r"CN=mis,O=\D0\91\D0\BE\D0\BB\D1\8C\D0\BD\D0\B8\D1\86\D0\B0"


@pytest.fixture
def ctx(engine: Engine) -> Context:
    return Context(engine, load_catalog(), Cursors(b"invented"))


def register(engine: Engine, login: str, subject: str | None) -> None:
    with engine.begin() as connection:
        registry.add_account(connection, login, "no hash", Role.DC_ADMIN, (), may_act=False, certificate=subject)


def test_a_certificate_stands_for_its_account(ctx: Context) -> None:
    register(ctx.engine, "admin", SUBJECT)
    register(ctx.engine, "other", None)
    found = accounts.find_by_certificate(ctx, SUBJECT)
    assert found is not None
    assert (found.login, found.role) == ("admin", Role.DC_ADMIN)


@pytest.mark.parametrize("subject", ["", "CN=mis", SUBJECT.lower(), SUBJECT + "\0"])
def test_another_certificate_stands_for_nobody(ctx: Context, subject: str) -> None:
    register(ctx.engine, "admin", SUBJECT)
    assert accounts.find_by_certificate(ctx, subject) is None


def test_the_certificate_of_a_disabled_account_stands_for_nobody(ctx: Context) -> None:
    register(ctx.engine, "admin", SUBJECT)
    with ctx.engine.begin() as connection:
        assert registry.disable_account(connection, "admin")
    assert accounts.find_by_certificate(ctx, SUBJECT) is None


def test_a_certificate_stands_for_one_account(ctx: Context) -> None:
    register(ctx.engine, "admin", SUBJECT)
    with pytest.raises(IntegrityError):
        register(ctx.engine, "other", SUBJECT)


def test_a_nonce_is_spent_for_every_process(ctx: Context, engine: Engine) -> None:
    other = Context(engine, ctx.catalog, ctx.cursors)
    assert accounts.spend_nonce(ctx, b"a" * 32)
    assert accounts.spend_nonce(ctx, b"b" * 32)
    assert not accounts.spend_nonce(other, b"a" * 32)


def test_old_nonces_are_forgotten(ctx: Context, engine: Engine) -> None:
    accounts.spend_nonce(ctx, b"a" * 32)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE spent_nonces SET spent_at = now() - interval '16 minutes'")
    accounts.spend_nonce(ctx, b"b" * 32)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM spent_nonces").scalar_one() == 1


def test_the_command_line_registers_a_certificate(ctx: Context, database_url: str, tmp_path: Path) -> None:
    add_account(ctx.engine, "present", Role.DC_ADMIN)
    add_organizations(ctx.engine, [("1.2.3", "Больница", "340001")])
    secret = tmp_path / "password"
    secret.write_text(PASSWORD, encoding="utf-8")
    given = ("--organization", "1.2.3", "--password-file", str(secret), "--certificate", SUBJECT)
    done = gateway_command("account", "add", "mis", "--role", "mis", *given, GATEWAY_DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    found = accounts.find_by_certificate(ctx, SUBJECT)
    assert found is not None
    assert found.login == "mis"
