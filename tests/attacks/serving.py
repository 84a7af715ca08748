"""The web process as an installation runs it, and what one request costs it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from itertools import count
from pathlib import Path
from typing import Final

from gateway.domain.roles import Role
from gateway.journal.engine import connect
from tests.support.postgres import ThrowawayPostgres
from tests.support.running import add_account, add_organizations, environment, free_port
from workers.demo.client import wait_until_up

LOGIN: Final = "mis"
OID: Final = "1.2.643.5.1.13.13.12.2.34.1"
SEND_S: Final = 2
"""Seconds that a caller has for the body of SubmitObjects here."""
CLOSED: Final = -1
"""Stands for the status of an answer that never came: the connection was closed."""

ANSWER_S: Final = 60


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; ``status`` -1 stands for a connection closed without an answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time and growth of the peak of resident memory."""

    cpu_s: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Site:
    """A running gateway: its port, its web process and its log."""

    port: int
    pid: int
    log: Path
    callers: Iterator[int] = field(default_factory=lambda: count(2))

    def connect(self, limit_s: float = ANSWER_S) -> socket.socket:
        """Connect from an address of its own, for failures to sign in are counted by address."""
        number = next(self.callers)
        source = (f"127.0.{number >> 8 & 255}.{number & 255}", 0)
        return socket.create_connection(("127.0.0.1", self.port), limit_s, source)

    def send(self, raw: bytes, *, limit_s: float = ANSWER_S, hang_up: bool = False) -> Reply:
        """Send bytes as they are, and read one answer; ``hang_up`` tells the server that no more will come."""
        with self.connect(limit_s) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):  # refused before it was whole: the answer is there
                connection.sendall(raw)
                if hang_up:
                    connection.shutdown(socket.SHUT_WR)
            return read_reply(connection)

    def cost(self, raw: bytes) -> tuple[Reply, Cost]:
        """Send bytes, and tell what they cost."""
        status = Path(f"/proc/{self.pid}")
        (status / "clear_refs").write_text("5", encoding="ascii")  # the peak starts from what is resident now
        before, cpu = self._status_bytes("VmHWM"), self._cpu_s()
        reply = self.send(raw)
        return reply, Cost(self._cpu_s() - cpu, self._status_bytes("VmHWM") - before)

    def resident_bytes(self) -> int:
        """Resident memory now."""
        return self._status_bytes("VmRSS")

    def _cpu_s(self) -> float:
        return time.clock_gettime((~self.pid << 3) | 2)  # CPUCLOCK_SCHED of another process: nanoseconds, all threads

    def _status_bytes(self, name: str) -> int:
        return _status_bytes(self.pid, name)


def read_reply(connection: socket.socket) -> Reply:
    """Read one answer of HTTP/1.1."""
    response = HTTPResponse(connection)
    try:
        response.begin()
        body = response.read()
    except (OSError, HTTPException):
        return Reply(CLOSED)
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


@contextmanager
def site(database_url: str, log: Path, **given: str) -> Iterator[Site]:
    """Keep one web process running."""
    port = free_port()
    settings = environment(
        GATEWAY_DATABASE_URL=database_url, GATEWAY_PORT=str(port), GATEWAY_LOG_LEVEL="DEBUG", **given
    )
    with log.open("wb") as stream:
        child = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", "serve"], env=settings, stdin=subprocess.DEVNULL, stderr=stream
        )
    try:
        wait_until_up(f"http://127.0.0.1:{port}")
        yield Site(port, _web_process(child.pid), log)
    finally:
        child.terminate()
        child.wait(30)


@contextmanager
def furnished(server: ThrowawayPostgres, template: str, log: Path, **given: str) -> Iterator[Site]:
    """Keep one web process running on a journal of one МО and its МИС."""
    url = server.create_database(template)
    engine = connect(url, pool_size=1)
    ids = add_organizations(engine, [(OID, "Районная больница", "340001")])
    add_account(engine, LOGIN, Role.MIS, list(ids.values()))
    engine.dispose()
    limits = {"SubmitObjects": {"send_s": SEND_S}, "ConfirmInbound": {"max_items": 5}}
    connected = {"GATEWAY_SERVICES__TFOMS_HOSP__ADDRESS": "https://peer.example"}
    try:
        with site(url, log, GATEWAY_LIMITS=json.dumps(limits), **connected, **given) as running:
            yield running
    finally:
        server.drop_database(url)


def _web_process(parent: int) -> int:
    """Granian's child that answers: the one that has the application in memory."""
    tasks = Path(f"/proc/{parent}/task").iterdir()
    children = [int(child) for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]
    return max(children, key=lambda child: _status_bytes(child, "VmRSS"))


def _status_bytes(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"the kernel does not tell {name}")
