"""Tokens as the stand-in ИПС judges them, and the test key that makes good ones.

The real service takes ГОСТ signatures only; the stand-in takes ES256 of the one certificate it was told to trust.
All the rest is as documented: ``alg`` and ``x5c`` in the header; ``sub``, ``aud``, ``iat``, ``exp`` in the payload;
five minutes of life.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.domain.errors import ConfigurationError, NotAuthenticated

ALGORITHM: Final = "ES256"
LIFETIME_S: Final = 300
CLOCK_SKEW_S: Final = 5
_CLAIMS: Final = ("sub", "aud", "iat", "exp")


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """A key and its certificate, both PEM."""

    key: Path
    certificate: Path


def make_test_key(
    folder: Path, valid: timedelta = timedelta(days=365), begins: timedelta = timedelta(days=-1)
) -> KeyFiles:
    """Make a fresh P-256 key and a certificate of its own; files of before are replaced.

    The certificate is good from ``begins`` until ``valid``, both counted from now.

    Raises:
        OSError: the folder cannot be written.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Учебная информационная система")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + valid)
        .sign(key, SHA256())
    )
    files = KeyFiles(folder / "ips-test.key.pem", folder / "ips-test.cert.pem")
    files.key.touch(mode=0o600)
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    return files


class TokenJudge:
    """Knows one information system by its identifier and its certificate."""

    def __init__(self, client_id: str, certificate: Path) -> None:
        try:
            self._certificate = x509.load_pem_x509_certificate(certificate.read_bytes())
        except (OSError, ValueError):
            raise ConfigurationError("Сертификат информационной системы не читается.") from None
        public = self._certificate.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise ConfigurationError("Сертификат информационной системы должен быть на ключ P-256.")
        self._key = public
        self._client_id = client_id
        self._x5c = [b64encode(self._certificate.public_bytes(Encoding.DER)).decode()]

    def check(self, headers: Mapping[str, str], audience: str) -> None:
        """Let a request with a good token pass.

        Raises:
            NotAuthenticated: no token, or one that is not good now and here.
        """
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthenticated("Нужен заголовок Authorization: Bearer.")
        try:
            claims = self._claims(token.strip(), audience)
        except jwt.PyJWTError:
            raise NotAuthenticated("Токен не принят.") from None
        moments = (claims["iat"], claims["exp"])  # the library takes them as texts too, and a list of audiences
        if not isinstance(claims["aud"], str) or not all(isinstance(one, int | float) for one in moments):
            raise NotAuthenticated("Токен не принят.")
        if claims["sub"] != self._client_id:
            raise NotAuthenticated("Информационная система не зарегистрирована.")
        if claims["exp"] - claims["iat"] > LIFETIME_S:
            raise NotAuthenticated("Токен выдан больше чем на пять минут.")
        if not self._certificate.not_valid_before_utc <= datetime.now(UTC) <= self._certificate.not_valid_after_utc:
            raise NotAuthenticated("Срок действия сертификата не начался или истёк.")

    def _claims(self, token: str, audience: str) -> Mapping[str, Any]:
        header = jwt.get_unverified_header(token)
        if set(header) != {"alg", "x5c"} or header["x5c"] != self._x5c:
            raise jwt.InvalidKeyError
        claims: Mapping[str, Any] = jwt.decode(
            token,
            self._key,
            algorithms=[ALGORITHM],
            audience=audience,
            leeway=CLOCK_SKEW_S,
            options={"require": list(_CLAIMS)},
        )
        return claims
