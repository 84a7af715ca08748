"""SMS and e-mail to patients: no message without consent, and none twice."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from workers.demo.parts import Settings
from workers.demo.parts.notices_data import reminders
from workers.demo.region import ORGANIZATIONS, Document
from workers.demo.stage import Stage
from workers.sandbox.mail import MailSandbox
from workers.sandbox.smsc import SmscSandbox

PATIENTS: Final = 30
"""People of one МО."""
AHEAD: Final = timedelta(days=14)
ALWAYS: Final = {"quiet_from": "00:00", "quiet_to": "00:00"}
"""The demonstration is played at any hour; a site keeps the hours of quiet."""


class Notices:
    """«SMS уведомление о предстоящей диспансеризации» and the same by e-mail."""

    def __init__(self) -> None:
        self._centre = SmscSandbox()
        self._mail = MailSandbox()

    def open(self, stack: ExitStack, folder: Path) -> Settings:
        """Start the stand-in SMS centre and mail server."""
        password = secrets.token_urlsafe(5)[:8]
        who = {"username": "gateway", "password": password}
        sms = self._centre.start(username="gateway", password=password, sender="POLYCLINIC")
        stack.callback(self._centre.stop)
        mail = self._mail.start(username="gateway", password=password, sender="notices@example.org")
        stack.callback(self._mail.stop)
        return {
            "sms": {**who, **ALWAYS, "address": sms, "sender": "POLYCLINIC", "per_second": "200"},
            "email": {
                **who,
                **ALWAYS,
                "address": mail,
                "sender": "notices@example.org",
                "ca_bundle": str(self._mail.ca_bundle),
            },
        }

    def play(self, stage: Stage) -> None:
        """Submit the reminders to both services and launch each."""
        day = (datetime.now(UTC) + AHEAD).date()
        for service, title in (("sms", "SMS-уведомления"), ("email", "Email-уведомления")):
            documents = {
                o.oid: [Document(*each) for each in reminders(o, day, PATIENTS, 1 + PATIENTS * place)]
                for place, o in enumerate(ORGANIZATIONS)
            }
            stage.submit(service, documents, f"МИС передаёт напоминания ({service})")
            stage.launch(service, title)


PART = Notices
