"""ГОСТ by OpenSSL's engine: the same words as the slow provider's, on what either signed."""

from __future__ import annotations

import os
import subprocess
from io import BytesIO
from pathlib import Path

import pytest

from gateway.domain.errors import InvalidRequest
from gateway.gost import EngineGost, SlowGost, find_gost
from gateway.x509 import read_file
from gateway.xml.signature import WrongSignature, verify_enveloped
from tests.support.gost import Signer

DOCUMENT = "<Реестр><Версия>7</Версия></Реестр>".encode()
ENGINE = "openssl_conf = c\n[c]\nengines = e\n[e]\ngost = g\n[g]\nengine_id = gost\ndefault_algorithms = ALL\n"


def test_the_engine_is_chosen_where_it_is() -> None:
    assert isinstance(find_gost(), EngineGost)


@pytest.mark.parametrize("bits", [256, 512])
@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 4096])
def test_both_digest_alike(bits: int, size: int) -> None:
    told = []
    for gost in (EngineGost(), SlowGost()):
        hasher = gost.hasher(bits)
        hasher.update(b"q" * (size // 2))
        hasher.update(b"q" * (size - size // 2))
        told.append(hasher.digest())
    assert told[0] == told[1]
    assert len(told[0]) == bits // 8


@pytest.mark.parametrize("bits", [256, 512])
def test_the_engine_knows_right_from_wrong(bits: int) -> None:
    signer = Signer(bits)
    signed = signer.signed(DOCUMENT)
    verify_enveloped(BytesIO(signed), EngineGost(), [signer.certificate])
    with pytest.raises(WrongSignature, match="содержимое не то"):
        verify_enveloped(BytesIO(signed.replace(b">7<", b">8<")), EngineGost(), [signer.certificate])
    changed = signed.replace(b"<ds:SignedInfo>", b"<ds:SignedInfo> ")
    with pytest.raises(WrongSignature, match=r"неверна\.$"):
        verify_enveloped(BytesIO(changed), EngineGost(), [signer.certificate])
    with pytest.raises(InvalidRequest):
        EngineGost().verifies(signer.certificate, 768 - bits, b"", b"")


KEYS = [("256", "A"), ("256", "B"), ("256", "C"), ("256", "TCA"), ("256", "TCB"), ("512", "A"), ("512", "B")]


@pytest.mark.parametrize(("bits", "parameters"), KEYS)
def test_what_openssl_signed_both_find_right(tmp_path: Path, bits: str, parameters: str) -> None:
    """A key and certificate of the command line, with each parameter set in use."""
    (tmp_path / "engine.cnf").write_text(ENGINE)
    (tmp_path / "data").write_bytes(b"to be signed")

    def openssl(*arguments: str) -> None:
        given = {**os.environ, "OPENSSL_CONF": "engine.cnf"}
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, env=given, capture_output=True)

    openssl("genpkey", "-algorithm", f"gost2012_{bits}", "-pkeyopt", f"paramset:{parameters}", "-out", "key")
    (tmp_path / "req.cnf").write_text(f"{ENGINE}[req]\ndistinguished_name = d\n[d]\n")
    openssl("req", "-x509", "-key", "key", "-subj", "/CN=signer", "-out", "cert", "-config", "req.cnf")
    openssl("dgst", f"-md_gost12_{bits}", "-sign", "key", "-out", "signature", "data")
    (certificate,) = read_file((tmp_path / "cert").read_bytes())
    signature = (tmp_path / "signature").read_bytes()
    for gost in (EngineGost(), SlowGost()):
        assert gost.verifies(certificate.der, int(bits), b"to be signed", signature)
        assert not gost.verifies(certificate.der, int(bits), b"to be signed.", signature)
