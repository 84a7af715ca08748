"""Which status was in force when, and what makes a УЦ another than before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.authorities import Accreditation, Authority, CaCertificate, hexadecimal, in_force

START = datetime(2022, 1, 1, tzinfo=UTC)
STOP = datetime(2024, 1, 1, tzinfo=UTC)
ACTIVE, STOPPED = Accreditation("Действует", START), Accreditation("Прекращена", STOP)
CERTIFICATE = CaCertificate("AB" * 20, "CD" * 20, "CN=У", "CN=У", "01", START, STOP, b"der")
AUTHORITY = Authority("9900000001", "1990000000001", "Учебный УЦ", "УЦ", "1", "", ACTIVE, (ACTIVE,), (CERTIFICATE,))


@pytest.mark.parametrize(
    ("at", "status"),
    [
        (START - timedelta(seconds=1), None),
        (START, "Действует"),
        (STOP - timedelta(seconds=1), "Действует"),
        (STOP, "Прекращена"),
    ],
)
def test_a_status_is_in_force_from_its_moment_until_the_next(at: datetime, status: str | None) -> None:
    assert in_force([STOPPED, ACTIVE], at) == status


def test_of_two_statuses_of_one_moment_the_later_told_counts() -> None:
    corrected = Accreditation("Аннулирована", STOP)
    assert in_force([ACTIVE, STOPPED, corrected], STOP) == "Аннулирована"
    assert in_force([], STOP) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Другой"},
        {"number": "2"},
        {"successor_ogrn": "1990000000002"},
        {"accreditation": STOPPED},
        {"history": (ACTIVE, STOPPED)},
        {"certificates": ()},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_is_kept_of_an_authority_changes_its_digest(changed: dict[str, object]) -> None:
    assert replace(AUTHORITY, **changed).digest() != AUTHORITY.digest()  # type: ignore[arg-type] # names are those above


def test_order_and_zone_change_nothing() -> None:
    moscow = Accreditation("Действует", START.astimezone())
    again = replace(AUTHORITY, accreditation=moscow, history=(moscow, ACTIVE))
    assert again.digest() == AUTHORITY.digest()


def test_hexadecimal_digits_are_read_as_people_write_them() -> None:
    assert hexadecimal("ab:CD 01-2f") == "ABCD012F"
