"""Whose certificate it is: the accredited УЦ that issued it, and whether signatures made with it count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from gateway.domain.authorities import ACTIVE, REFUSAL, in_force
from gateway.domain.errors import Unavailable
from gateway.journal import certification_authorities as register
from gateway.journal.engine import database_now
from gateway.operations.context import Context
from gateway.x509 import Certificate, is_signed_by, read_certificate


@dataclass(frozen=True, slots=True)
class Issuer:
    """A УЦ as a judgement names it. ``listed``: the newest issue of the register still has it and its certificate."""

    inn: str
    ogrn: str
    name: str
    number: str
    listed: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the register says of a certificate at one moment.

    ``status_now`` and ``status_then`` are statuses of the issuer, None where it had none. ``verified`` tells whether
    the issuer's key was seen to have signed the certificate; None where the algorithm (ГОСТ) is not known here.
    ``refusal`` is None when signing is possible.
    """

    issuer: Issuer | None
    status_now: str | None
    status_then: str | None
    verified: bool | None
    refusal: str | None


def judge_certificate(ctx: Context, der: bytes, at: datetime | None = None, issuers: Sequence[bytes] = ()) -> Judgement:
    """Find the УЦ that issued a certificate and tell whether its signatures count at ``at`` (None: now).

    The issuer is known by its key (AuthorityKeyIdentifier), by its certificate among ``issuers``, or by its name and
    serial number; a certificate whose signature is seen not to be of that key has no issuer. For a moment in the past
    the status of that moment counts; for now also that the newest issue of the register still lists the УЦ.

    Raises:
        InvalidRequest: ``der`` or one of ``issuers`` is no certificate.
        Unavailable: no issue of the register was ever loaded.
    """
    certificate = read_certificate(der)
    beside = [read_certificate(each) for each in issuers]
    thumbprints = [each.thumbprint for each in beside if _names(certificate, each)]
    with ctx.engine.connect() as connection:
        if register.current_issue(connection) is None:
            raise Unavailable("Реестр аккредитованных УЦ не загружен: запустите «Сервис обновления реестра УЦ».")
        moment = database_now(connection) if at is None else at
        rows = register.find_holders(
            connection,
            thumbprints=[certificate.thumbprint, *thumbprints],
            key_id=certificate.issuer_key_id,
            subject_digest=certificate.issuer_digest,
        )
        told = [
            _judged(row, in_force(register.history_of(connection, row.id), moment), verified, past=at is not None)
            for row in rows
            for accepted, verified in [_issued(row, certificate, thumbprints)]
            if accepted
        ]
    unknown = Judgement(None, None, None, None, REFUSAL)
    return min(told, key=lambda judgement: judgement.refusal is not None, default=unknown)


def _names(certificate: Certificate, issuer: Certificate) -> bool:
    """Tell whether a certificate names this one as its issuer's."""
    by_key = certificate.issuer_key_id in ("", issuer.key_id)
    return by_key and certificate.issuer_digest == issuer.subject_digest


def _issued(row: Row[Any], certificate: Certificate, thumbprints: Sequence[str]) -> tuple[bool, bool | None]:
    """Whether this certificate of a УЦ is the issuer's, and whether the signature was verified."""
    if row.thumbprint == certificate.thumbprint:  # the УЦ's own certificate
        return True, True
    verified = is_signed_by(certificate, bytes(row.der))
    by_key = row.key_id != "" and row.key_id == certificate.issuer_key_id
    by_name = row.subject_digest == certificate.issuer_digest
    by_serial = by_name and certificate.issuer_serial != "" and row.serial_number == certificate.issuer_serial
    known = by_key or by_serial or row.thumbprint in thumbprints or (by_name and verified is True)
    return known and verified is not False, verified


def _judged(row: Row[Any], then: str | None, verified: bool | None, *, past: bool) -> Judgement:
    issuer = Issuer(row.inn, row.ogrn, row.name, row.number, row.listed and row.held)
    counts = then == ACTIVE and (past or (row.status == ACTIVE and issuer.listed))
    return Judgement(issuer, row.status, then, verified, None if counts else REFUSAL)
