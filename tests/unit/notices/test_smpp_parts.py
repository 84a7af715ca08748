"""Cutting texts into SMS, reading receipts, the books of a batch: no session needed."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.exchange import Fate, Message, Word
from workers.transports.smpp_batch import Batch
from workers.transports.smpp_parts import parts_of
from workers.transports.smpp_receipts import read_receipt

ONE, TWO = UUID(int=1), UUID(int=2)


CHARACTERS = st.characters(exclude_categories=["Cs"])


@given(st.text(CHARACTERS, min_size=1, max_size=35), st.integers(0, 255))
def test_a_text_that_fits_is_one_message(text: str, reference: int) -> None:
    assert parts_of(text, reference) == [text.encode("utf-16-be")]


@given(st.text(CHARACTERS, min_size=71, max_size=400), st.integers(0, 255))
def test_parts_put_together_are_the_text_and_none_is_too_long(text: str, reference: int) -> None:
    parts = parts_of(text, reference)
    assert all(len(part) <= 140 for part in parts)
    assert [part[:6] for part in parts] == [
        bytes((5, 0, 3, reference, len(parts), number)) for number in range(1, len(parts) + 1)
    ]
    assert "".join(part[6:].decode("utf-16-be") for part in parts) == text


@pytest.mark.parametrize(("length", "number"), [(70, 1), (71, 2), (134, 2), (135, 3)])
def test_70_characters_are_one_message_and_67_a_part_of_many(length: int, number: int) -> None:
    assert len(parts_of("я" * length, 0)) == number


def receipt(text: str, *, esm_class: int = 4, **tlvs: object) -> SimpleNamespace:
    return SimpleNamespace(esm_class=esm_class, short_message=text.encode(), **tlvs)


STATES = {
    "DELIVRD": Word.DELIVERED,
    "EXPIRED": Word.FAILED,
    "DELETED": Word.FAILED,
    "UNDELIV": Word.FAILED,
    "REJECTD": Word.FAILED,
    "ACCEPTD": Word.UNDER_WAY,
    "ENROUTE": Word.UNDER_WAY,
    "UNKNOWN": Word.UNKNOWN,
    "SOMETHING": Word.UNKNOWN,
}


@pytest.mark.parametrize("state", STATES)
def test_a_receipt_is_read_from_its_text(state: str) -> None:
    text = f"id:0a1B sub:001 dlvrd:001 submit date:2604010900 done date:2604010901 stat:{state} err:000 text:id:1"
    assert read_receipt(receipt(text)) == ("0a1B", STATES[state])


def test_what_the_tlvs_say_comes_first_and_other_messages_are_no_receipts() -> None:
    text = "id:1 stat:DELIVRD"
    assert read_receipt(receipt(text, receipted_message_id=b"77\0", message_state=5)) == ("77", Word.FAILED)
    assert read_receipt(receipt(text, esm_class=0)) is None
    assert read_receipt(receipt("привет")) is None


def batch() -> Batch:
    """Two messages: one of two parts, one of one; all three parts have left."""
    made = Batch()
    made.add(Message(ONE, "+79000000001", ""), [b"1", b"2"])
    made.add(Message(TWO, "+79000000002", ""), [b"3"])
    for sequence in range(1, 4):
        made.note_sent(sequence, made.next_part(), 0.0)
    return made


def fates(made: Batch) -> list[Fate]:
    return [handed.fate for handed in made.handed()]


def test_a_message_is_taken_when_all_its_parts_are() -> None:
    made = batch()
    made.took(1, "a")
    made.took(3, "c")
    assert fates(made) == [Fate.IN_DOUBT, Fate.TAKEN]
    made.took(2, "b")
    assert fates(made) == [Fate.TAKEN, Fate.TAKEN]
    assert made.handed()[0].peer_ids == ("a", "b")


def test_a_message_of_which_a_part_was_taken_is_never_repeated() -> None:
    made = batch()
    made.took(1, "a")
    made.refused(2, Fate.LATER, "позже")
    assert made.handed()[0].fate is Fate.REFUSED
    assert made.handed()[0].text == "позже, передана часть сообщения"


def test_a_throttled_part_waits_longer_each_time_and_goes_first() -> None:
    made = batch()
    made.wait(3, 10.0)
    made.wait(2, 10.05)
    first = made.resume_at
    assert first == pytest.approx(10.1)
    part = made.next_part()
    made.note_sent(4, part, first)
    made.wait(4, first)
    assert made.resume_at == pytest.approx(first + 0.2)
    assert made.throttled_since == 10.0


def test_a_broken_session_leaves_doubt_only_for_what_was_unanswered() -> None:
    made = batch()
    made.took(1, "a")
    made.took(2, "b")
    made.add(Message(UUID(int=3), "+79000000003", ""), [b"4"])
    made.break_off("неизвестно", "не ушло")
    assert fates(made) == [Fate.TAKEN, Fate.IN_DOUBT, Fate.NOT_SENT]
