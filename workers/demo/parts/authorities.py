"""The registry of certification authorities: two issues, the second with a status changed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from workers.demo.parts import Settings
from workers.demo.stage import Stage
from workers.sandbox.ca import CaSandbox


class Authorities:
    """«Сервис обновления реестра УЦ»."""

    def __init__(self) -> None:
        self._sandbox = CaSandbox()

    def open(self, stack: ExitStack, folder: Path) -> Settings:
        """Start the stand-in server of the registry."""
        address = self._sandbox.start(count=40)
        stack.callback(self._sandbox.stop)
        return {"ca": {"address": address}}

    def play(self, stage: Stage) -> None:
        """Load an issue, and the next one."""
        stage.launch("ca", "Реестр УЦ: первый выпуск")
        self._sandbox.publish(statuses={1: "Прекращена"}, withdraw=[2], count=42)
        stage.launch("ca", "Реестр УЦ: следующий выпуск")


PART = Authorities
