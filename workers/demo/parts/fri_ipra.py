"""ФГИС ФРИ: what was done under ИПРА; what the peer did not take is corrected and sent again, and nothing else."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from workers.demo.parts import Settings
from workers.demo.parts.fri_ipra_data import corrected, programmes, register
from workers.demo.region import ORGANIZATIONS
from workers.demo.stage import Stage
from workers.sandbox.fri_ipra import FriIpraSandbox

SERVICE: Final = "fri-ipra"
PROGRAMMES: Final = 20
"""Programmes of one МО."""


class FriIpra:
    """«Выгрузка сведений об исполнении ИПРА в ФГИС ФРИ»."""

    def __init__(self) -> None:
        self._sandbox = FriIpraSandbox()

    def open(self, stack: ExitStack, folder: Path) -> Settings:
        """Start the stand-in ФГИС ФРИ and let it know the programmes."""
        password = secrets.token_urlsafe(12)
        address = self._sandbox.start(username="gateway", password=password)
        stack.callback(self._sandbox.stop)
        for organization in ORGANIZATIONS:
            self._sandbox.know(register(organization, PROGRAMMES))
        return {"fri_ipra": {"address": address, "username": "gateway", "password": password}}

    def play(self, stage: Stage) -> None:
        """Submit the programmes and launch, the first answer being lost on its way; correct, launch again."""
        told = {o.oid: list(programmes(o, PROGRAMMES)) for o in ORGANIZATIONS}
        stage.submit(SERVICE, told, "МИС передаёт сведения об исполнении ИПРА")
        self._sandbox.switches.update({"take_and_drop_next": 1})
        stage.launch(SERVICE, "Исполнение ИПРА")
        again = {o.oid: list(corrected(o, PROGRAMMES)) for o in ORGANIZATIONS}
        stage.submit(SERVICE, again, "МО исправляют программы")
        stage.launch(SERVICE, "Исполнение ИПРА: исправленное и непринятое")


PART = FriIpra
