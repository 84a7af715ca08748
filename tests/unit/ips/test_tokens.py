"""Tokens of ИПС: what stands in them, and how long one is used."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import jwt
import pytest
from cryptography import x509

from gateway.domain.errors import ConfigurationError
from workers.ips.tokens import LIFETIME_S, KeySigner, TokenSource
from workers.sandbox.ips_tokens import make_test_key


class Counting:
    def __init__(self) -> None:
        self.signed: list[Mapping[str, object]] = []

    def sign(self, claims: Mapping[str, object]) -> str:
        self.signed.append(claims)
        return f"токен {len(self.signed)}"


def test_a_token_says_what_is_documented_and_nothing_else(tmp_path: Path) -> None:
    key = make_test_key(tmp_path)
    source = TokenSource(KeySigner.from_files(key.key, key.certificate), "ис", "https://ips.example")
    token = source.token()
    header = jwt.get_unverified_header(token)
    assert (set(header), header["alg"], len(header["x5c"])) == ({"alg", "x5c"}, "ES256", 1)
    public = x509.load_pem_x509_certificate(key.certificate.read_bytes()).public_key()
    claims = jwt.decode(token, public, algorithms=["ES256"], audience="https://ips.example")  # type: ignore[arg-type]  # an EC key
    assert set(claims) == {"sub", "aud", "iat", "exp"}
    assert claims["sub"] == "ис"
    assert claims["exp"] - claims["iat"] == LIFETIME_S


def test_a_token_is_used_until_shortly_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    signer, now = Counting(), time.time()
    source = TokenSource(signer, "ис", "https://ips.example")
    used = []
    for later_s in (0, 200, 269, 271, 500, 560):
        moment = now + later_s
        monkeypatch.setattr("time.time", lambda moment=moment: moment)
        used.append(source.token())
    assert used == ["токен 1", "токен 1", "токен 1", "токен 2", "токен 2", "токен 3"]


def test_a_key_and_a_certificate_must_belong_together(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    ours, others = make_test_key(tmp_path), make_test_key(tmp_path / "other")
    with pytest.raises(ConfigurationError, match="другой ключ"):
        KeySigner.from_files(ours.key, others.certificate)
    for key, certificate in ((ours.certificate, ours.certificate), (ours.key, ours.key)):
        with pytest.raises(ConfigurationError, match="не читается"):
            KeySigner.from_files(key, certificate)


def test_the_test_key_is_for_its_owner_only(tmp_path: Path) -> None:
    assert make_test_key(tmp_path).key.stat().st_mode & 0o077 == 0
