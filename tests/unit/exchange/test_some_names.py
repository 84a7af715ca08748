"""Names of a folder, whatever the order and the number of them in the listing."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from workers.exchange import Arrivals
from workers.transports.file_servers import SomeNames
from workers.transports.folder import FolderTransport

PIECES = (st.sampled_from("aRb"), st.text(st.sampled_from("abR./"), max_size=3), st.sampled_from("llx"))
NAMES = st.tuples(*PIECES).map("".join)


@given(st.lists(NAMES, unique=True), st.integers(1, 5))
def test_they_are_all_that_fit_in_their_order_or_any_so_many(names: list[str], limit: int) -> None:
    some = SomeNames(("R*", "a*"), "l", limit)
    for name in names:
        some.add(name)
    fitting = [each for each in names if each.startswith(("R", "a")) and each.endswith("l") and "/" not in each]
    told = some.told()
    if len(fitting) <= limit:
        assert told == tuple(sorted(fitting))
    else:
        assert (len(told), len(set(told)), set(told) <= set(fitting)) == (limit, limit, True)


def test_files_that_nobody_can_remove_do_not_bar_the_others_for_ever(tmp_path: Path) -> None:
    """So many connections that it fails once in 10^20 although all is well."""
    theirs, ours = (tmp_path / name for name in ("in", "out"))
    theirs.mkdir()
    for number in range(6):
        (theirs / f"{number}.xml").touch()
    offered: set[str] = set()
    for _ in range(120):
        arrivals = Arrivals(FolderTransport(ours, theirs), ".xml", limit=2)
        offered.update(arrivals.fresh())
        assert arrivals.more
    assert offered == {f"{number}.xml" for number in range(6)}
