"""SMS and letters go to real TLS servers; one whose certificate nobody we trust has given is told nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.telling import FROM, PASSWORD, USER, Telling
from tests.support.tls import PrivateAuthority, tls_door
from workers.sandbox.mail import MailSandbox


@pytest.fixture
def own(tmp_path: Path) -> PrivateAuthority:
    return PrivateAuthority(tmp_path, "own")


@pytest.fixture
def stranger(tmp_path: Path) -> PrivateAuthority:
    return PrivateAuthority(tmp_path, "stranger")


@pytest.fixture
def closed_mail() -> Iterator[MailSandbox]:
    sandbox = MailSandbox()
    sandbox.start(username=USER, password=PASSWORD, sender=FROM, implicit=True)
    yield sandbox
    sandbox.stop()


def behind_tls(house: Telling, port: int, bundle: Path) -> None:
    house.services["sms"] |= {"address": f"smpps://127.0.0.1:{port}", "ca_bundle": str(bundle)}


def centre(house: Telling) -> tuple[str, int]:
    place = urlsplit(house.smsc.url)
    assert place.hostname
    assert place.port
    return place.hostname, place.port


def test_sms_and_their_receipts_pass_through_tls(house: Telling, own: PrivateAuthority) -> None:
    with tls_door(centre(house), own.context_for("127.0.0.1")) as port:
        behind_tls(house, port, own.bundle)
        house.remind("sms", range(40))
        worker = house.driven(send_batch=20)
        worker.launch("sms")
        worker.until(lambda: house.statuses() == {"DELIVERED": 40})
    assert len(house.smsc.ledger()) == 40


@pytest.mark.parametrize("why", ["a stranger's certificate", "another address", "the system's authorities"])
def test_an_smpp_server_that_is_not_the_one_meant_gets_nothing(
    house: Telling, own: PrivateAuthority, stranger: PrivateAuthority, why: str
) -> None:
    signer = stranger if why.startswith("a stranger") else own
    context = signer.context_for("127.0.0.2" if why == "another address" else "127.0.0.1")
    with tls_door(centre(house), context) as port:
        behind_tls(house, port, own.bundle)
        if why.startswith("the system"):
            del house.services["sms"]["ca_bundle"]
        house.remind("sms", range(2))
        worker = house.driven()
        launch = house.launch("sms")
        worker.until(lambda: house.result(launch)[0] != "RUNNING")
    told = "Шлюз SMS: Не удалось установить защищённое соединение с центром SMS, ждут отправки: 2"
    assert house.result(launch) == ("FAILED", told)
    assert (house.smsc.ledger(), house.statuses()) == ([], {"NEW": 2})


def test_letters_pass_through_tls_from_the_first_byte(house: Telling, closed_mail: MailSandbox) -> None:
    house.services["email"] |= {"address": closed_mail.url, "ca_bundle": str(closed_mail.ca_bundle)}
    house.remind("email", range(3))
    launch = house.driven().launch("email")
    assert house.counted(launch) == (3, 3)
    assert len(closed_mail.ledger()) == 3


@pytest.mark.parametrize("implicit", [True, False], ids=["smtps", "STARTTLS"])
def test_a_mail_server_that_a_stranger_vouches_for_gets_nothing(
    house: Telling, closed_mail: MailSandbox, stranger: PrivateAuthority, implicit: bool
) -> None:
    peer = closed_mail if implicit else house.mail
    house.services["email"] |= {"address": peer.url, "ca_bundle": str(stranger.bundle)}
    house.remind("email", range(2))
    worker = house.driven()
    launch = house.launch("email")
    worker.until(lambda: house.result(launch)[0] != "RUNNING")
    assert house.result(launch)[0] == "FAILED"
    assert "Не удалось установить защищённое соединение" in (house.result(launch)[1] or "")
    assert (peer.ledger(), house.statuses()) == ([], {"NEW": 2})
