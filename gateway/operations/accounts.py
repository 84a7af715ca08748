"""Who calls: signing in, and acting for a person."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from gateway.domain.errors import InvalidRequest, NotAllowed, NotAuthenticated, TooMany
from gateway.domain.roles import UNLIMITED_ROLES, Account, Actor, Role, Viewer
from gateway.journal import registry, sign_ins
from gateway.journal.registry import StoredAccount
from gateway.operations.bounds import MAX_KEY, require_codes, require_length
from gateway.operations.context import Context
from gateway.operations.records import ActorClaim

REFUSED = "Неизвестная учётная запись или неверный пароль"
_ROLES_OF_PEOPLE: Final = tuple(role for role in Role if role is not Role.MIS)


def authenticate(ctx: Context, login: str, password: str, address: str | None) -> Account:
    """Sign in by login and password. Commits.

    Attempts of one login are judged one after another, in whichever process, so that what the first ones come to is
    known to those behind them; whoever is remembered waits for nobody.

    Raises:
        NotAuthenticated: unknown login, wrong password or disabled account; all look alike.
        TooMany: after too many failures of this login, here or anywhere, or of this address, whichever process saw
            them; it tells the wait.
    """
    keys = sign_ins.keys_of(login, address)
    with ctx.engine.connect() as connection:
        stored, remembered = _look_up(ctx, connection, login, password, keys)
    if stored is not None and remembered:
        return stored.account
    with ctx.passwords.turn(), ctx.engine.begin() as connection:
        sign_ins.judge_alone(connection, keys.login)
        stored, remembered = _look_up(ctx, connection, login, password, keys)
        fits = remembered or _judge(ctx, stored, login, password)
        if not fits:
            sign_ins.note_failure(connection, keys)
            event = registry.AuditEvent("sign-in-refused", detail={"address": address})
            registry.audit(connection, None, event, who=login.replace("\0", "")[:64])
        elif not remembered:
            sign_ins.forgive(connection, [keys.pair, keys.login])
    if stored is None or not fits:
        raise NotAuthenticated(REFUSED)
    return stored.account


def _look_up(
    ctx: Context, connection: Connection, login: str, password: str, keys: sign_ins.Keys
) -> tuple[StoredAccount | None, bool]:
    """The account, where it may sign in, and whether its password was found right lately.

    Raises:
        TooMany: it was not, and there were too many failures.
    """
    found = None if "\0" in login else registry.find_account(connection, login)
    usable = found if found is not None and not found.disabled else None
    if usable and ctx.passwords.remembers(usable.password_hash, usable.changed_at, login, password):
        return usable, True
    wait_s = max(sign_ins.delays_s(connection, keys.all).values(), default=0.0)
    if wait_s > 0:
        raise TooMany(f"Слишком много неудачных попыток входа: повторите через {int(wait_s) + 1} с")
    return usable, False


def _judge(ctx: Context, stored: StoredAccount | None, login: str, password: str) -> bool:
    if stored is None:
        return ctx.passwords.verify(None, None, login, password)
    return ctx.passwords.verify(stored.password_hash, stored.changed_at, login, password)


def find_by_certificate(ctx: Context, subject: str) -> Account | None:
    """The enabled account that a client certificate stands for, by the certificate's subject (RFC 2253)."""
    with ctx.engine.connect() as connection:
        stored = None if "\0" in subject else registry.find_account_by_certificate(connection, subject)
    return stored.account if stored is not None and not stored.disabled else None


def spend_nonce(ctx: Context, digest: bytes) -> bool:
    """Remember a nonce for 15 minutes, for all processes; tell whether it was new. Commits."""
    with ctx.engine.begin() as connection:
        return registry.spend_nonce(connection, digest)


def as_viewer(ctx: Context, account: Account, claim: ActorClaim | None, address: str | None) -> Viewer:
    """The caller of this request: the account itself, or the account acting for a person of its МИС.

    Raises:
        NotAllowed: the account was not granted to act for people, or the МО is not its own.
        InvalidRequest: nobody is named, an unknown role, or a role of one МО without its OID.
    """
    if claim is None:
        return Viewer(account, address=address)
    if account.role is not Role.MIS or not account.may_act:
        raise NotAllowed("Учётной записи не разрешено действовать от имени пользователей")
    require_length("actor/login", claim.login, MAX_KEY)
    if not claim.login.strip():
        raise InvalidRequest("actor/login: не указан логин пользователя")
    require_codes("actor/role", "неизвестная роль", (claim.role,), _ROLES_OF_PEOPLE)
    role = Role(claim.role)
    if role in UNLIMITED_ROLES:
        return Viewer(account, Actor(claim.login, role, None), address)
    if not claim.organization_oid:
        raise InvalidRequest("actor/organizationOid: для этой роли нужно указать МО пользователя")
    with ctx.engine.connect() as connection:
        found = registry.find_organizations(connection, [claim.organization_oid]).get(claim.organization_oid)
    if found is None or not Viewer(account).sees_organization(found.id):
        raise NotAllowed("МО пользователя не относится к учётной записи")
    return Viewer(account, Actor(claim.login, role, found.id), address)
