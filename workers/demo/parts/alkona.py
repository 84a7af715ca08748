"""Алькона: three exports; what it did not take of a packet is sent again, and nothing else."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from workers.demo.parts import Settings
from workers.demo.parts.alkona_data import Made, branches, observations, plans
from workers.demo.region import ORGANIZATIONS, DemoOrganization, Document
from workers.demo.stage import Stage
from workers.sandbox.alkona import AlkonaSandbox

PERSONS: Final = 40
"""People of one МО in each of two lists."""
EXPORTS: Final[dict[str, Callable[[DemoOrganization], Iterator[Made]]]] = {
    "alkona-dep": branches,
    "alkona-dn": lambda o: observations(o, PERSONS, 1 + PERSONS * ORGANIZATIONS.index(o)),
    "alkona-prf": lambda o: plans(o, PERSONS, 1 + PERSONS * ORGANIZATIONS.index(o)),
}


class Alkona:
    """«Сервис автоматизированного взаимодействия с ТФОМС (Алькона)»."""

    def __init__(self) -> None:
        self._sandbox = AlkonaSandbox()

    def open(self, stack: ExitStack, folder: Path) -> Settings:
        """Start the stand-in Алькона over two folders."""
        self._sandbox.start(folder, username="gateway", password=secrets.token_urlsafe(12))
        stack.callback(self._sandbox.stop)
        return {"alkona": self._sandbox.settings}

    def play(self, stage: Stage) -> None:
        """Submit the three lists and launch each; the list of observations twice."""
        for service, made in EXPORTS.items():
            documents = {o.oid: [Document(*each) for each in made(o)] for o in ORGANIZATIONS}
            stage.submit(service, documents, f"МИС передаёт списки для Алькона ({service})")
            stage.launch(service, f"Алькона, {service}")
        stage.launch("alkona-dn", "Алькона, alkona-dn: повтор только непринятых записей")


PART = Alkona
