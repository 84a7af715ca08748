"""Organisations, accounts, service settings and the audit trail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.domain.roles import UNLIMITED_ROLES, Account, Role, Viewer
from gateway.journal.engine import new_ids
from gateway.journal.registry_tables import (
    account_organizations,
    accounts,
    organizations,
    service_settings,
    spent_nonces,
)
from gateway.journal.tables import audit_events


@dataclass(frozen=True, slots=True)
class OrganizationRow:
    """A МО as the journal keeps it."""

    id: int
    oid: str
    name: str
    codes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account with what proves its password. ``changed_at`` moves with every change that ends cached sign-ins."""

    account: Account
    password_hash: str
    disabled: bool
    changed_at: datetime


def put_organization(connection: Connection, oid: str, name: str, codes: Mapping[str, str]) -> int:
    """Add a МО or change the one with this OID; return its id. The caller commits."""
    statement = upsert(organizations).values(oid=oid, name=name, codes=dict(codes))
    statement = statement.on_conflict_do_update(
        index_elements=["oid"], set_={"name": statement.excluded.name, "codes": statement.excluded.codes}
    )
    return int(connection.execute(statement.returning(organizations.c.id)).scalar_one())


def lock_organizations(connection: Connection) -> None:
    """Let nobody else change МО until the caller commits: what was judged stays so. Readers do not wait."""
    connection.execute(text("LOCK TABLE organizations IN SHARE ROW EXCLUSIVE MODE"))


def find_organizations(connection: Connection, oids: Iterable[str]) -> dict[str, OrganizationRow]:
    """МО by OID; unknown OIDs are absent from the answer."""
    rows = connection.execute(select(organizations).where(organizations.c.oid.in_(list(oids))))
    return {row.oid: _organization(row) for row in rows}


def load_organizations(connection: Connection, ids: Iterable[int] | None = None) -> dict[int, OrganizationRow]:
    """МО by id: those asked for, or all."""
    query = select(organizations).order_by(organizations.c.name, organizations.c.id)
    if ids is not None:
        query = query.where(organizations.c.id.in_(list(ids)))
    return {row.id: _organization(row) for row in connection.execute(query)}


def _organization(row: Row[Any]) -> OrganizationRow:
    return OrganizationRow(row.id, row.oid, row.name, row.codes)


def add_account(
    connection: Connection,
    login: str,
    password_hash: str,
    role: Role,
    organization_ids: Sequence[int],
    *,
    may_act: bool,
    certificate: str | None = None,
) -> int:
    """Add an account with its МО; return its id. The caller commits.

    ``certificate`` is the subject (RFC 2253) of the client certificate that stands for the account.

    Raises:
        sqlalchemy.exc.IntegrityError: the login or the certificate is taken.
    """
    row = insert(accounts).values(
        login=login, password_hash=password_hash, role=role, may_act=may_act, certificate=certificate
    )
    account_id = int(connection.execute(row.returning(accounts.c.id)).scalar_one())
    if organization_ids:
        pairs = [{"account_id": account_id, "organization_id": i} for i in sorted(set(organization_ids))]
        connection.execute(insert(account_organizations), pairs)
    return account_id


def disable_account(connection: Connection, login: str) -> bool:
    """Disable an account; tell whether an enabled one of that login was there. The caller commits."""
    statement = (
        update(accounts)
        .where(accounts.c.login == login, accounts.c.disabled_at.is_(None))
        .values(disabled_at=text("clock_timestamp()"), changed_at=text("clock_timestamp()"))
    )
    return connection.execute(statement).rowcount == 1


def set_password(connection: Connection, login: str, password_hash: str) -> bool:
    """Give an account another password and enable it; tell whether it is there. The caller commits."""
    statement = (
        update(accounts)
        .where(accounts.c.login == login)
        .values(password_hash=password_hash, disabled_at=None, changed_at=text("clock_timestamp()"))
    )
    return connection.execute(statement).rowcount == 1


def find_account(connection: Connection, login: str) -> StoredAccount | None:
    """The account of a login, with its МО, or None."""
    return _stored(connection, accounts.c.login == login)


def find_account_by_certificate(connection: Connection, subject: str) -> StoredAccount | None:
    """The account of a client certificate, by the certificate's subject (RFC 2253), or None."""
    return _stored(connection, accounts.c.certificate == subject)


def _stored(connection: Connection, condition: ColumnElement[bool]) -> StoredAccount | None:
    row = connection.execute(select(accounts).where(condition)).one_or_none()
    if row is None:
        return None
    owned = connection.execute(
        select(account_organizations.c.organization_id).where(account_organizations.c.account_id == row.id)
    ).scalars()
    role = Role(row.role)
    limits = None if role in UNLIMITED_ROLES else frozenset(owned)
    account = Account(row.id, row.login, role, limits, row.may_act)
    return StoredAccount(account, row.password_hash, row.disabled_at is not None, row.changed_at)


def list_accounts(connection: Connection) -> list[Row[Any]]:
    """Login, role, created_at, disabled_at, may_act and the OIDs of every account, by login."""
    return list(
        connection.execute(
            text(
                """
                SELECT a.login, a.role, a.may_act, a.created_at, a.disabled_at,
                  coalesce(array_agg(o.oid ORDER BY o.oid) FILTER (WHERE o.oid IS NOT NULL), '{}') AS oids
                FROM accounts a LEFT JOIN account_organizations ao ON ao.account_id = a.id
                LEFT JOIN organizations o ON o.id = ao.organization_id
                GROUP BY a.id ORDER BY a.login
                """
            )
        )
    )


class ServiceSettings(NamedTuple):
    """Settings of a service, by default those of one that nobody has set anything for.

    ``schedule`` and ``time_zone`` None stand for the manifest's and the installation's; ``next_start_at`` is the
    planned start of the schedule that ``next_start_of`` names.
    """

    enabled: bool = True
    schedule: str | None = None
    time_zone: str | None = None
    jitter_s: int = 0
    next_start_at: datetime | None = None
    next_start_of: str | None = None


def service_settings_of(row: Row[Any]) -> ServiceSettings:
    """The settings in a row of the table."""
    return ServiceSettings(*(getattr(row, name) for name in ServiceSettings._fields))


def load_service_settings(connection: Connection) -> dict[str, ServiceSettings]:
    """Stored settings by service code; a service without a row has the defaults."""
    rows = connection.execute(select(service_settings))
    return {row.service_code: service_settings_of(row) for row in rows}


def spend_nonce(connection: Connection, digest: bytes) -> bool:
    """Remember a nonce and forget a few that are over 15 minutes old; tell whether it was new. The caller commits."""
    connection.execute(
        text(
            """
            DELETE FROM spent_nonces WHERE digest IN (
              SELECT digest FROM spent_nonces WHERE spent_at < clock_timestamp() - interval '15 minutes'
              ORDER BY spent_at LIMIT 10 FOR UPDATE SKIP LOCKED
            )
            """
        )
    )
    statement = upsert(spent_nonces).values(digest=digest).on_conflict_do_nothing()
    return connection.execute(statement.returning(spent_nonces.c.digest)).one_or_none() is not None


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One entry of the audit trail; never holds personal data, only ids and codes."""

    action: str
    objects: Sequence[str] = ()
    organization_id: int | None = None
    detail: Mapping[str, Any] | None = None


def audit(connection: Connection, viewer: Viewer | None, event: AuditEvent, *, who: str | None = None) -> None:
    """Write who did or saw what, one row per object. The caller commits, with the deed itself where it is a change."""
    ids = new_ids(connection)
    rows = [
        {
            "id": next(ids),
            "account_id": viewer.account.id if viewer else None,
            "who": who or (viewer.name if viewer else "система"),
            "action": event.action,
            "organization_id": event.organization_id,
            "object": entry,
            "address": viewer.address if viewer else None,
            "detail": event.detail,
        }
        for entry in event.objects or (None,)
    ]
    connection.execute(insert(audit_events), rows)
