"""ТФОМС: launches while the peer is away, when it is back, and after the МИС corrected and changed what it sent."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from workers.demo import client, screen
from workers.demo.parts import Settings
from workers.demo.region import ORGANIZATIONS, Case, Document, cases
from workers.demo.stage import Stage
from workers.sandbox.switches import Outage
from workers.sandbox.tfoms import TfomsSandbox

SERVICE: Final = "tfoms-hosp"
SLUG: Final = "tfoms_hosp"
USER: Final = "gateway"
ANSWER_DELAY_S: Final = 1.0
HELD: Final = 3
INBOUND: Final = 4
"""Changes of insurance data for each МО."""


class Hospital:
    """«Передача сведений о госпитализации в ТФОМС»."""

    def __init__(self) -> None:
        self._sandbox = TfomsSandbox()
        self._launches: list[Any] = []

    def open(self, stack: ExitStack, folder: Path) -> Settings:
        """Start the stand-in ТФОМС."""
        password = secrets.token_urlsafe(12)
        address = self._sandbox.start(username=USER, password=password)
        stack.callback(self._sandbox.stop)
        self._sandbox.switches.update({"answer_delay_s": ANSWER_DELAY_S})
        return {SLUG: {"address": address, "username": USER, "password": password}}

    def play(self, stage: Stage) -> None:
        """Submit, launch three times, bar a few packets; show one rejected packet."""
        stays = {o: cases(o) for o in ORGANIZATIONS}
        documents = {o.oid: [d for case in stays[o] for d in case.documents()] for o in ORGANIZATIONS}
        stage.submit(SERVICE, documents, "МИС передаёт исходные документы")
        stage.submit(SERVICE, {ORGANIZATIONS[0].oid: [_spoilt()]}, "МИС передаёт документ с ошибками")
        self._sandbox.switches.update({"outage": Outage.REFUSE})
        self._launch(stage, "Запуск 1: ТФОМС недоступен")
        self._sandbox.switches.update({"outage": Outage.NONE})
        self._hold(stage)
        self._launch(stage, "Запуск 2: повтор, ТФОМС отвечает")
        stage.submit(SERVICE, {o.oid: _changes(stays[o]) for o in ORGANIZATIONS}, "МИС исправляет, изменяет и удаляет")
        self._launch(stage, "Запуск 3: изменения")
        self._show_rejected(stage)
        for organization in ORGANIZATIONS:
            self._sandbox.queue_inbound(organization.code, INBOUND)
        stage.launch("tfoms-insurance", "Изменения страховых данных")
        stage.take_inbound()

    def _launch(self, stage: Stage, title: str) -> None:
        self._launches += stage.launch(SERVICE, title)

    def _hold(self, stage: Stage) -> None:
        """«Не отправлять повторно»: an operator bars a few packets that were not sent; later launches skip them."""
        admin, page = stage.admin, {"limit": HELD}
        failed = admin.journal.ListPackets(
            launchId=self._launches[-1].id, statuses={"status": ["SEND_ERROR"]}, page=page
        )
        ids = [packet.id for packet in failed.packets.packet]
        outcomes = admin.control.HoldPackets(packetIds={"packetId": ids}, reason="Демонстрация запрета отправки")
        done = sum(outcome.done for outcome in outcomes.outcome)
        screen.line(f"Администратор ставит признак «Не отправлять пакет»: {done}")

    def _show_rejected(self, stage: Stage) -> None:
        packets = (p for record in self._launches for p in client.all_packets(stage.admin, record.id))
        shown = next(packet for packet in packets if packet.status == "REJECTED")
        journal = stage.admin.journal
        screen.content(shown, journal.GetPacketData(packetId=shown.id), journal.GetPacketAnswer(packetId=shown.id))


def _spoilt() -> Document:
    """A document that the door refuses, with several findings."""
    content = "<Referral>\n  <NOM_NAP>не номер</NOM_NAP>\n  <DTA_NAP>вчера</DTA_NAP>\n  <ЛИШНЕЕ/>\n</Referral>"
    return Document("Referral", "1999999", content.encode())


def _changes(stays: list[Case]) -> list[Document]:
    """What a МО does after reading its journal: completes referrals, changes some, removes one."""
    changes = []
    for case in stays:
        referral = case.referral()
        if case.number % 11 == 5:
            planned = f"<DTA_PLN>{case.day.isoformat()}</DTA_PLN></Referral>".encode()
            complete = referral.changed(b"</PERS>", b"<VPOLIS>3</VPOLIS><NPOLIS>3400000000001777</NPOLIS></PERS>")
            changes.append(complete.changed(b"</Referral>", planned))
        elif case.number % 10 == 2:
            changes.append(referral.changed(b"<MPODR_STC>21<", b"<MPODR_STC>22<"))
        elif case.number % 10 == 0:
            changes.append(case.cancellation().removed())
    return changes


PART = Hospital
