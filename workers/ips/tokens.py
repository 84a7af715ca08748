"""Tokens of ИПС: a JWT that the system makes and signs itself; no sign-in call exists.

Header: ``alg`` and ``x5c``, nothing else; claims: ``sub`` (the system's identifier in ИПС), ``aud`` (root URL of
ИПС), ``iat``, ``exp``; five minutes of life. The real service takes ГОСТ signatures (``ECGOST3410-2012``, a detached
CMS in the third part): a signer of that kind is another ``TokenSigner``. ``KeySigner`` signs with ES256, which
stand-ins and proxies that sign for us accept.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from gateway.domain.errors import ConfigurationError

ALGORITHM: Final = "ES256"
LIFETIME_S: Final = 300
RENEW_BEFORE_S: Final = 30


class TokenSigner(Protocol):
    """Whoever holds the key of the system."""

    def sign(self, claims: Mapping[str, object]) -> str:
        """Return the claims as a signed JWT in compact form, its certificate in ``x5c``."""
        ...


class KeySigner:
    """Signs with an EC P-256 key held in memory."""

    def __init__(self, key: EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._x5c = [b64encode(certificate.public_bytes(Encoding.DER)).decode()]

    @classmethod
    def from_files(cls, key: Path, certificate: Path) -> KeySigner:
        """Read a PEM key without a password and its PEM certificate.

        Raises:
            ConfigurationError: a file is missing or not what it should be, or the two do not belong together.
        """
        try:
            private = load_pem_private_key(key.read_bytes(), password=None)
            own = x509.load_pem_x509_certificate(certificate.read_bytes())
        except (OSError, ValueError, TypeError):
            raise ConfigurationError("Ключ или сертификат для подписи токена ИПС не читается.") from None
        if not isinstance(private, EllipticCurvePrivateKey) or not isinstance(private.curve, SECP256R1):
            raise ConfigurationError("Ключ для подписи токена ИПС должен быть ключом P-256.")
        if own.public_key() != private.public_key():
            raise ConfigurationError("Сертификат для подписи токена ИПС выдан на другой ключ.")
        return cls(private, own)

    def sign(self, claims: Mapping[str, object]) -> str:
        """See ``TokenSigner``."""
        return jwt.encode(dict(claims), self._key, algorithm=ALGORITHM, headers={"typ": None, "x5c": self._x5c})


class TokenSource:
    """Makes tokens and keeps each until shortly before it expires; for one thread at a time."""

    def __init__(self, signer: TokenSigner, subject: str, audience: str) -> None:
        self._signer = signer
        self._claims = {"sub": subject, "aud": audience}
        self._token = ""
        self._renew_at = 0.0

    def token(self) -> str:
        """Return a token good for at least half a minute."""
        now = time.time()
        if now >= self._renew_at:
            issued = int(now)
            self._token = self._signer.sign({**self._claims, "iat": issued, "exp": issued + LIFETIME_S})
            self._renew_at = issued + LIFETIME_S - RENEW_BEFORE_S
        return self._token

    def renewed(self) -> str:
        """Return a token made now: the peer did not accept the one before."""
        self._renew_at = 0.0
        return self.token()
