"""The first names of a folder, whatever the order and the number of them in the listing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.transports.file_servers import FirstNames

NAMES = st.text(st.sampled_from("abR.xml/"), max_size=6)


@given(st.lists(NAMES, unique=True), st.integers(1, 5))
def test_they_are_those_that_sorting_all_of_them_gives(names: list[str], limit: int) -> None:
    first = FirstNames(("R*", "a*"), "l", limit)
    for name in names:
        first.add(name)
    fitting = [each for each in names if each.startswith(("R", "a")) and each.endswith("l") and "/" not in each]
    assert first.told() == tuple(sorted(fitting)[:limit])
