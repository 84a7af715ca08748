"""A session that is broken off leaves no request open: what may have arrived is in doubt, what did not is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from gateway.catalog.registry import load_catalog
from gateway.domain.statuses import Operation
from gateway.journal import launches, objects, outbox
from gateway.journal.bodies import pack
from gateway.journal.engine import database_now
from gateway.journal.launches import Starter
from gateway.journal.objects import Arrival
from tests.support.running import add_organizations
from workers.exchange import InDoubt, NotSent, TransportError
from workers.runs.loading import Loaded, load_exchange
from workers.runs.session import SessionRun, run_session
from workers.runs.surroundings import Surroundings

CODE = "free-beds"
DOCUMENT = b"<BedCount><DEPARTMENT>\xd0\xa2</DEPARTMENT><FREE>1</FREE></BedCount>"


class BrokenPeer:
    """Takes a file and then fails; ``closed`` tells that the run gave it back."""

    closed = False

    def __init__(self, error: Exception) -> None:
        self._error = error

    def put(self, name: str, data: bytes) -> None:
        """Take whatever comes."""

    def names(self, _suffix: str) -> tuple[str, ...]:
        """Fail where the answer is looked for."""
        raise self._error

    def close(self) -> None:
        """Be given back."""
        self.closed = True


@pytest.fixture
def loaded() -> Loaded:
    catalog = load_catalog([Path(__file__).parents[1] / "exchanges"])
    return load_exchange(catalog.exchanges[CODE])


@pytest.fixture
def launch_id(engine: Engine) -> UUID:
    """A launch of one МО with one object to send."""
    organization = add_organizations(engine, [("1.2.3", "Учебная больница", "990001")])["1.2.3"]
    with engine.begin() as connection:
        arrival = Arrival("BedCount", "t-1", database_now(connection), False, pack(DOCUMENT), b"1" * 32)
        objects.submit(connection, CODE, organization, [arrival], None)
        return launches.start(connection, CODE, [frozenset({organization})], Starter(None, "Испытание"))[0]


def lease(engine: Engine) -> outbox.Lease:
    (work_id,) = outbox.publish_due(engine)
    taken = outbox.take(engine, work_id, "испытание")
    assert taken is not None
    return taken


def read(engine: Engine, launch_id: UUID) -> tuple[Any, Any]:
    """The launch and its packet."""
    with engine.connect() as connection:
        of = {"launch": launch_id}
        launch = connection.execute(text("SELECT * FROM launches WHERE id = :launch"), of).one()
        return launch, connection.execute(text("SELECT * FROM packets WHERE launch_id = :launch"), of).one()


@pytest.mark.parametrize(
    ("error", "status"), [(InDoubt("Ответа нет"), "IN_DOUBT"), (NotSent("Связи нет"), "SEND_ERROR")]
)
def test_a_failure_of_the_peer_ends_the_session(
    engine: Engine, loaded: Loaded, launch_id: UUID, error: TransportError, status: str
) -> None:
    peer = BrokenPeer(error)
    run_session(Surroundings(engine, lambda: peer), loaded, lease(engine), lambda: peer)  # type: ignore[arg-type,return-value] # a session has no verbs of packets
    launch, packet = read(engine, launch_id)
    assert (launch.result, launch.result_text) == ("FAILED", str(error))
    assert (packet.status, packet.result_text) == (status, str(error))
    assert peer.closed


def test_a_request_that_a_dead_worker_left_open_is_in_doubt(engine: Engine, loaded: Loaded, launch_id: UUID) -> None:
    mine = lease(engine)
    peer = BrokenPeer(RuntimeError("the exchange itself is wrong"))
    around = Surroundings(engine, lambda: peer)  # type: ignore[arg-type,return-value] # as above
    with pytest.raises(RuntimeError):
        run_session(around, loaded, mine, lambda: peer)
    launch, packet = read(engine, launch_id)
    assert (launch.result, packet.status) == ("RUNNING", "SENDING")

    session = SessionRun(around, loaded, mine, launch_id)
    session.close_interrupted(None)
    _, packet = read(engine, launch_id)
    assert (packet.status, packet.operation) == ("IN_DOUBT", Operation.INSERT)
    assert packet.result_text == "Передача прервана, исход неизвестен"
