"""SMS: one message per person and event, its words of delivery, and a centre that makes trouble."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway.domain.notices import Word
from gateway.journal.notifications import hear
from tests.support.telling import PLANNED, SENDER, Telling, reminder
from workers.runs.surroundings import Point
from workers.sandbox.smsc import UNDELIVERABLE


def test_a_launch_tells_everybody_and_words_of_delivery_move_its_counters(house: Telling) -> None:
    house.remind("sms", range(12))
    worker = house.driven()
    launch = worker.launch("sms")
    assert house.result(launch) == ("SUCCESS", None)
    assert house.counted(launch) == (12, 12)
    worker.until(lambda: house.statuses() == {"DELIVERED": 12})
    assert house.counted(launch) == (12, 12)
    told = house.smsc.ledger()
    assert sorted(m.number for m in told) == [f"7900{n:07d}" for n in range(12)]
    day = f"{PLANNED:%d.%m.%Y}"
    assert {m.text for m in told} == {f"Альфа Омегович, ждём Вас на диспансеризацию {day}. Поликлиника"}
    assert all(m.whole for m in told)


def test_the_work_after_a_launch_ends_when_nothing_is_awaited(house: Telling) -> None:
    house.remind("sms", range(3))
    worker = house.driven()
    worker.launch("sms")
    worker.until(house.is_idle)
    assert house.statuses() == {"DELIVERED": 3}


CANCELLED: dict[str, tuple[dict[str, str | None], str]] = {
    "no consent": ({"CONSENT": None}, "Нет согласия на получение уведомлений с датой согласия"),
    "consent refused": ({"CONSENT": "<GIVEN>false</GIVEN>"}, "Нет согласия на получение уведомлений с датой согласия"),
    "no phone": ({"PHONE": None}, "Не указан мобильный телефон"),
    "no such phone": ({"PHONE": "+7 900"}, "Телефона с таким номером не бывает"),
    "visited": ({"VISITED": "true"}, "Посещение уже состоялось"),
}


def test_who_cannot_be_told_is_cancelled_with_a_reason_and_counts_nowhere(house: Telling) -> None:
    house.submit("sms", {why: reminder(n, **changed) for n, (why, (changed, _)) in enumerate(CANCELLED.items())})
    launch = house.driven().launch("sms")
    found = [(n.status, n.error_text, n.sent_at) for n in house.notices()]
    assert found == [("CANCELLED", reason, None) for _, reason in CANCELLED.values()]
    assert house.counted(launch) == (0, 0)
    assert house.smsc.ledger() == []


def test_a_person_is_told_once_of_an_event_whoever_submits_it_how_often(house: Telling) -> None:
    house.submit("sms", {"r-1": reminder(1), "r-2": reminder(1, PHONE="+79000000077")})
    worker = house.driven()
    first = worker.launch("sms")
    house.submit("sms", {"r-1": reminder(1, PHONE="+79000000078"), "r-3": reminder(1)})
    second = worker.launch("sms")
    assert (house.counted(first), house.counted(second)) == ((1, 1), (0, 0))
    house.submit("sms", {"r-4": reminder(1, KIND="ДН")})
    worker.launch("sms")
    assert [m.number for m in house.smsc.ledger()] == ["79000000001"] * 2


def test_a_visit_takes_back_what_was_not_sent_yet(house: Telling) -> None:
    house.services["sms"] |= {"quiet_from": "00:00", "quiet_to": "23:59:59.999"}
    house.remind("sms", range(2))
    worker = house.driven()
    launch = worker.launch("sms")
    assert house.result(launch) == ("SUCCESS", "Ждут отправки: 2")
    assert house.counted(launch) == (2, 0)
    house.submit("sms", {"r-0": reminder(0, VISITED="true"), "r-1": None})
    worker.launch("sms")
    assert house.counted(launch) == (0, 0)
    assert {n.status for n in house.notices()} == {"CANCELLED"}


def test_a_corrected_phone_replaces_a_message_that_waits(house: Telling) -> None:
    house.services["sms"] |= {"quiet_from": "00:00", "quiet_to": "23:59:59.999"}
    house.remind("sms", range(1))
    house.driven().launch("sms")
    house.submit("sms", {"r-0": reminder(0, PHONE="+79000000055")})
    house.services["sms"] |= {"quiet_to": "00:00"}
    worker = house.driven()
    worker.launch("sms")
    worker.until(lambda: house.statuses() == {"CANCELLED": 1, "DELIVERED": 1})
    assert [m.number for m in house.smsc.ledger()] == ["79000000055"]


def test_nobody_is_disturbed_at_night_and_the_morning_sends_without_a_new_launch(house: Telling) -> None:
    house.services["sms"] |= {"quiet_from": "00:00", "quiet_to": "23:59:59.999"}
    house.remind("sms", range(3))
    launch = house.driven().launch("sms")
    assert house.smsc.ledger() == []
    (waits, *_) = [n.not_before for n in house.notices()]
    house.services["sms"] |= {"quiet_to": "00:00"}
    house.execute("UPDATE notifications SET not_before = now()")
    house.driven().until(lambda: house.statuses() == {"DELIVERED": 3})
    assert house.counted(launch) == (3, 3)
    local = waits + timedelta(hours=3)
    assert (local.hour, local.minute) == (23, 59)


def test_nobody_is_reminded_of_a_day_that_is_past(house: Telling) -> None:
    house.submit("sms", {"r-1": reminder(1, PLAN_DATE="2026-01-15")})
    launch = house.driven().launch("sms")
    (notice,) = house.notices()
    assert (notice.status, house.counted(launch)) == ("CANCELLED", (0, 0))
    assert house.smsc.ledger() == []


def test_a_refused_number_is_an_error_with_its_text_and_is_not_tried_again(house: Telling) -> None:
    house.smsc.switches.update({"refuse_next": 1})
    house.remind("sms", range(2))
    worker = house.driven(send_batch=1)
    launch = worker.launch("sms")
    refused = house.notices()[0]
    assert (refused.status, refused.error_text) == ("SEND_ERROR", "Центр SMS не принял сообщение (код 0xb)")
    assert (refused.attempts, refused.not_before) == (1, None)
    assert house.counted(launch) == (2, 1)


def test_a_centre_that_throttles_gets_everything_once(house: Telling) -> None:
    house.smsc.switches.update({"throttle_next": 3, "queue_full_next": 2, "per_second": 40})
    house.remind("sms", range(50))
    launch = house.driven(send_batch=20).launch("sms")
    assert house.counted(launch) == (50, 50)
    numbers = [m.number for m in house.smsc.ledger()]
    assert len(numbers) == len(set(numbers)) == 50


def test_a_centre_that_does_not_stop_throttling_loses_nothing(house: Telling) -> None:
    house.services["sms"]["patience_s"] = "0.2"
    house.smsc.switches.update({"throttle_next": 100_000})
    house.remind("sms", range(4))
    worker = house.driven()
    launch = house.launch("sms")
    worker.until(lambda: house.result(launch)[0] != "RUNNING")
    assert house.result(launch) == ("FAILED", "Шлюз SMS: Центр SMS просит не торопиться, ждут отправки: 4")
    house.smsc.switches.reset()
    worker.until(lambda: house.counted(launch) == (4, 4))
    assert len(house.smsc.ledger()) == 4


def test_a_session_that_drops_leaves_doubt_for_what_was_under_way_and_sends_the_rest(house: Telling) -> None:
    house.smsc.switches.update({"take_and_drop_next": 1})
    house.services["sms"]["window"] = "1"
    house.remind("sms", range(10))
    worker = house.driven()
    launch = house.launch("sms")
    worker.until(lambda: house.result(launch)[0] != "RUNNING")
    assert house.result(launch) == ("SUCCESS", "Исход неизвестен: 1")
    (doubtful,) = [n for n in house.notices() if n.status == "SENDING"]
    assert doubtful.error_text == "Исход неизвестен: связь с центром SMS прервалась до ответа"
    numbers = [m.number for m in house.smsc.ledger()]
    assert len(numbers) == len(set(numbers)) == 10
    assert house.counted(launch) == (10, 9)


def test_what_stays_in_doubt_for_48_hours_is_not_delivered(house: Telling) -> None:
    house.smsc.switches.update({"drop_before_next": 1})
    house.remind("sms", range(1))
    worker = house.driven()
    launch = house.launch("sms")
    worker.until(lambda: house.result(launch)[0] != "RUNNING")
    assert house.statuses() == {"SENDING": 1}
    house.execute("UPDATE notifications SET await_until = now()")
    worker.until(lambda: house.statuses() == {"NOT_DELIVERED": 1})
    assert house.counted(launch) == (1, 1)
    assert house.smsc.ledger() == []


def test_an_undelivered_message_says_so_and_unknown_does_after_48_hours(house: Telling) -> None:
    house.smsc.switches.update({"unknown_percent": 100})
    house.remind("sms", range(2))
    worker = house.driven()
    worker.launch("sms")
    worker.until(lambda: not house.smsc.store.owed(10, ()))
    assert house.statuses() == {"SENT": 2}
    house.execute(
        "UPDATE notifications SET await_until = now() WHERE id = (SELECT min(id::text)::uuid FROM notifications)"
    )
    worker.until(lambda: house.statuses() == {"NOT_DELIVERED": 1, "SENT": 1})
    house.smsc.store.say_again(UNDELIVERABLE)
    worker.until(lambda: house.statuses() == {"NOT_DELIVERED": 2})


def test_a_message_whose_receipts_are_lost_is_asked_about_in_the_end(house: Telling) -> None:
    house.smsc.switches.update({"lost_receipt_percent": 100})
    house.remind("sms", range(3))
    worker = house.driven()
    launch = worker.launch("sms")
    house.execute("UPDATE notifications SET await_until = now()")
    worker.until(lambda: house.statuses() == {"DELIVERED": 3})
    worker.until(house.is_idle)
    assert house.counted(launch) == (3, 3)
    assert len(house.smsc.ledger()) == 3


def test_a_part_delivered_does_not_make_a_message_of_three_delivered(house: Telling) -> None:
    house.execute("UPDATE organizations SET name = :name", name="Учебная поликлиника № 1 " * 6)
    house.smsc.switches.update({"lost_receipt_percent": 100})
    house.remind("sms", range(1))
    worker = house.driven()
    launch = worker.launch("sms")
    (notice,) = house.notices()
    assert notice.parts == 3
    parts = "SELECT min(peer_id) FROM notification_parts WHERE word IS NULL"
    for told, status in (("DELIVERED", "SENT"), ("DELIVERED", "SENT"), ("DELIVERED", "DELIVERED")):
        with house.engine.begin() as connection:
            peer_id = connection.execute(text(parts)).scalar_one()
            hear(connection, "sms", {peer_id: Word(told)})
        assert house.statuses() == {status: 1}
    assert house.counted(launch) == (1, 1)


def test_a_message_whose_receipts_are_lost_stays_sent_where_the_centre_cannot_tell(house: Telling) -> None:
    house.smsc.switches.update({"lost_receipt_percent": 100, "refuse_query_next": 100})
    house.remind("sms", range(1))
    worker = house.driven()
    worker.launch("sms")
    house.execute("UPDATE notifications SET await_until = now()")
    worker.until(lambda: house.notices()[0].await_until is None)
    assert house.statuses() == {"SENT": 1}


def test_a_long_text_is_delivered_when_all_its_parts_are(house: Telling) -> None:
    name = "Учебная поликлиника с очень длинным наименованием, как их пишут в уставах и на печатях"
    house.execute("UPDATE organizations SET name = :name", name=name)
    house.remind("sms", range(2))
    worker = house.driven()
    worker.launch("sms")
    worker.until(lambda: house.statuses() == {"DELIVERED": 2})
    told = house.smsc.ledger()
    assert [n.parts for n in house.notices()] == [3, 3]
    assert all(m.whole and m.text.endswith(name) for m in told)
    assert len(told) == 2


def test_an_own_text_of_one_organization(house: Telling, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("site") / "texts.toml"
    own = '[organizations."1.2.643.5.1.13.13.12.2.99.7"."ДВ4"]\ntext = "Ждём $дата"\n'
    file.write_text(own, encoding="utf-8")
    house.services["sms"]["templates"] = str(file)
    house.remind("sms", range(1))
    house.driven().launch("sms")
    assert [m.text for m in house.smsc.ledger()] == [f"Ждём {PLANNED:%d.%m.%Y}"]


def test_a_wrong_password_ends_the_launch_and_nothing_is_lost(house: Telling) -> None:
    good = house.services["sms"]["password"]
    house.services["sms"]["password"] = "wrong"
    house.remind("sms", range(2))
    launch = house.driven().launch("sms")
    result, told = house.result(launch)
    assert result == "FAILED"
    assert told == "Центр SMS не принимает наши учётные данные (код 0xe), ждут отправки: 2"
    house.services["sms"]["password"] = good
    house.driven().until(lambda: house.counted(launch) == (2, 2))


def test_a_stopped_launch_sends_no_more_until_the_next_one(house: Telling) -> None:
    house.remind("sms", range(10))
    stop = "UPDATE launches SET stop_requested_at = now()"
    worker = house.driven(lambda point: house.execute(stop) if point is Point.SETTLED else None)
    launch = worker.launch("sms")
    assert house.result(launch) == ("FAILED", "Остановлен оператором, ждут отправки: 5")
    worker.until(lambda: house.statuses() == {"DELIVERED": 5, "NEW": 5})
    worker.until(house.is_idle)
    assert len(house.smsc.ledger()) == 5
    house.driven().launch("sms")
    assert len(house.smsc.ledger()) == 10
    assert house.counted(launch) == (10, 10)


def test_a_sender_that_is_not_ours_blames_no_message(house: Telling) -> None:
    house.services["sms"]["sender"] = "Stranger"
    house.remind("sms", range(6))
    worker = house.driven()
    launch = house.launch("sms")
    worker.until(lambda: house.result(launch)[0] != "RUNNING")
    told = "Шлюз SMS: Центр SMS не принимает отправителя (код 0xa): проверьте настройку sender, ждут отправки: 6"
    assert house.result(launch) == ("FAILED", told)
    house.services["sms"]["sender"] = SENDER
    house.driven().until(lambda: house.counted(launch) == (6, 6))
