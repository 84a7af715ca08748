"""What the demonstration does, step by step, and what it tells at the end."""

from __future__ import annotations

import json
import os
import secrets
import socket
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

from gateway.domain.roles import Role
from gateway.embedded.supervisor import Supervisor
from gateway.journal import registry
from gateway.journal.engine import connect
from gateway.operations.passwords import hash_password
from workers.demo import client, screen
from workers.demo.client import Services
from workers.demo.region import ORGANIZATIONS, Case, Document, cases
from workers.sandbox.switches import Outage
from workers.sandbox.tfoms import TfomsSandbox

SERVICE: Final = "tfoms-hosp"
SLUG: Final = "tfoms_hosp"
ANSWER_DELAY_S: Final = 1.0
HELD: Final = 3


class Demo:
    """One demonstration: an embedded gateway in a temporary folder and a stand-in ТФОМС."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._password = secrets.token_urlsafe(12)
        self._sandbox = TfomsSandbox()
        self._launches: list[Any] = []
        self.url = f"http://127.0.0.1:{_free_port()}"

    def set_up(self, stack: ExitStack) -> Supervisor:
        """Start the stand-in, the database, the gateway; add МО and accounts."""
        peer_url = self._sandbox.start(username="gateway", password=self._password)
        stack.callback(self._sandbox.stop)
        self._sandbox.switches.update({"answer_delay_s": ANSWER_DELAY_S})
        services = {SLUG: {"address": peer_url, "username": "gateway", "password": self._password}}
        environment = {
            "GATEWAY_HOST": "127.0.0.1",
            "GATEWAY_PORT": self.url.rpartition(":")[2],
            "GATEWAY_PUBLIC_URL": self.url,
            "GATEWAY_LOG_LEVEL": "ERROR",
            "GATEWAY_SERVICES": json.dumps(services),
        }
        supervisor = stack.enter_context(Supervisor(self._folder, environment))
        self._register(supervisor.database_url)
        supervisor.start_children()
        client.wait_until_up(self.url)
        return supervisor

    def _register(self, database_url: str) -> None:
        engine = connect(database_url, pool_size=1)
        with engine.begin() as connection:
            ids = [registry.put_organization(connection, o.oid, o.name, {"tfoms": o.code}) for o in ORGANIZATIONS]
            stored = hash_password(self._password)
            registry.add_account(connection, "mis", stored, Role.MIS, ids, may_act=True)
            registry.add_account(connection, "admin", stored, Role.DC_ADMIN, [], may_act=False)
        engine.dispose()

    def tell(self) -> dict[str, Any]:
        """Submit, launch, repeat; print what happened; return the summary."""
        began = time.monotonic()
        mis = client.sign_in(self.url, "mis", self._password)
        admin = client.sign_in(self.url, "admin", self._password)
        stays = {o: cases(o) for o in ORGANIZATIONS}
        documents = {o.oid: [d for case in stays[o] for d in case.documents()] for o in ORGANIZATIONS}
        self._submit(mis, documents, "МИС передаёт исходные документы")
        self._submit(mis, {ORGANIZATIONS[0].oid: [_spoilt()]}, "МИС передаёт документ с ошибками")
        self._outage(admin, "Запуск 1: ТФОМС недоступен")
        self._hold(admin)
        self._launch(admin, "Запуск 2: повтор, ТФОМС отвечает")
        self._submit(mis, {o.oid: _changes(stays[o]) for o in ORGANIZATIONS}, "МИС исправляет, изменяет и удаляет")
        self._launch(admin, "Запуск 3: изменения")
        return self._report(admin, time.monotonic() - began)

    def _submit(self, mis: Services, documents: dict[str, list[Document]], title: str) -> None:
        outcomes = [x for oid, sent in documents.items() for x in client.submit(mis, SERVICE, oid, sent)]
        counts = Counter(outcome.result for outcome in outcomes)
        screen.line(f"{title}: " + ", ".join(f"{code} {count}" for code, count in sorted(counts.items())))
        for outcome in outcomes:
            for finding in outcome.findings.finding if outcome.findings else ():
                screen.line(f"    {finding.path}, строка {finding.line}: {finding.message}")

    def _launch(self, admin: Services, title: str) -> None:
        with screen.progress(title) as watch:
            self._launches.append(client.launch(admin, SERVICE, watch))

    def _outage(self, admin: Services, title: str) -> None:
        self._sandbox.switches.update({"outage": Outage.REFUSE})
        self._launch(admin, title)
        self._sandbox.switches.update({"outage": Outage.NONE})

    def _hold(self, admin: Services) -> None:
        """«Не отправлять повторно»: an operator bars a few packets that were not sent; later launches skip them."""
        page = {"limit": HELD}
        failed = admin.journal.ListPackets(
            launchId=self._launches[-1].id, statuses={"status": ["SEND_ERROR"]}, page=page
        )
        ids = [packet.id for packet in failed.packets.packet]
        outcomes = admin.control.HoldPackets(packetIds={"packetId": ids}, reason="Демонстрация запрета отправки")
        done = sum(outcome.done for outcome in outcomes.outcome)
        screen.line(f"Администратор ставит признак «Не отправлять пакет»: {done}")

    def _report(self, admin: Services, seconds: float) -> dict[str, Any]:
        packets = [p for record in self._launches for p in client.all_packets(admin, record.id)]
        by_status = Counter(packet.status for packet in packets)
        titles = {packet.status: packet.statusTitle for packet in packets}
        screen.launches([admin.journal.GetLaunch(launchId=record.id) for record in self._launches])
        screen.statuses({code: (titles[code], count) for code, count in by_status.items()})
        shown = next(p for p in packets if p.status == "REJECTED")
        screen.content(
            shown,
            admin.journal.GetPacketData(packetId=shown.id),
            admin.journal.GetPacketAnswer(packetId=shown.id),
        )
        screen.addresses(self.url)
        return {
            "launches": len(self._launches),
            "packets": len(packets),
            "by_status": dict(sorted(by_status.items())),
            "services": _services(admin),
            "seconds": round(seconds, 1),
        }


def _services(admin: Services) -> dict[str, dict[str, str | None]]:
    """Every service and group of the list with the result of its last launch."""
    found: dict[str, dict[str, str | None]] = {}
    for service in admin.journal.ListServices().services.service:
        members = [service]
        if service.isGroup:
            found[service.code] = {"title": service.title, "result": "GROUP"}
            members = admin.journal.ListServices(groupCode=service.code).services.service
        for member in members:
            if not member.isGroup:
                last = member.lastLaunch
                found[member.code] = {"title": member.title, "result": last.result if last else None}
    return found


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_demo(*, stay: bool) -> dict[str, Any]:
    """Run the demonstration; with ``stay`` remain up until Ctrl-C. Returns the summary."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-demo-")))
        folder.chmod(0o711)  # as root the database's own user must pass through it
        demo = Demo(folder / "data")
        screen.line(f"Готовится демонстрация, процесс {os.getpid()}")
        supervisor = demo.set_up(stack)
        screen.line(supervisor.description)
        summary = demo.tell()
        if stay:
            screen.line("Демонстрация работает до Ctrl-C")
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
    return summary
