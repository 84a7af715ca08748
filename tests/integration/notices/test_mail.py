"""E-mail: letters over verified TLS, refusals now and for ever, and a server that breaks off."""

from __future__ import annotations

import pytest

from tests.support.telling import FROM, PLANNED, Telling, reminder


def test_a_letter_has_two_bodies_a_stable_id_and_a_subject_that_tells_nothing(house: Telling) -> None:
    house.submit("email", {"r-1": reminder(1, EMAIL="beta@больница.рф")})
    launch = house.driven().launch("email")
    assert (house.result(launch), house.counted(launch)) == (("SUCCESS", None), (1, 1))
    (taken,) = house.mail.ledger()
    (notice,) = house.notices()
    letter = taken.letter
    assert (taken.recipient, letter["From"], letter["Subject"]) == (
        "beta@xn--80abvlke3d3b.xn--p1ai",
        FROM,
        "Приглашение на приём: Поликлиника",
    )
    assert letter["Message-ID"] == f"<{notice.id}@example.org>"
    plain, page = (letter.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert page is not None
    assert f"Запланированный день: {PLANNED:%d.%m.%Y}." in plain.get_content()
    assert "<p>Альфа Омегович, здравствуйте!</p>" in page.get_content()
    assert notice.status == "SENT"


def test_deferred_letters_are_tried_three_times(house: Telling) -> None:
    house.mail.switches.update({"defer_next": 2})
    house.remind("email", range(1))
    worker = house.driven()
    launch = worker.launch("email")
    (notice,) = house.notices()
    assert (notice.status, notice.error_text) == ("SEND_ERROR", "Почтовый сервер не принял письмо (код 451)")
    worker.until(lambda: house.counted(launch) == (1, 1))
    (notice,) = house.notices()
    assert (notice.status, notice.attempts, notice.error_text) == ("SENT", 3, None)


def test_a_mailbox_that_is_not_there_is_an_error_at_once(house: Telling) -> None:
    house.mail.switches.update({"refuse_next": 1})
    house.remind("email", range(2))
    launch = house.driven().launch("email")
    assert house.counted(launch) == (2, 1)
    failed = house.notices()[0]
    assert (failed.status, failed.not_before) == ("SEND_ERROR", None)
    assert failed.error_text == "Почтовый сервер не принял письмо (код 550)"


@pytest.mark.parametrize(("trouble", "letters"), [("drop_before_next", 5), ("take_and_drop_next", 6)])
def test_a_letter_cut_off_is_in_doubt_and_never_sent_again(house: Telling, trouble: str, letters: int) -> None:
    house.mail.switches.update({trouble: 1})
    house.remind("email", range(6))
    worker = house.driven()
    launch = house.launch("email")
    worker.until(lambda: house.result(launch)[0] != "RUNNING")
    assert house.result(launch) == ("SUCCESS", "Исход неизвестен: 1")
    recipients = [each.recipient for each in house.mail.ledger()]
    assert len(recipients) == len(set(recipients)) == letters
    assert house.counted(launch) == (6, 5)


def test_a_server_that_closes_its_session_gets_the_rest_in_the_next(house: Telling) -> None:
    house.mail.switches.update({"close_next": 1})
    house.remind("email", range(6))
    worker = house.driven()
    launch = house.launch("email")
    worker.until(lambda: house.counted(launch) == (6, 6))
    assert len(house.mail.ledger()) == 6


UNTRUSTED = {
    "a certificate nobody vouches for": ({"ca_bundle": ""}, "FAILED", "Не удалось установить защищённое соединение"),
    "a sender that is not ours": (
        {"sender": "stranger@example.org"},
        "FAILED",
        "Почтовый сервер не принимает отправителя (код 553)",
    ),
    "a wrong password": ({"password": "wrong"}, "FAILED", "Почтовый сервер не предлагает STARTTLS или не принимает"),
}


@pytest.mark.parametrize("why", UNTRUSTED)
def test_nothing_is_sent_to_who_is_not_trusted_or_does_not_trust(house: Telling, why: str) -> None:
    changed, result, told = UNTRUSTED[why]
    house.services["email"] |= changed
    house.remind("email", range(2))
    worker = house.driven()
    launch = house.launch("email")
    worker.until(lambda: house.result(launch)[0] != "RUNNING")
    assert house.result(launch)[0] == result
    assert told in (house.result(launch)[1] or "")
    assert house.statuses() == {"NEW": 2}
    assert house.mail.ledger() == []
