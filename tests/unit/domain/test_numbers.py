"""Check digits: right numbers pass, one wrong digit does not, what is no such number is left to the schema; OIDs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.domain.numbers import inn_is_right, is_oid, ogrn_is_right, snils_is_right

RIGHT = [
    (snils_is_right, "112-233-445 95"),
    (snils_is_right, "11223344595"),
    (inn_is_right, "7707083893"),
    (inn_is_right, "500100732259"),
    (ogrn_is_right, "1027700132195"),
    (ogrn_is_right, "304500116000157"),
]


@pytest.mark.parametrize(("check", "number"), RIGHT, ids=[number for _, number in RIGHT])
def test_a_right_number_passes_and_one_wrong_last_digit_does_not(check: Callable[[str], bool], number: str) -> None:
    assert check(number)
    last = int(number[-1])
    assert not any(check(number[:-1] + str(digit)) for digit in range(10) if digit != last)


@pytest.mark.parametrize("check", [snils_is_right, inn_is_right, ogrn_is_right])
@pytest.mark.parametrize("text", ["", "1", "номер", "١١٢٢٣٣٤٤٥٩٥", "77070838931234567890"])
def test_what_is_no_such_number_is_left_to_the_schema(check: Callable[[str], bool], text: str) -> None:
    assert check(text)


def test_early_snils_had_no_check_digits() -> None:
    assert snils_is_right("001-001-998 00")
    assert not snils_is_right("001-001-999 00")


@pytest.mark.parametrize("text", ["1.2.643", "1.2.643.5.1.13.13.12.2.34.1", "0.0.0", "2.999.1"])
def test_an_oid_is_three_numbers_or_more(text: str) -> None:
    assert is_oid(text)


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "3.2.1", "1.2.03", "1..2", "1.2.643.", "1.2.643 ", "1.2.٣", "1.2.3\n"]
)
def test_what_is_no_oid(text: str) -> None:
    assert not is_oid(text)
