"""SMS through an HTTP gateway that knows our ids: what is in doubt is said again, and nobody hears it twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from gateway.catalog.registry import load_catalog
from gateway.domain.errors import ConfigurationError
from tests.support.telling import PASSWORD, USER, Telling, telling
from workers.transports import open_transport

FORM = {
    "transport": "sms_http",
    "field_login": USER,
    "field_password": PASSWORD,
    "field_phone": "{digits}",
    "field_text": "{text}",
    "field_id": "{id}",
    "answer_later": r'"code"\s*:\s*9\b',
    "idempotent": "true",
}


@pytest.fixture
def house(emptied: Engine, shared_url: str) -> Iterator[Telling]:
    with telling(emptied, shared_url, **FORM) as made:
        made.services["sms"]["address"] = made.smsc.http_url
        yield made


def test_everybody_is_told_and_nothing_is_awaited(house: Telling) -> None:
    house.remind("sms", range(8))
    launch = house.driven().launch("sms")
    assert house.counted(launch) == (8, 8)
    assert sorted(m.number for m in house.smsc.ledger()) == [f"7900{n:07d}" for n in range(8)]
    assert {n.await_until for n in house.notices()} == {None}


@pytest.mark.parametrize("trouble", ["drop_before_next", "take_and_drop_next", "throttle_next"])
def test_a_broken_request_is_repeated_under_the_same_id(house: Telling, trouble: str) -> None:
    house.smsc.switches.update({trouble: 2})
    house.remind("sms", range(8))
    worker = house.driven()
    launch = house.launch("sms")
    worker.until(lambda: house.counted(launch) == (8, 8))
    assert house.result(launch) == ("SUCCESS", None)
    assert len(house.smsc.ledger()) == 8


def test_refused_now_is_tried_three_times_and_refused_for_ever_once(house: Telling) -> None:
    house.smsc.switches.update({"queue_full_next": 3})
    house.remind("sms", range(1))
    worker = house.driven()
    worker.launch("sms")
    worker.until(lambda: house.notices()[0].attempts == 3)
    (notice,) = house.notices()
    assert (notice.status, notice.not_before) == ("SEND_ERROR", None)
    assert notice.error_text == "Шлюз SMS не принял сообщение (HTTP 200)"
    house.smsc.switches.update({"refuse_next": 1})
    house.remind("sms", range(1, 2))
    worker.launch("sms")
    assert [n.attempts for n in house.notices()] == [3, 1]


WRONG = {
    "no text": {"field_text": ""},
    "no phone": {"field_phone": ""},
    "knows no id": {"field_id": ""},
    "no expression": {"answer_ok": "("},
    "a transport the manifest does not allow": {"transport": "folder"},
}


@pytest.mark.parametrize("why", WRONG)
def test_wrong_settings_are_told_before_anything_is_sent(why: str) -> None:
    transport = load_catalog().exchanges["sms"].manifest.transport
    with pytest.raises(ConfigurationError):
        open_transport(transport, {"address": "http://127.0.0.1:9/send", **FORM, **WRONG[why]})
