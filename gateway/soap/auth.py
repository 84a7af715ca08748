"""Who calls: a client certificate, HTTP Basic or a WS-Security UsernameToken, judged before the body is interpreted."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from lxml import etree

from gateway.domain.errors import InvalidRequest, NotAuthenticated
from gateway.domain.roles import Account, Viewer
from gateway.operations.context import Context
from gateway.operations.records import ActorClaim
from gateway.xml import namespaces
from gateway.xml.instants import parse_instant

MAX_SKEW: Final = timedelta(minutes=5)
"""How far a caller's clock may stand from ours; a nonce is remembered at least twice as long."""

_WSSE: Final = f"{{{namespaces.WSSE}}}"
_WSU: Final = f"{{{namespaces.WSU}}}"
_UNDERSTOOD: Final = frozenset({f"{_WSSE}UsernameToken", f"{_WSU}Timestamp"})


class Accounts(Protocol):
    """The part of the operations that knows accounts."""

    def authenticate(self, ctx: Context, login: str, password: str, address: str | None) -> Account:
        """Return the account, or raise NotAuthenticated or TooMany."""

    def find_by_certificate(self, ctx: Context, subject: str) -> Account | None:
        """Return the account a client certificate stands for, if it stands for one."""

    def spend_nonce(self, ctx: Context, digest: bytes) -> bool:
        """Remember a nonce, for all processes; tell whether it was new."""

    def as_viewer(self, ctx: Context, account: Account, claim: ActorClaim | None, address: str | None) -> Viewer:
        """Return the viewer of one request, or raise NotAllowed or InvalidRequest."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login and a password; ``nonce`` (a digest) makes a token usable once. The password is never shown."""

    login: str
    password: str
    nonce: bytes | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.login!r})"


def from_header(authorization: str) -> Credentials | None:
    """Read HTTP Basic credentials (RFC 7617, UTF-8); None when the header is absent or of another scheme.

    Raises:
        NotAuthenticated: the header is Basic and cannot be read.
    """
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        login, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise NotAuthenticated("Заголовок Authorization записан неверно.")
    return Credentials(login, password)


def from_security(security: etree._Element | None, now: datetime) -> Credentials | None:
    """Read a UsernameToken (WSS UsernameToken Profile 1.0, PasswordText); None when there is none.

    Raises:
        NotAuthenticated: PasswordDigest or another password type, a moment out of the window, a part given twice,
            parts such as signatures that nobody here would check.
    """
    if security is None:
        return None
    if any(part.tag not in _UNDERSTOOD for part in security):
        raise NotAuthenticated("В заголовке Security поддерживаются только UsernameToken и Timestamp.")
    _refuse_twice(security)
    expires = security.findtext(f"{_WSU}Timestamp/{_WSU}Expires")
    if expires is not None and _moment(expires) < now - MAX_SKEW:
        raise NotAuthenticated("Срок действия сообщения (Timestamp/Expires) истёк.")
    token = security.find(f"{_WSSE}UsernameToken")
    if token is None:
        return None
    _refuse_twice(token)
    password = token.find(f"{_WSSE}Password")
    if password is None:
        raise NotAuthenticated("В UsernameToken нет пароля.")
    _check_password_type(password.get("Type", "#PasswordText"))
    login = (token.findtext(f"{_WSSE}Username") or "").strip()
    return Credentials(login, password.text or "", _nonce(token, login, now))


def authenticate(accounts: Accounts, ctx: Context, credentials: Credentials, address: str | None) -> Account:
    """Return the account of a login and a password, and spend the nonce of a token that proved right.

    Raises:
        NotAuthenticated, TooMany: as the accounts decide, or a token used before.
    """
    account = accounts.authenticate(ctx, credentials.login, credentials.password, address)
    if credentials.nonce is not None and not accounts.spend_nonce(ctx, credentials.nonce):
        raise NotAuthenticated("Повтор запроса: Nonce уже использован.")
    return account


def now_utc() -> datetime:
    """Return the moment by this machine's clock, to compare with a caller's."""
    return datetime.now(UTC)


def _check_password_type(kind: str) -> None:
    if kind.endswith("#PasswordDigest"):
        raise NotAuthenticated(
            "PasswordDigest не поддерживается: для его проверки пароли пришлось бы хранить открыто. "
            "Передайте пароль как PasswordText по защищённому соединению."
        )
    if not kind.endswith("#PasswordText"):
        raise NotAuthenticated("Поддерживается только пароль вида PasswordText.")


def _nonce(token: etree._Element, login: str, now: datetime) -> bytes | None:
    created = token.findtext(f"{_WSU}Created")
    if created is not None and abs(_moment(created) - now) > MAX_SKEW:
        raise NotAuthenticated(
            "Время создания UsernameToken (Created) расходится с временем шлюза более чем на 5 минут."
        )
    nonce = token.findtext(f"{_WSSE}Nonce")
    if nonce is None:
        return None
    return hashlib.sha256("\0".join((login, nonce.strip(), created or "")).encode()).digest()


def _refuse_twice(element: etree._Element) -> None:
    """Refuse what a reader who takes the first and one who takes the last would understand differently."""
    tags = [child.tag for child in element]
    if len(set(tags)) < len(tags):
        raise NotAuthenticated("В заголовке Security один из элементов указан дважды.")


def _moment(text: str) -> datetime:
    try:
        return parse_instant(text)
    except InvalidRequest:
        raise NotAuthenticated("Время в заголовке Security записано неверно.") from None
