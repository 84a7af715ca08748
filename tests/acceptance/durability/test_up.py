"""`gateway up` when its processes die one after another: the data are there, the launch ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from gateway.embedded.processes import postmaster_pid
from tests.support.audit import check_books
from tests.support.houses import PASSWORD, USER, environment_for
from tests.support.up import START_S, Up, journal_of
from tests.support.waiting import eventually
from workers.sandbox.tfoms import TfomsSandbox

END_S = 90.0


@pytest.fixture
def peer() -> Iterator[TfomsSandbox]:
    """It tells verdicts a little later, so that a launch lasts."""
    sandbox = TfomsSandbox()
    sandbox.start(username=USER, password=PASSWORD)
    sandbox.switches.update({"answer_delay_s": 2.0})
    yield sandbox
    sandbox.stop()


@pytest.fixture
def up(peer: TfomsSandbox, tmp_path: Path) -> Iterator[Up]:
    with Up(tmp_path, tmp_path / "data", environment_for(peer)) as running:
        yield running


def ends_well(up: Up, peer: TfomsSandbox, launch_id: UUID) -> None:
    with journal_of(up, peer) as home:
        eventually(lambda: home.is_over(launch_id), END_S, what="the launch ends")
        assert home.result(launch_id)[0] == "SUCCESS"
        eventually(home.is_idle, END_S, what="late answers are in")
        check_books(home)
    assert up.stop() == 0


def begin(up: Up, peer: TfomsSandbox) -> UUID:
    """Launch, and return when a worker is in the middle of it."""
    with journal_of(up, peer) as home:
        home.submit(40)
        launch_id = home.launch()
        eventually(lambda: (home.lease(launch_id) or ("", None))[1], 30, what="a worker takes it")
        return launch_id


def test_dead_children_are_replaced(up: Up, peer: TfomsSandbox) -> None:
    launch_id = begin(up, peer)
    dead = {name: up.child(name) for name in ("serve", "worker")}
    for pid in dead.values():
        os.kill(pid, signal.SIGKILL)
    for name, pid in dead.items():
        eventually(partial(up.has_another, name, pid), START_S, what=f"another {name}")
    eventually(up.is_healthy, START_S, what="the gateway answers", poll_s=0.1)
    ends_well(up, peer, launch_id)


def test_a_dead_database_server_is_started_again(up: Up, peer: TfomsSandbox) -> None:
    launch_id = begin(up, peer)
    server = postmaster_pid((up.data / "postgres").resolve())
    os.kill(server, signal.SIGKILL)
    eventually(lambda: postmaster_pid((up.data / "postgres").resolve()) != server, START_S, what="another server")
    eventually(up.is_healthy, START_S, what="the gateway answers", poll_s=0.1)
    ends_well(up, peer, launch_id)


def test_a_dead_supervisor_leaves_nothing_that_hinders_the_next(up: Up, peer: TfomsSandbox) -> None:
    launch_id = begin(up, peer)
    up.die()
    up.start()
    ends_well(up, peer, launch_id)
