"""Whose certificate it is: found by key, by the issuer's certificate, by name and serial; judged by the register."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Engine

from gateway import cli_common
from gateway.cli import main
from gateway.domain.errors import InvalidRequest, Unavailable
from gateway.journal.engine import connect
from gateway.operations.certificates import Judgement, judge_certificate
from tests.support.authorities import Register, register
from workers.sandbox import ca_issue
from workers.sandbox.ca_issue import certificate, issue_certificate

REFUSAL = "Сертификат выдан неаккредитованным УЦ, подписание невозможно."
DOCTOR = "Иванова Тест Тестовна"
BEFORE_ALL = datetime(2021, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2023, 1, 1, tzinfo=UTC)


@pytest.fixture
def home(engine: Engine) -> Iterator[Register]:
    with register(engine, count=4, keys=2) as made:
        made.launch()
        yield made


def judged(home: Register, der: bytes, at: datetime | None = None, *issuers: bytes) -> Judgement:
    return judge_certificate(home.context, der, at, issuers)


def test_the_issuer_is_found_by_its_key(home: Register) -> None:
    judgement = judged(home, issue_certificate(2, DOCTOR, 1))
    assert judgement.issuer is not None
    assert (judgement.issuer.ogrn, judgement.issuer.number, judgement.issuer.listed) == ("1990000000002", "2", True)
    assert (judgement.status_now, judgement.verified, judgement.refusal) == ("Действует", True, None)


def test_a_stranger_s_certificate_is_refused(home: Register) -> None:
    judgement = judged(home, issue_certificate(77, DOCTOR))
    assert (judgement.issuer, judgement.status_now, judgement.refusal) == (None, None, REFUSAL)


def test_a_certificate_that_only_claims_the_key_is_refused(home: Register) -> None:
    """Its signature is of another key than the one it names."""
    forged = bytearray(issue_certificate(2, DOCTOR))
    forged[-1] ^= 1
    assert judged(home, bytes(forged)).refusal == REFUSAL


def test_a_certificate_of_the_register_itself_is_that_of_its_authority(home: Register) -> None:
    judgement = judged(home, certificate(3))
    assert judgement.issuer is not None
    assert (judgement.issuer.number, judgement.refusal) == ("3", None)


def test_a_certificate_without_the_issuer_s_key_is_found_by_name(home: Register) -> None:
    issuer = x509.load_der_x509_certificate(certificate(2))
    own = ca_issue.key(99)
    builder = ca_issue._builder(ca_issue._name(DOCTOR, "Учебная больница"), issuer.subject, own, 5)
    der = builder.sign(ca_issue.key(2), None).public_bytes(Encoding.DER)
    assert judged(home, der).refusal is None
    assert judged(home, der, None, certificate(2)).refusal is None
    by_another = builder.sign(ca_issue.key(3), None).public_bytes(Encoding.DER)
    assert judged(home, by_another).refusal == REFUSAL


def test_what_counts_is_the_status_of_the_moment(home: Register) -> None:
    home.sandbox.publish(statuses={2: "Прекращена"})
    home.launch()
    der = issue_certificate(2, DOCTOR)
    now = judged(home, der)
    assert (now.status_now, now.status_then, now.refusal) == ("Прекращена", "Прекращена", REFUSAL)
    then = judged(home, der, LONG_AGO)
    assert (then.status_now, then.status_then, then.refusal) == ("Прекращена", "Действует", None)
    assert (judged(home, der, BEFORE_ALL).status_then, judged(home, der, BEFORE_ALL).refusal) == (None, REFUSAL)


def test_an_authority_that_is_no_longer_listed_does_not_count_now(home: Register) -> None:
    home.sandbox.publish(withdraw=[2])
    home.launch()
    der = issue_certificate(2, DOCTOR)
    judgement = judged(home, der)
    assert judgement.issuer is not None
    assert (judgement.issuer.listed, judgement.refusal) == (False, REFUSAL)
    assert judged(home, der, LONG_AGO).refusal is None


def test_a_key_that_is_no_longer_listed_does_not_count_now(home: Register) -> None:
    home.sandbox.publish(keys=1)
    home.launch()
    assert judged(home, issue_certificate(2, DOCTOR, 0)).refusal is None
    assert judged(home, issue_certificate(2, DOCTOR, 1)).refusal == REFUSAL


def test_what_is_no_certificate_and_what_is_no_register_are_told_apart(engine: Engine) -> None:
    with register(engine, count=1) as empty:
        with pytest.raises(Unavailable, match="не загружен"):
            judged(empty, issue_certificate(1, DOCTOR))
        with pytest.raises(InvalidRequest):
            judged(empty, b"text")


@pytest.fixture(autouse=True)
def closed_engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command leaves its connections to the end of its process; this process goes on."""
    made: list[Engine] = []

    def recorded(url: str, **given: Any) -> Engine:
        made.append(connect(url, **given))
        return made[-1]

    monkeypatch.setattr(cli_common, "connect", recorded)
    yield
    for engine in made:
        engine.dispose()


def run(*arguments: str | Path, url: str) -> Result:
    return CliRunner().invoke(main, ["ca", *map(str, arguments)], env={"GATEWAY_DATABASE_URL": url, "COLUMNS": "200"})


def test_the_command_tells_the_authority_and_its_status(home: Register, database_url: str, tmp_path: Path) -> None:
    home.sandbox.publish(statuses={2: "Прекращена"})
    home.launch()
    good, gone, pem = tmp_path / "good.cer", tmp_path / "gone.cer", tmp_path / "good.pem"
    good.write_bytes(issue_certificate(1, DOCTOR))
    gone.write_bytes(issue_certificate(2, DOCTOR))
    pem.write_bytes(x509.load_der_x509_certificate(good.read_bytes()).public_bytes(Encoding.PEM))
    for file in (good, pem):
        result = run("check", "--certificate", file, url=database_url)
        assert (result.exit_code, result.output.splitlines()[-1]) == (0, "Сертификат выдан аккредитованным УЦ.")
    result = run("check", "--certificate", gone, url=database_url)
    assert (result.exit_code, result.output.splitlines()) == (
        1,
        [
            "УЦ: Общество «Учебный УЦ № 2», ИНН 9900000002, ОГРН 1990000000002",
            "Статус аккредитации сейчас: Прекращена",
            REFUSAL,
        ],
    )
    result = run("check", "--certificate", gone, "--at", "2023-01-01", url=database_url)
    assert (result.exit_code, DOCTOR in result.output) == (0, False)
    assert "Статус аккредитации на 01.01.2023 00:00:00: Действует" in result.output


def test_the_command_refuses_a_stranger_and_a_file_that_is_none(
    home: Register, database_url: str, tmp_path: Path
) -> None:
    assert home.sandbox.edition.version == 1
    stranger, text = tmp_path / "stranger.cer", tmp_path / "text.cer"
    stranger.write_bytes(issue_certificate(77, DOCTOR))
    text.write_bytes(b"text")
    result = run("check", "--certificate", stranger, url=database_url)
    assert (result.exit_code, result.output) == (1, f"{REFUSAL}\n")
    result = run("check", "--certificate", text, url=database_url)
    assert (result.exit_code, result.output) == (1, "gateway: Это не сертификат X.509.\n")
    listed = run("list", "--status", "Действует", url=database_url)
    assert listed.exit_code == 0
    assert "Версия 1" in listed.output
    assert listed.output.count("Учебный УЦ") == 4
