"""Reminders of coming check-ups to invented people: what a МИС would submit to the services of SMS and e-mail.

Every eleventh person gave no consent, every thirteenth has no usable address: their notifications are cancelled. Pure:
the same МО, number and day give the same object.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from lxml import etree
from lxml.builder import E

from gateway.xml.canonical import serialize
from workers.demo.region import NAMES, SURNAMES, DemoOrganization
from workers.exchange import KINDS

Made = tuple[str, str, bytes]
"""Object type, the МИС's id, content."""

OBJECT_TYPE: Final = "PreventionReminder"
TIME_ZONE: Final = "Europe/Volgograd"


def reminders(
    organization: DemoOrganization, planned_on: date, count: int, first: int = 1, *, visited: bool = False
) -> Iterator[Made]:
    """Reminders of ``count`` people from number ``first`` on (below 10 000 000, the end of their telephone number).

    ``planned_on`` is the day they are expected; ``visited`` makes the same objects say that they came already.
    """
    for number in range(first, first + count):
        root = E.PreventionReminder(
            E.PERS(
                E.FAM(f"{SURNAMES[number % len(SURNAMES)]}-{organization.code}-{number}"),
                E.IM(NAMES[number % len(NAMES)]),
                E.OT("Омегович"),
                E.DR(date(1950 + number % 50, 1 + number % 12, 1 + number % 28).isoformat()),
            ),
            E.KIND(KINDS[number % len(KINDS)]),
            E.PLAN_DATE(planned_on.isoformat()),
            E.TIME_ZONE(TIME_ZONE),
            E.CONSENT(E.GIVEN("false" if number % 11 == 5 else "true"), E.DATE("2026-01-10")),
        )
        if number % 13 != 7:
            root.append(E.PHONE(f"+7900{number:07d}"))
            root.append(E.EMAIL(f"person-{organization.code}-{number}@example.org"))
        if visited:
            root.append(E.VISITED("true"))
        etree.indent(root)
        yield OBJECT_TYPE, f"reminder-{number}", serialize(root)
