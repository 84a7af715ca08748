"""What X.509 certificates say of themselves (RFC 5280); certificates of ГОСТ included, their signatures excepted."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.domain.errors import InvalidRequest

MAX_CERTIFICATES: Final = 16
"""A file with a chain holds no more."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Names by which a certificate and its issuer are found; hexadecimal in capitals, empty where it has none.

    ``subject_digest`` and ``issuer_digest`` are SHA-256 of the names in DER; ``issuer_serial`` is the serial number
    of the issuer's own certificate.
    """

    der: bytes
    thumbprint: str
    serial: str
    subject_digest: bytes
    issuer_digest: bytes
    key_id: str
    issuer_key_id: str
    issuer_serial: str
    valid_from: datetime
    valid_to: datetime


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate in DER.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        found = x509.load_der_x509_certificate(der)
        own, issuers = _key_ids(found)
        key_id, serial = (issuers.key_identifier, issuers.authority_cert_serial_number) if issuers else (None, None)
        return Certificate(
            der=der,
            thumbprint=thumbprint_of(der),
            serial=serial_text(found.serial_number),
            subject_digest=hashlib.sha256(found.subject.public_bytes()).digest(),
            issuer_digest=hashlib.sha256(found.issuer.public_bytes()).digest(),
            key_id=own.hex().upper(),
            issuer_key_id=(key_id or b"").hex().upper(),
            issuer_serial="" if serial is None else serial_text(serial),
            valid_from=found.not_valid_before_utc,
            valid_to=found.not_valid_after_utc,
        )
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidRequest("Это не сертификат X.509.") from None


def read_file(data: bytes) -> tuple[Certificate, ...]:
    """Read a file: one certificate in DER, or up to 16 in PEM, of which the first is the one meant.

    Raises:
        InvalidRequest: it holds none, or something that is none.
    """
    if b"-----BEGIN" not in data:
        return (read_certificate(data),)
    try:
        found = x509.load_pem_x509_certificates(data)
    except ValueError:
        raise InvalidRequest("В файле PEM нет сертификата X.509.") from None
    if len(found) > MAX_CERTIFICATES:
        raise InvalidRequest(f"В файле больше {MAX_CERTIFICATES} сертификатов.")
    return tuple(read_certificate(each.public_bytes(Encoding.DER)) for each in found)


def is_signed_by(certificate: Certificate, issuer_der: bytes) -> bool | None:
    """Tell whether the issuer's key made the signature of a certificate; None where the algorithm is not known here."""
    try:
        issuer = x509.load_der_x509_certificate(issuer_der)
        x509.load_der_x509_certificate(certificate.der).verify_directly_issued_by(issuer)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return True


def thumbprint_of(der: bytes) -> str:
    """SHA-1 in capital hexadecimal digits: how the world names certificates; nothing is secured by it."""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


def serial_text(number: int) -> str:
    """A serial number in capital hexadecimal digits."""
    return f"{number:X}"


def _key_ids(found: x509.Certificate) -> tuple[bytes, x509.AuthorityKeyIdentifier | None]:
    """Its own key and its issuer's; nothing where one of its extensions is written wrongly."""
    own = issuers = None
    with suppress(ValueError, x509.DuplicateExtension):
        for extension in found.extensions:
            if isinstance(extension.value, x509.SubjectKeyIdentifier):
                own = extension.value.digest
            elif isinstance(extension.value, x509.AuthorityKeyIdentifier):
                issuers = extension.value
    return own or b"", issuers
