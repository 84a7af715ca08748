"""What certificates say of themselves, in the forms in which they come."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.domain.errors import InvalidRequest
from gateway.x509 import is_signed_by, read_certificate, read_file
from workers.sandbox.ca_issue import certificate, issue_certificate

OWN = certificate(1)
LEAF = issue_certificate(1, "Иванова Тест Тестовна")


def pem(*certificates: bytes) -> bytes:
    return b"".join(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in certificates)


def test_a_certificate_names_its_issuer_by_key_and_by_name() -> None:
    leaf, own = read_certificate(LEAF), read_certificate(OWN)
    assert leaf.issuer_key_id == own.key_id != ""
    assert leaf.issuer_digest == own.subject_digest == own.issuer_digest
    assert (own.issuer_key_id, own.serial) == ("", "3E9")


def test_the_signature_is_of_one_key_only() -> None:
    leaf = read_certificate(LEAF)
    assert is_signed_by(leaf, OWN) is True
    assert is_signed_by(leaf, certificate(1, 1)) is False
    assert is_signed_by(leaf, b"not a certificate") is None


def test_a_file_may_be_der_or_pem_with_the_issuer_behind() -> None:
    assert [each.der for each in read_file(LEAF)] == [LEAF]
    assert [each.der for each in read_file(pem(LEAF, OWN))] == [LEAF, OWN]


@pytest.mark.parametrize(
    "data", [b"", b"text", LEAF[:-1], LEAF + b"\0", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_file(data)


def test_a_file_of_many_certificates_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="16"):
        read_file(pem(*[LEAF] * 17))
