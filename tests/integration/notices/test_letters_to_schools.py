"""Schools by e-mail: a notice with a link, and nothing about a child."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from lxml import etree
from sqlalchemy import Engine, text

from gateway.catalog.registry import load_catalog
from gateway.domain.errors import ConfigurationError
from gateway.domain.statuses import PacketStatus
from tests.support.telling import FROM, Driven, Telling
from workers import exchanges
from workers.transports import open_transport

SAMPLE = (Path(exchanges.__path__[0]) / "edu" / "samples" / "valid" / "illness.xml").read_text(encoding="utf-8")
PORTAL = "https://portal.school.example/notifications/{id}"
TOLD_NOBODY = ("Образцов", "Пример", "2015-05-06", "06.05.2015", "112-233-445", "болезн", "Справка", "Врачёва", "095")


@pytest.fixture
def school(house: Telling, emptied: Engine) -> Iterator[Telling]:
    settings = {**house.services["email"], "transport": "smtp", "portal": PORTAL}
    house.services["edu"] = {key: value for key, value in settings.items() if not key.startswith("quiet")}
    yield house
    with emptied.begin() as connection:
        connection.execute(text("TRUNCATE packets CASCADE"))


def event(number: int, email: str | None = None) -> str:
    changed = SAMPLE.replace("<ExternalId>c-1<", f"<ExternalId>c-{number}<")
    return changed.replace("school7@example.org", f"school{number}@example.org" if email is None else email)


def tell(school: Telling, events: dict[str, str | None]) -> tuple[Driven, UUID]:
    school.submit("edu", events, "EduEvent")
    worker = school.driven()
    launch = school.launch("edu")
    worker.until(lambda: school.result(launch)[0] != "RUNNING")
    return worker, launch


def packets(school: Telling) -> list[Any]:
    with school.engine.connect() as connection:
        return list(connection.execute(text("SELECT * FROM packets ORDER BY id")))


def test_a_school_gets_a_link_and_not_a_word_about_the_child(school: Telling) -> None:
    _, launch = tell(school, {"event": event(1)})
    (packet,), (taken,) = packets(school), school.mail.ledger()
    assert (packet.status, packet.attempts, school.result(launch)) == ("ACCEPTED", 1, ("SUCCESS", None))
    letter = taken.letter
    assert (taken.recipient, letter["From"]) == ("school1@example.org", FROM)
    assert letter["Message-ID"] == f"<{packet.id}@example.org>"
    plain, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert page is not None
    link = PORTAL.replace("{id}", str(packet.id))
    assert link in plain.get_content().split()
    assert etree.HTML(page.get_content()).xpath("//a/@href") == [link]
    said = f"{letter['Subject']}{plain.get_content()}{page.get_content()}{taken.content.decode('ascii')}"
    assert [word for word in TOLD_NOBODY if word.lower() in said.lower()] == []
    assert len(letter.get_payload()) == 2


def test_the_journal_calls_its_statuses_as_those_of_letters() -> None:
    by_soap, by_post = (
        load_catalog(connected={"edu": settings}).exchanges["edu"].manifest for settings in ({}, {"transport": "smtp"})
    )
    assert by_soap.status_title(PacketStatus.ACCEPTED) == "Принят"
    titles = [
        by_post.status_title(each) for each in (PacketStatus.FORMED, PacketStatus.ACCEPTED, PacketStatus.REJECTED)
    ]
    assert titles == ["Сформирован", "Отправлен", "Ошибка отправки"]
    assert (by_post.retry.delay_s, by_soap.retry.delay_s) == (60, 1)


def test_a_school_without_an_address_is_named_before_anything_is_sent(school: Telling) -> None:
    tell(school, {"blank": event(1, ""), "wrong": event(2, "school at example")})
    assert {packet.status for packet in packets(school)} == {"FORM_ERROR"}
    assert "нет правильного адреса" in packets(school)[0].result_text
    assert school.mail.ledger() == []


def test_a_refused_mailbox_is_an_error_until_the_school_has_another(school: Telling) -> None:
    school.mail.switches.update({"refuse_next": 1})
    _, launch = tell(school, {"event": event(1)})
    (refused,) = packets(school)
    assert (refused.status, refused.result_text) == ("REJECTED", "Почтовый сервер не принял письмо (код 550)")
    assert school.result(launch) == ("SUCCESS", None)
    tell(school, {})
    assert len(packets(school)) == 1
    tell(school, {"event": event(2)})
    assert [packet.status for packet in packets(school)] == ["REJECTED", "ACCEPTED"]
    assert [letter.recipient for letter in school.mail.ledger()] == ["school2@example.org"]


def test_a_deferred_letter_is_tried_three_times_and_by_the_next_launch_again(school: Telling) -> None:
    school.mail.switches.update({"defer_next": 6})
    _, launch = tell(school, {f"event-{n}": event(n) for n in range(2)})
    assert [(p.status, p.attempts) for p in packets(school)] == [("SEND_ERROR", 3)] * 2
    assert packets(school)[0].result_text == "Почтовый сервер не принял письмо (код 451)"
    assert school.result(launch) == ("SUCCESS", None)
    tell(school, {})
    assert [(p.status, p.attempts) for p in packets(school)] == [("ACCEPTED", 4)] * 2


@pytest.mark.parametrize(("trouble", "letters"), [("drop_before_next", 3), ("take_and_drop_next", 4)])
def test_a_letter_cut_off_is_sent_again_under_the_same_id(school: Telling, trouble: str, letters: int) -> None:
    school.mail.switches.update({trouble: 1})
    tell(school, {f"event-{n}": event(n) for n in range(3)})
    assert {packet.status for packet in packets(school)} == {"ACCEPTED"}
    ids = [letter.message_id for letter in school.mail.ledger()]
    assert (len(ids), set(ids)) == (letters, {f"<{packet.id}@example.org>" for packet in packets(school)})


@pytest.mark.parametrize("portal", ["http://portal.example/{id}", "https://portal.example/", "https:///{id}", "{id}"])
def test_a_portal_that_is_none_is_refused_before_anything_starts(portal: str) -> None:
    settings = {"transport": "smtp", "address": "smtp://127.0.0.1", "sender": FROM, "portal": portal}
    transport = load_catalog().exchanges["edu"].manifest.transport
    with pytest.raises(ConfigurationError, match="Настройка portal"):
        open_transport(transport, settings)
