"""Back tickets are taken from a folder of any size, and no file bars those behind it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from workers.exchange import MAX_NAMES, Arrivals, FileUnusable, Handled, Incoming, PacketStatus
from workers.exchanges.mse.peer import source


class Folder:
    """Files of the peer; ``stuck`` cannot be removed, ``closed`` cannot be read."""

    def __init__(self, count: int, stuck: str = "", closed: str = "") -> None:
        self.held = {f"{number:06}.xml": b"<a/>" for number in range(count)}
        self.stuck, self.closed = stuck, closed
        self.listings = 0

    def reach(self) -> None: ...

    def put(self, name: str, data: bytes) -> None:
        self.held[name] = data

    def has(self, name: str) -> bool:
        return name in self.held

    def names(self, suffix: str = "", limit: int = MAX_NAMES) -> Sequence[str]:
        self.listings += 1
        return sorted(name for name in self.held if name.endswith(suffix))[:limit]

    def read(self, name: str) -> bytes:
        if name == self.closed:
            raise FileUnusable("Файл не читается.")
        return self.held[name]

    def remove(self, name: str) -> None:
        if name == self.stuck:
            raise FileUnusable("Файл не удаляется.")
        self.held.pop(name, None)


def handled(taken: Sequence[Incoming]) -> list[Handled]:
    return [Handled(each, PacketStatus.PROCESSED, "", None) for each in taken]


def test_a_large_folder_is_listed_once_for_all_its_pages_and_once_for_what_came_meanwhile() -> None:
    folder = Folder(1000)
    tickets = source(folder)
    pages = 0
    while taken := tickets.take(50):
        assert tickets.confirm(handled(taken)) == {}
        pages += 1
    assert (pages, folder.held, folder.listings) == (20, {}, 2)
    folder.put("later.xml", b"<a/>")
    assert [each.name for each in tickets.take(50)] == ["later.xml"]


def test_a_file_that_cannot_be_removed_bars_none_behind_it() -> None:
    folder = Folder(120, stuck="000000.xml")
    tickets = source(folder)
    refused: dict[str, str] = {}
    while taken := tickets.take(50):
        refused.update(tickets.confirm(handled(taken)))
    assert refused == {"000000.xml": "Файл не удаляется."}
    assert list(folder.held) == ["000000.xml"]


def test_a_file_that_cannot_be_read_is_told_after_all_others() -> None:
    folder = Folder(120, closed="000000.xml")
    tickets = source(folder)
    for count in (50, 50, 19):
        taken = tickets.take(50)
        assert len(taken) == count
        tickets.confirm(handled(taken))
    with pytest.raises(FileUnusable, match="не читается"):
        tickets.take(50)
    assert list(folder.held) == ["000000.xml"]


def test_a_folder_too_large_for_one_connection_is_read_in_part_and_the_rest_over_the_next() -> None:
    folder = Folder(7, stuck="000000.xml")
    folder.put("000000.txt", b"")
    offered = []
    for _ in range(4):
        arrivals = Arrivals(folder, ".xml", 3)
        names = [*arrivals.fresh(), *arrivals.fresh()]
        arrivals.remove(names)
        offered.append((names, arrivals.more))
    assert offered == [
        (["000000.xml", "000001.xml", "000002.xml"], True),
        (["000000.xml", "000003.xml", "000004.xml"], True),
        (["000000.xml", "000005.xml", "000006.xml"], False),
        (["000000.xml"], False),
    ]
