"""ФГИС ФРИ: two МО ask for people, extracts come, one changes later; one person is unknown, one extract is wrong."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from workers.demo.parts import Settings
from workers.demo.parts.fri_disabled_data import asked_for, extract
from workers.demo.region import ORGANIZATIONS
from workers.demo.stage import Stage
from workers.sandbox.fri_disabled import FriDisabledSandbox

SERVICE: Final = "fri-disabled"
PEOPLE: Final = 8
UNKNOWN: Final = 90


class FriDisabled:
    """«Загрузка сведений об инвалидах из ФГИС ФРИ»."""

    def __init__(self) -> None:
        self._sandbox = FriDisabledSandbox()

    def open(self, stack: ExitStack, folder: Path) -> Settings:
        """Start the stand-in register and let it know some people."""
        password = secrets.token_urlsafe(12)
        address = self._sandbox.start(username="gateway", password=password)
        stack.callback(self._sandbox.stop)
        for number in range(PEOPLE):
            self._sandbox.put(extract(number))
        return {"fri_disabled": {"address": address, "username": "gateway", "password": password}}

    def play(self, stage: Stage) -> None:
        """Ask, with one extract cut on its way; then again, when one has changed; the МИС takes what came."""
        first, second, _ = ORGANIZATIONS
        asked = {
            first.oid: [asked_for(number) for number in (*range(6), UNKNOWN)],
            second.oid: [asked_for(number) for number in range(4, PEOPLE)],
        }
        stage.submit(SERVICE, asked, "МИС запрашивает сведения об инвалидах")
        self._sandbox.switches.update({"malformed_answer_next": 1})
        stage.launch(SERVICE, "Сведения об инвалидах")
        self._sandbox.put(extract(5, group=2, made="2026-03-03T10:00:00+03:00", copy=2))
        stage.launch(SERVICE, "Сведения об инвалидах: изменения")
        stage.take_inbound()


PART = FriDisabled
