"""Values by which an object is found are compared as people mean them, not as they were typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.lookups import comparable


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["Королёва"], ["КОРОЛЕВА"]),
        (["  анна   мария "], ["Анна Мария"]),
        (["А\u00a0Б"], ["А Б"]),
        (["Иванова", "", "Анна"], ["Иванова", "  ", "Анна"]),
    ],
)
def test_the_same_person_is_the_same(one: list[str], other: list[str]) -> None:
    assert comparable(one) == comparable(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [(["АБ", "В"], ["А", "БВ"]), (["А", ""], ["", "А"]), (["Анна Мария"], ["АннаМария"])],
)
def test_different_values_differ(one: list[str], other: list[str]) -> None:
    assert comparable(one) != comparable(other)


@pytest.mark.parametrize("blank", [[], [""], [" ", "\t"]])
def test_nobody_is_found_by_nothing(blank: list[str]) -> None:
    assert comparable(blank) is None


@given(st.lists(st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]), max_size=9), max_size=4))
def test_comparing_is_settled_at_once(values: list[str]) -> None:
    made = comparable(values)
    assert made is None or comparable(made.split("\x1f")) == made
