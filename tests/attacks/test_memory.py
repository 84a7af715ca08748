"""What many requests leave behind in memory."""

from __future__ import annotations

from itertools import count, islice

from gateway.soap.versions import SOAP11
from tests.attacks.requests import Sent, envelope
from tests.attacks.serving import Site

ROUND = 24
NAMES = 200


def names(number: int) -> bytes:
    """8 MB of element names that nobody has used before."""
    body = "".join(f"<n{number}x{i}{'x' * 40_000}/>" for i in range(NAMES))
    return Sent(envelope(SOAP11, body), "intake").raw(SOAP11)


def test_ever_new_names_do_not_stay_in_memory(site: Site) -> None:
    numbers = count()

    def growth() -> int:
        before = site.resident_bytes()
        for number in islice(numbers, ROUND):
            assert site.send(names(number)).status == 500
        return site.resident_bytes() - before

    growth()  # what a process needs at most, it has then
    assert any(growth() < ROUND * NAMES * 40_000 / 4 for _ in range(3)), "each round of new names stays in memory"
