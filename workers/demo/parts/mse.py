"""ФБ МСЭ: referrals leave over SFTP, back tickets come for them."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from workers.demo.parts import Settings
from workers.demo.parts.mse_data import patients, referrals
from workers.demo.region import ORGANIZATIONS, Document
from workers.demo.stage import Stage
from workers.sandbox.mse import MseSandbox

PATIENCE_S: Final = 10.0
PATIENTS: Final = 12
"""People of one МО with a referral."""


class Mse:
    """«Экспорт направлений на МСЭ в ФБ МСЭ» and «Импорт обратных талонов из ФБ МСЭ»."""

    def __init__(self) -> None:
        self._sandbox = MseSandbox()

    def open(self, stack: ExitStack, folder: Path) -> Settings:
        """Start the stand-in ФБ МСЭ: its SFTP door."""
        password = secrets.token_urlsafe(12)
        self._sandbox.start(username="gateway", password=password)
        stack.callback(self._sandbox.stop)
        site = {
            "transport": "sftp",
            "host": "127.0.0.1",
            "port": str(self._sandbox.sftp_port),
            "user": "gateway",
            "password": password,
            "host_key": self._sandbox.host_key,
            "export_folder": "export",
            "import_folder": "import",
        }
        return {"mse": site}

    def play(self, stage: Stage) -> None:
        """Submit patients and referrals, export, then import the tickets that came for them."""
        firsts = {o: 1 + PATIENTS * place for place, o in enumerate(ORGANIZATIONS)}
        people = {o.oid: [Document(*each) for each in patients(o, PATIENTS, first)] for o, first in firsts.items()}
        sent = {o.oid: [Document(*each) for each in referrals(o, PATIENTS, first)] for o, first in firsts.items()}
        stage.submit("mse-import", people, "МИС передаёт пациентов")
        stage.submit("mse-export", sent, "МИС передаёт направления на МСЭ")
        stage.launch("mse-export", "Экспорт направлений на МСЭ")
        self._wait_for_tickets()
        stage.launch("mse-import", "Импорт обратных талонов")

    def _wait_for_tickets(self) -> None:
        """Let the bureau write its tickets; it is not waited for longer than a person would."""
        deadline = time.monotonic() + PATIENCE_S
        while None in self._sandbox.referrals().values() and time.monotonic() < deadline:
            time.sleep(0.1)


PART = Mse
