"""What an exchange says of an object beyond its type: another packet, or none until it changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml.builder import E
from sqlalchemy import Connection, Engine, text

from gateway.catalog.registry import load_catalog
from gateway.domain.errors import ConfigurationError
from gateway.journal import launches, objects
from gateway.journal.engine import database_now
from gateway.journal.launches import LaunchState
from gateway.journal.registry import put_organization
from tests.support import journaling
from tests.support.packet_house import MORNING, arrival_of
from workers.demo.region import ORGANIZATIONS, Case
from workers.exchange import Job
from workers.runs.forming import form_batch
from workers.runs.loading import Loaded, load_exchange

SERVICE = "tfoms-hosp"
FIRST = ORGANIZATIONS[0]
SILENT = Case(FIRST, 2)


def silent(job: Job) -> str | None:
    return None if job.object_id == SILENT.object_id(1) else job.packet_type


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as made:
        key = put_organization(made, FIRST.oid, FIRST.name, {"tfoms": FIRST.code})
        given = [case.referral() for case in (Case(FIRST, 1), SILENT)]
        arrivals = [arrival_of((d.object_type, d.object_id, d.content or b""), MORNING) for d in given]
        objects.submit(made, SERVICE, key, arrivals, None)
        yield made


def loaded() -> Loaded:
    return replace(load_exchange(load_catalog().exchanges[SERVICE]), choose=silent)


def form(connection: Connection, exchange: Loaded) -> int:
    launch: LaunchState = launches.load(connection, journaling.launch(connection, service=SERVICE))
    launch = replace(launch, started_at=database_now(connection))
    return form_batch(connection, exchange, launch, exchange.exchange.manifest.packet_types[0])


def formed(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM packets")).scalar_one())


def test_an_object_of_which_there_is_nothing_to_tell_waits_until_it_changes(connection: Connection) -> None:
    exchange = loaded()
    assert (form(connection, exchange), formed(connection)) == (2, 1)
    assert form(connection, exchange) == 0
    changed = SILENT.referral().changed(b"<USL_OK>1", b"<USL_OK>2")
    arrival = arrival_of((changed.object_type, changed.object_id, changed.content or b""), MORNING + timedelta(hours=1))
    (key,) = connection.execute(text("SELECT id FROM organizations")).scalars()
    objects.submit(connection, SERVICE, key, [arrival], None)
    assert (form(connection, replace(exchange, choose=None)), formed(connection)) == (1, 2)


def test_it_is_looked_at_again_under_other_rules(connection: Connection) -> None:
    exchange = loaded()
    form(connection, exchange)
    assert form(connection, replace(exchange, rules="other")) == 1
    assert form(connection, replace(exchange, rules="other")) == 0
    assert formed(connection) == 1


def test_a_packet_type_that_the_manifest_does_not_know_ends_the_run(connection: Connection) -> None:
    with pytest.raises(ConfigurationError, match="в манифесте нет типа пакета NOWHERE"):
        form(connection, replace(loaded(), choose=lambda _: "NOWHERE"))


def test_the_records_of_a_packet_are_its_last_children_that_are_alike() -> None:
    packet = E.ZL_LIST(E.ZAP("0"), E.ZGLV(), E.ZAP("1"), E.ZAP("2"))
    assert [each.text for each in loaded().records(packet)] == ["1", "2"]
