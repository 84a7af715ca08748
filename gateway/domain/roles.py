"""Who may do what: the role table of the SOAP contract, as data.

A viewer is the account that calls, narrowed by the person it acts for: every right is the intersection of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Role of an account; codes are fixed by the SOAP contract."""

    DC_ADMIN = "dc_admin"
    MO_ADMIN = "mo_admin"
    STATISTICIAN = "statistician"
    MIS = "mis"


ROLE_TITLES: Final[dict[Role, str]] = {
    Role.DC_ADMIN: "АРМ администратора ЦОД",
    Role.MO_ADMIN: "АРМ администратора МО",
    Role.STATISTICIAN: "АРМ медицинского статистика",
    Role.MIS: "Медицинская информационная система",
}


class Verb(StrEnum):
    """What a caller may want to do."""

    VIEW = "VIEW"
    RUN = "RUN"
    HOLD = "HOLD"
    SUBMIT = "SUBMIT"
    TAKE_INBOUND = "TAKE_INBOUND"


RIGHTS: Final[dict[Verb, frozenset[Role]]] = {
    Verb.VIEW: frozenset(Role),
    Verb.RUN: frozenset({Role.DC_ADMIN, Role.MO_ADMIN, Role.MIS}),
    Verb.HOLD: frozenset({Role.DC_ADMIN, Role.MO_ADMIN}),
    Verb.SUBMIT: frozenset({Role.MIS}),
    Verb.TAKE_INBOUND: frozenset({Role.MIS}),
}

UNLIMITED_ROLES: Final = frozenset({Role.DC_ADMIN})
"""Roles that see every МО of the region; all others see the МО written to their account."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the journal knows it. ``organization_ids`` is None where the role sees every МО."""

    id: int
    login: str
    role: Role
    organization_ids: frozenset[int] | None
    may_act: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """The person for whom a МИС asks; ``organization_id`` is None for a role that sees every МО."""

    login: str
    role: Role
    organization_id: int | None


@dataclass(frozen=True, slots=True)
class Viewer:
    """The caller of one request: an account, maybe acting for a person; ``address`` is where the call came from."""

    account: Account
    actor: Actor | None = None
    address: str | None = None

    @property
    def roles(self) -> frozenset[Role]:
        """Every role whose rights limit this call."""
        return frozenset({self.account.role} | ({self.actor.role} if self.actor else set()))

    @property
    def organization_ids(self) -> frozenset[int] | None:
        """Internal ids of the МО whose rows exist for this caller; None means every МО."""
        own = self.account.organization_ids
        if self.actor is None or self.actor.role in UNLIMITED_ROLES:
            return own
        theirs = frozenset() if self.actor.organization_id is None else frozenset({self.actor.organization_id})
        return theirs if own is None else own & theirs

    @property
    def name(self) -> str:
        """Who did it, as the journal shows it: ``login`` or ``login (для person)``."""
        return f"{self.account.login} (для {self.actor.login})" if self.actor else self.account.login

    def may(self, verb: Verb) -> bool:
        """Tell whether every role of this call holds the right."""
        return self.roles <= RIGHTS[verb]

    def sees_organization(self, organization_id: int | None) -> bool:
        """Tell whether rows of this МО exist for the caller; rows without a МО are for unlimited roles."""
        own = self.organization_ids
        return own is None or organization_id in own
