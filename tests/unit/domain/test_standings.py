"""What a peer tells of somebody is compared with what it told before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.domain.standings import Standing, stand

EARLY, LATE = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
Told = tuple[str, datetime | None]


@pytest.mark.parametrize(
    ("known", "given", "standing"),
    [
        (None, ("a", EARLY), Standing.FIRST),
        (("a", EARLY), ("a", LATE), Standing.SAME),
        (("a", LATE), ("a", EARLY), Standing.SAME),
        (("a", EARLY), ("b", LATE), Standing.NEWER),
        (("a", EARLY), ("b", EARLY), Standing.NEWER),
        (("a", LATE), ("b", EARLY), Standing.OLDER),
        (("a", LATE), ("b", None), Standing.NEWER),
        (("a", None), ("b", EARLY), Standing.NEWER),
    ],
)
def test_a_state_stands_to_the_known_one(known: Told | None, given: Told, standing: Standing) -> None:
    assert stand(known, given) is standing
