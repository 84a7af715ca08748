"""Certification authorities (удостоверяющие центры, УЦ) of the ministry's register, as it publishes them.

Source: перечень аккредитованных УЦ, https://e-trust.gosuslugi.ru (Федеральный закон № 63-ФЗ, статья 16).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

ACTIVE: Final = "Действует"
"""The only status in which the signatures of a УЦ count."""

REFUSAL: Final = "Сертификат выдан неаккредитованным УЦ, подписание невозможно."


@dataclass(frozen=True, slots=True)
class Accreditation:
    """A status and the moment from which it is in force; a status nobody knew before is kept as its text."""

    status: str
    since: datetime


@dataclass(frozen=True, slots=True)
class CaCertificate:
    """A certificate of a УЦ. ``thumbprint`` is SHA-1 of ``der``, ``key_id`` the SubjectKeyIdentifier, both in capital
    hexadecimal digits; ``key_id`` is empty where the register has none. The rest is as published.
    """

    thumbprint: str
    key_id: str
    subject: str
    issuer: str
    serial: str
    valid_from: datetime
    valid_to: datetime
    der: bytes


@dataclass(frozen=True, slots=True)
class Authority:
    """One УЦ of an issue; (``inn``, ``ogrn``) names it for ever. Absent texts are empty."""

    inn: str
    ogrn: str
    name: str
    short_name: str
    number: str
    successor_ogrn: str
    accreditation: Accreditation
    history: tuple[Accreditation, ...]
    certificates: tuple[CaCertificate, ...]

    def digest(self) -> bytes:
        """Name the content (32 bytes): another when anything that is kept of the УЦ has changed."""
        keys = sorted((c.thumbprint, c.key_id) for c in self.certificates)
        told = sorted({(a.status, a.since.timestamp()) for a in (self.accreditation, *self.history)})
        current = (self.accreditation.status, self.accreditation.since.timestamp())
        texts = (self.name, self.short_name, self.number, self.successor_ogrn)
        return hashlib.sha256(repr((texts, current, told, keys)).encode()).digest()


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a download remembers of a document so as not to take it again: where from, and the server's marks."""

    source: str
    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True)
class Issue:
    """One published issue of the register: ``version`` grows, ``size`` in bytes, ``sha256`` of the file."""

    version: int
    issued_at: datetime
    size: int
    sha256: bytes
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class IssueCounts:
    """What an issue brought: УЦ in it, new ones, changed ones, and ones that are no longer listed."""

    total: int
    added: int
    changed: int
    missing: int


def hexadecimal(text: str) -> str:
    """Capital hexadecimal digits without what people put between them."""
    return "".join(c for c in text.upper() if c in "0123456789ABCDEF")


def in_force(history: Iterable[Accreditation], at: datetime) -> str | None:
    """Status in force at a moment: the latest that had begun by then, None before the first.

    Of two that begin together the later told one counts; so ``history`` is in the order in which it became known.
    """
    begun = [a for a in history if a.since <= at]
    latest = max((a.since for a in begun), default=None)
    return next((a.status for a in reversed(begun) if a.since == latest), None)
