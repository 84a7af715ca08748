"""What the demonstration does, part by part, and what it tells at the end."""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

from gateway.disk import temporary_folder
from gateway.domain.roles import Role
from gateway.embedded import discard
from gateway.embedded.supervisor import Supervisor
from gateway.journal import registry
from gateway.journal.engine import connect
from gateway.operations.passwords import hash_password
from gateway.operations.reference import load_reference
from workers.demo import client, screen
from workers.demo.parts import Settings, parts
from workers.demo.region import ORGANIZATIONS, REGION_CODES, dictionary_files
from workers.demo.stage import Stage

DATA: Final = "data"


class Demo:
    """One demonstration: an embedded gateway in a temporary folder, and a stand-in for every external system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._password = secrets.token_urlsafe(12)
        self._parts = parts()
        self.url = f"http://127.0.0.1:{_free_port()}"

    def set_up(self, stack: ExitStack) -> Supervisor:
        """Start the stand-ins, the database, the gateway; add МО and accounts."""
        services: dict[str, Any] = {}
        for number, part in enumerate(self._parts):
            folder = self._folder / f"peer-{number}"
            folder.mkdir()
            services.update(part.open(stack, folder))
        supervisor = stack.enter_context(Supervisor(self._folder / DATA, self._environment(services)))
        self._register(supervisor.database_url)
        supervisor.start_children()
        client.wait_until_up(self.url)
        return supervisor

    def _environment(self, services: Settings) -> dict[str, str]:
        return {
            "GATEWAY_HOST": "127.0.0.1",
            "GATEWAY_PORT": self.url.rpartition(":")[2],
            "GATEWAY_PUBLIC_URL": self.url,
            "GATEWAY_LOG_LEVEL": "ERROR",
            "GATEWAY_SERVICES": json.dumps(services),
        }

    def _register(self, database_url: str) -> None:
        engine = connect(database_url, pool_size=1)
        with engine.begin() as connection:
            ids = [
                registry.put_organization(connection, o.oid, o.name, {"tfoms": o.code, "ogrn": o.ogrn, **REGION_CODES})
                for o in ORGANIZATIONS
            ]
            stored = hash_password(self._password)
            registry.add_account(connection, "mis", stored, Role.MIS, ids, may_act=True)
            registry.add_account(connection, "admin", stored, Role.DC_ADMIN, [], may_act=False)
        for file in dictionary_files():
            load_reference(engine, file.stem, file, None, who="демонстрация")
        engine.dispose()

    def tell(self) -> dict[str, Any]:
        """Play every part; print what happened; return the summary."""
        began = time.monotonic()
        stage = Stage(self.url, self._password)
        for part in self._parts:
            part.play(stage)
        return self._report(stage, time.monotonic() - began)

    def _report(self, stage: Stage, seconds: float) -> dict[str, Any]:
        journal = stage.admin.journal
        launches = [journal.GetLaunch(launchId=record.id) for record in stage.launches]
        packets = [p for record in launches for p in client.all_packets(stage.admin, record.id)]
        by_status = Counter(packet.status for packet in packets)
        services = stage.services()
        screen.launches(launches, services)
        screen.statuses(by_status)
        screen.services(services)
        screen.addresses(self.url)
        return {
            "launches": len(launches),
            "packets": len(packets),
            "by_status": dict(sorted(by_status.items())),
            "services": {s.code: {"title": s.title, "result": _result(s)} for s in services},
            "seconds": round(seconds, 1),
        }


def _result(service: Any) -> str | None:
    if service.isGroup:
        return "GROUP"
    return service.lastLaunch.result if service.lastLaunch else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_demo(*, stay: bool) -> dict[str, Any]:
    """Run the demonstration; with ``stay`` remain up until Ctrl-C. Returns the summary."""
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder("gateway-demo-"))
        folder.chmod(0o711)  # as root the database's own user must pass through it
        stack.callback(discard, folder / DATA)  # where that user cannot, its cluster lies elsewhere
        demo = Demo(folder)
        screen.line(f"Готовится демонстрация, процесс {os.getpid()}")
        supervisor = demo.set_up(stack)
        screen.line(supervisor.description)
        summary = demo.tell()
        if stay:
            screen.line("Демонстрация работает до Ctrl-C")
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
    return summary
