"""The gateway as an installation runs it: `gateway serve` and `gateway worker`, processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

import requests
from sqlalchemy import Engine

from gateway.domain.roles import Role
from gateway.journal import registry
from gateway.operations.passwords import hash_password
from tests.support.brokers import own_broker
from tests.support.waiting import eventually

PASSWORD: Final = "invented-password"
_NO_BYTECODE: Final = "PYTHONDONTWRITEBYTECODE"


def environment(**given: str) -> dict[str, str]:
    """The environment of a child: ours without its own gateway settings, and what is given.

    Its bytecode is kept, as pip keeps it when it installs: compiled anew by each child it costs a second and memory.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", _NO_BYTECODE))}
    return {**ours, **given}


def gateway_command(*arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *arguments],
        env=environment(**given),
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def running(database_url: str, services: Mapping[str, Mapping[str, str]], **given: str) -> Iterator[str]:
    """Keep a web and a worker process running; give the public address once it answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = environment(
        GATEWAY_DATABASE_URL=database_url,
        GATEWAY_PORT=str(port),
        GATEWAY_PUBLIC_URL=url,
        GATEWAY_LOG_LEVEL="WARNING",
        GATEWAY_SERVICES=json.dumps(services),
        **own_broker(),
        **given,
    )
    with ExitStack() as stack:
        children = [stack.enter_context(_child(name, settings)) for name in ("serve", "worker")]
        eventually(lambda: _answers(url, children), 60, what="the gateway answers", poll_s=0.1)
        yield url


@contextmanager
def _child(name: str, settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "gateway.cli", name]
    child = subprocess.Popen(command, env=settings, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _answers(url: str, children: Sequence[subprocess.Popen[bytes]]) -> bool:
    assert [child.poll() for child in children] == [None, None], "a process of the gateway has ended"
    with suppress(requests.RequestException):
        return requests.get(f"{url}/healthz", timeout=5).ok
    return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def add_organizations(engine: Engine, given: Sequence[tuple[str, str, str]]) -> dict[str, int]:
    """Add МО, each (OID, name, code of ТФОМС); return their ids by OID."""
    with engine.begin() as connection:
        return {oid: registry.put_organization(connection, oid, name, {"tfoms": code}) for oid, name, code in given}


def add_account(engine: Engine, login: str, role: Role, ids: Sequence[int] = (), *, may_act: bool = False) -> int:
    """Add an account with the one password of all tests; return its id."""
    with engine.begin() as connection:
        return registry.add_account(connection, login, _hash(), role, ids, may_act=may_act)


_hashes: list[str] = []


def _hash() -> str:
    """Hashing is dear on purpose: once is enough."""
    if not _hashes:
        _hashes.append(hash_password(PASSWORD))
    return _hashes[0]
