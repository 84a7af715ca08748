"""Schools: a notification each, one child without consent, one text with a diagnosis, one school nobody knows."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Final

from lxml.builder import E

from gateway.xml.canonical import serialize
from workers.demo.parts import Settings
from workers.demo.region import FIRST_DAY, NAMES, ORGANIZATIONS, SURNAMES, Document, snils
from workers.demo.stage import Stage
from workers.sandbox.edu import SCHOOLS, EduSandbox

SERVICE: Final = "edu"
CHILDREN: Final = 8
"""Children of one МО."""


class Edu:
    """«Сервис рассылки уведомлений в образовательные учреждения»."""

    def __init__(self) -> None:
        self._sandbox = EduSandbox()

    def open(self, stack: ExitStack, folder: Path) -> Settings:
        """Start the stand-in service of educational organisations."""
        password = secrets.token_urlsafe(12)
        address = self._sandbox.start(username="gateway", password=password)
        stack.callback(self._sandbox.stop)
        return {SERVICE: {"address": address, "username": "gateway", "password": password}}

    def play(self, stage: Stage) -> None:
        """Submit the events, launch; the first receipt is lost on its way and asked for again."""
        documents = {
            oid: [_event(place * CHILDREN + n) for n in range(CHILDREN)]
            for place, oid in enumerate(o.oid for o in ORGANIZATIONS)
        }
        stage.submit(SERVICE, documents, "МИС передаёт события для школ")
        self._sandbox.switches.update({"take_and_drop_next": 1})
        stage.launch(SERVICE, "Уведомления школам")


def _event(number: int) -> Document:
    begun = FIRST_DAY + timedelta(days=number % 20)
    school = "1023400000990" if number % CHILDREN == 5 else sorted(SCHOOLS)[number % 2]
    event = E.EduEvent(
        E.Kind("ILLNESS_CLOSED"),
        E.Consent(E.Given("false" if number % CHILDREN == 3 else "true")),
        E.MedOrg(E.Ogrn("1023400000006")),
        E.EduOrg(E.Ogrn(school), E.Name("Учебная школа")),
        E.Child(
            E.ExternalId(f"child-{number}"),
            E.LastName(SURNAMES[number % len(SURNAMES)]),
            E.FirstName(NAMES[number % len(NAMES)]),
            E.BirthDate("2015-05-06"),
            E.Snils(snils(200_000_000 + number)),
            E.EduLevel(E.Type("2"), E.Value("5")),
        ),
        E.Period(E.From(begun.isoformat()), E.To((begun + timedelta(days=7)).isoformat())),
        E.Comment("Отсутствовал по болезни, J00" if number % CHILDREN == 6 else "Отсутствовал по болезни"),
    )
    return Document("EduEvent", f"event-{number}", serialize(event))


PART = Edu
