"""The setting ``signer``: an issue that its signer did not sign changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.support.authorities import Register, register
from tests.support.canned import answering, http, peer
from tests.support.gost import Signer
from workers.sandbox.ca_issue import Edition, document

SIGNER = Signer()
ISSUE = b"".join(document(Edition(version=5, count=1)))


@pytest.fixture
def home(engine: Engine) -> Iterator[Register]:
    with register(engine, count=1) as made:
        yield made


@pytest.fixture
def trusted(tmp_path: Path) -> str:
    file = tmp_path / "signer.der"
    file.write_bytes(SIGNER.certificate)
    return str(file)


def test_an_issue_signed_by_whom_we_trust_is_loaded(home: Register, trusted: str) -> None:
    with peer(answering(http(200, SIGNER.signed(ISSUE)))) as place:
        launch = home.launch(address=f"http://{place}/tsl.xml", signer=trusted)
    assert launch.result == "SUCCESS"
    assert "Проверка подписи файла: подпись верна" in launch.events
    assert home.rows("SELECT version FROM ca_issues WHERE current") == [(5,)]


@pytest.mark.parametrize("signed", [ISSUE, SIGNER.signed(ISSUE).replace("№ 1".encode(), "№ 2".encode())])
def test_an_issue_without_the_right_signature_is_not(home: Register, trusted: str, signed: bytes) -> None:
    with peer(answering(http(200, signed))) as place:
        launch = home.launch(address=f"http://{place}/tsl.xml", signer=trusted)
    assert launch.result == "FAILED"
    assert "подпис" in launch.text
    assert home.rows("SELECT count(*) FROM ca_authorities") == [(0,)]
