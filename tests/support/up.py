"""`gateway up` as a process of its own, with children that may be looked for and killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import requests

from gateway.embedded import discard, running_url
from tests.support.houses import House, furnished
from tests.support.waiting import eventually
from workers.sandbox.tfoms import TfomsSandbox

START_S = 90.0


class Up:
    """One `gateway up` on a data folder; its log and its children's go to one file."""

    def __init__(self, folder: Path, data: Path, environment: dict[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.data = data
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "up.log"
        self._command = [sys.executable, "-m", "gateway.cli", "up", "--data", str(data), "--port", str(port)]
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            eventually(self.is_healthy, START_S, what="the gateway answers", poll_s=0.1)
        except BaseException:
            self.stop()
            raise

    def is_healthy(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except requests.RequestException:
            return False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def child(self, name: str) -> int:
        """Process id of a child started as `gateway <name>`, 0 while there is none."""
        for pid in Path(f"/proc/{self.pid}/task").glob("*/children"):
            for child in pid.read_text(encoding="utf-8").split():
                words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                if words[-3:-1] == [b"gateway.cli", name.encode()]:
                    return int(child)
        return 0

    def has_another(self, name: str, than: int) -> bool:
        """There is such a child, and it is a new one."""
        return self.child(name) not in (0, than)

    def die(self) -> None:
        """kill -9 of the supervisor alone."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        """Ask it to stop, once or again; return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        discard(self.data)

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait(120)


@contextmanager
def journal_of(up: Up, peer: TfomsSandbox) -> Iterator[House]:
    """The journal as it is now; its address changes when its server is started again."""
    url = eventually(lambda: running_url(up.data), START_S, what="the database is up")
    assert url is not None
    with furnished(url, peer, {}, up.log.parent) as home:
        yield home
